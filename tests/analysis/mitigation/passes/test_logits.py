"""Answers by decoding methods: strength 0 is greedy bit for bit, and what is not said comes
last."""

import math

import numpy as np
import pytest
import torch

from analysis.absence.questions import questions_of
from analysis.capture.output_map import output_map
from analysis.mitigation.methods.decodings import GREEDY, TEXT, decodings, plain
from analysis.mitigation.passes.logits import NodeLogits, scored
from analysis.mitigation.passes.parts import Part, two_parts
from analysis.mitigation.passes.setup import set_up
from data_prep.errors import UserError
from probes.answers.scores import answer_log_probs
from probes.decoding import contrast, deco, m3id, sled


@pytest.fixture(scope="module")
def head(opened, parts):
    """The model's own output map, which is kept when the passes are made."""
    parts[0].last("real")
    return output_map(opened)


@pytest.fixture(scope="module")
def references(parts):
    return {name: parts[0].last(name) for name in ("blank", "other")}


def test_greedy_answers_are_what_the_lens_reads_at_the_last_layer(head, parts):
    part = parts[0]
    found = scored(part, head, {GREEDY: plain}, {})[GREEDY]
    last = part.last("real")[:, :, None]
    read = answer_log_probs(last, head, part.trees, part.nodes)[:, 0]
    np.testing.assert_allclose(found, read, atol=1e-5)


@pytest.mark.parametrize(
    "method",
    [
        lambda given: contrast(given.final, given.references["blank"], strength=0.0),
        lambda given: deco(given.layers, given.final, strength=0.0, top_p=0.9).logits,
        lambda given: sled(given.layers, given.final, rate=0.0, scale=3),
        lambda given: m3id(given.final, given.references["other"], forgetting=0.0, step=1,
                           confident=1.0),
    ],
)  # fmt: skip
def test_strength_0_is_greedy_bit_for_bit(head, parts, references, method):
    both = scored(parts[0], head, {GREEDY: plain, "it": method}, references)
    assert np.array_equal(both[GREEDY], both["it"])


def test_a_contrast_is_the_formula_of_its_paper(head, parts, references):
    """(1 + a) l - a l', read among yes and no: worked out here from their logits alone."""
    part = parts[0]
    by_name = {each.name: each for each in decodings(2, {"blank": "VCD"})}
    method = by_name["VCD"].settings["strength 1"]
    found = scored(part, head, {"it": method, GREEDY: plain}, references)
    against = scored(part, head, {GREEDY: lambda given: given.references["blank"]}, references)
    own, other = (np.diff(each[GREEDY].astype(float), axis=1)[:, 0] for each in (found, against))
    wanted = 2 * own - other
    # Under the cut of .1 an answer nine times less probable is not said: it comes behind all.
    said = np.abs(own) < math.log2(1 / 0.1)
    assert said.any()
    if len(part.nodes) == 1 and all(len(tree.children[()]) == 2 for tree in part.trees):
        got = np.diff(found["it"].astype(float), axis=1)[:, 0]
        np.testing.assert_allclose(got[said], wanted[said], atol=1e-4)


def test_what_is_not_said_comes_last_and_keeps_its_order():
    from analysis.mitigation.passes.logits import _of_children

    given = NodeLogits(
        final=torch.tensor([[2.0, 1.0, 9.0], [3.0, 1.0, 9.0], [1.0, 0.5, 9.0]]),
        layers=torch.zeros(3, 1, 3),
        references={},
        among=torch.tensor([0, 1]),
    )
    cut = torch.tensor([[2.0, -math.inf, 9.0], [3.0, -math.inf, 9.0], [-math.inf, -math.inf, 9.0]])
    found = _of_children(cut, given)
    odds = found[:, 0] - found[:, 1]
    assert odds[1] > odds[0] > 900  # as the plain odds order them
    assert odds[2] == pytest.approx(0.5)  # says neither: the plain ones hold


def test_all_methods_give_finite_scores_and_are_tuned_within_the_model(head, parts, references):
    part = parts[1]
    names = {"blank": "blank", "other": "other", TEXT: "text"}
    own = {name: part.last(name) for name in ("blank", "other")} | {TEXT: part.last("blank")}
    for method in decodings(2, names):
        found = scored(part, head, dict(method.settings), own)
        assert len(found) == len(method.settings) > 0
        for scores in found.values():
            assert np.isfinite(scores).all()


def test_the_parts_share_no_group(parts):
    tune, judge = parts
    assert not set(tune.questions.items["group"]) & set(judge.questions.items["group"])
    assert len(tune) + len(judge) == len(tune.whole.items)
    assert isinstance(tune, Part)


def test_no_scene_is_judged_by_on_which_something_is_tuned_elsewhere(opened, parts):
    scenes = set(parts[0].questions.items["scene_id"])
    color = questions_of(opened, "color", most=60)
    usual_tune, usual_judge = two_parts(opened, color)
    tune, judge = two_parts(opened, color, tuned_on=scenes)
    shared = set(usual_judge.questions.items["scene_id"]) & scenes
    assert shared  # else it would be no matter
    assert not set(judge.questions.items["scene_id"]) & scenes
    assert not set(judge.questions.items["group"]) & set(tune.questions.items["group"])
    assert len(tune) + len(judge) == len(color.items)
    # No group is tuned on that need not be, beyond the third.
    touched = color.items.loc[color.items["scene_id"].isin(list(scenes)), "group"].nunique()
    assert tune.questions.n_groups == max(color.n_groups // 3, touched)
    assert usual_tune.questions.n_groups == color.n_groups // 3


def test_premises_are_judged_on_scenes_that_no_setting_was_chosen_on(opened):
    setup = set_up(opened, "exist", ("color",), most=60)
    tuned = set(setup.main.tune.questions.items["scene_id"])
    assert not set(setup.premises["color"].judge.questions.items["scene_id"]) & tuned


def test_parts_that_lack_one_side_are_refused(opened, parts):
    whole = parts[0].whole
    there = whole.part(np.flatnonzero(~whole.absent))
    with pytest.raises(UserError, match=r"the part for tuning needs things .* got 0 absent"):
        two_parts(opened, there)
