"""Raised attention, alone and with PAI's contrast: against the authors' rule, written out item by
item; and when they are left out."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.mitigation.methods.arms import LeftOut
from analysis.mitigation.methods.decodings import TEXT
from analysis.mitigation.methods.inside import RAISED, guided, guided_arms, raised_arms
from analysis.mitigation.passes.interventions import attention_raised, changed_passes
from analysis.mitigation.passes.setup import set_up


@pytest.fixture(scope="module")
def setup(opened):
    return set_up(opened, "exist", (), most=60)


def as_published(own, alone, tokens, gamma=1.1):
    """What gamma * (s - u) + u of log-probabilities is for some tokens of one item, and whether s
    is at least a tenth of the largest among them."""
    s, u = (torch.log_softmax(each.double(), -1)[tokens].tolist() for each in (own, alone))
    led = [gamma * (mine - other) + other for mine, other in zip(s, u, strict=True)]
    return led, [mine >= max(s) + math.log(0.1) for mine in s]


def test_what_is_raised_is_led_away_from_the_question_alone_as_published(setup):
    part, texts = setup.main.tune, setup.main.tuned[TEXT]
    raised = changed_passes(part, {"it": attention_raised(0.5)}, told="test")["it"]
    found = setup.odds(guided(part, setup.unembedding, raised, texts)) * math.log(2)
    n_one_sided = 0
    for item, tree in enumerate(part.trees):
        path = max(tree.parting, key=lambda each: len(tree.children[each]))
        # All that is decided is decided here: the odds are a matter of these children alone.
        assert all(len(tree.children[each]) == 1 for each in tree.parting if each != path)
        place, below = part.nodes.index(tree.node(path)), tree.children[path]
        with torch.no_grad():
            own, alone = (setup.unembedding.logits(each[item, place]) for each in (raised, texts))
        led, said = as_published(own, alone, list(below))
        share = {"yes": 0.0, "no": 0.0}
        for answers, score, is_said in zip(below.values(), led, said, strict=True):
            share[tree.answers[min(answers)]] += math.exp(score) if is_said else 0.0
        if min(share.values()) > 0:
            wanted = math.log(share["yes"] / share["no"])
            assert found[item] == pytest.approx(wanted, rel=1e-3, abs=1e-4)
        else:
            n_one_sided += 1
            assert abs(found[item]) > 900
            assert (found[item] > 0) == (share["yes"] > 0)
    assert n_one_sided < len(part)


@pytest.fixture(scope="module")
def arms(setup):
    return {name: each(setup)[0] for name, each in (("alone", raised_arms), ("PAI", guided_arms))}


def test_the_arms_are_the_better_strengths_with_and_without_the_contrast(setup, arms):
    part = setup.main.judge
    for name, arm in arms.items():
        assert arm.setting in ("strength 0.2", "strength 0.5")
        strength = float(arm.setting.split()[1])
        raised = changed_passes(part, {"it": attention_raised(strength)}, told=arm.setting)["it"]
        scores = (
            setup.answers(part, raised)
            if name == "alone"
            else guided(part, setup.unembedding, raised, setup.main.judged[TEXT])
        )
        assert arm.odds is not None
        np.testing.assert_allclose(arm.odds, setup.odds(scores), atol=1e-5)
    assert not np.allclose(*(arm.odds for arm in arms.values()))


def test_the_contrast_costs_a_pass_for_each_text(setup, arms):
    assert arms["alone"].passes == 0
    assert arms["PAI"].passes == setup.n_passes[TEXT] > 0


def test_each_is_left_out_where_what_it_needs_is_not_to_be_had(setup):
    main = setup.main
    blind = replace(setup, main=replace(main, read=replace(main.read, attention=None)))
    for each in (raised_arms, guided_arms):
        with pytest.raises(LeftOut, match="not every block shows its attention"):
            each(blind)
    without = {name: each for name, each in main.tuned.items() if name != TEXT}
    speechless = replace(setup, main=replace(main, tuned=without))
    with pytest.raises(LeftOut, match="takes no prompt without an image"):
        guided_arms(speechless)
    assert raised_arms(speechless)[0].name == RAISED
