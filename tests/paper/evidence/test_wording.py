"""What is said follows what was found: every outcome, and what decides a claim."""

from dataclasses import replace

import pytest

from analysis.effects.found import ByControl, Interval
from analysis.emergence.found import CrossingGap, Ladder, ReadoutPair, ReadoutsCompared
from analysis.order.found import FoundOrder
from analysis.typed import read_back
from paper.evidence.loudness_wording import ladder_sentence, loudness_sentences
from paper.evidence.order_wording import chain_clause, order_clause, pair_sentence
from paper.evidence.wording import (
    controls_clause,
    emergence_clause,
    emergence_sentences,
    outcome_word,
    ranges_sentence,
    robustness_range,
    whole_layer,
)
from tests.paper.made_up_findings import SHIFTS, ladder, readouts, typed_finding
from tests.paper.made_up_studies import order


@pytest.mark.parametrize(
    ("outcome", "clause", "word"),
    [
        ("emerged", "color emerges at layer 3.4 of 6 (95% CI 3.2 to 3.7)", "emerges"),
        ("from_start", "color is there from the start, at layer 0 already", "from the start"),
        ("died", "color emerges and is lost again by layer 6", "lost again"),
        (
            "not_emerged",
            "color does not emerge by layer 6 (an effect of 0.043\u00a0H would have been found "
            "with power .8)",
            "does not emerge",
        ),
    ],
)
def test_each_outcome_has_its_words(outcome, clause, word):
    found = typed_finding("color", onset=3.4, outcome=outcome)
    assert emergence_clause("color", found) == clause
    assert outcome_word(found) == word
    said = emergence_sentences("color", found)
    assert said.startswith(clause[:1].upper() + clause[1:])
    assert said.endswith("(240 scenes).")


def test_a_layer_comes_with_its_whole_layer_its_sets_and_its_range():
    said = emergence_sentences("color", typed_finding("color", onset=3.4))
    for part in (
        "There it reaches half of its plateau of 0.70\u00a0H.",
        "The first whole layer past that is 4 (4 to 5).",
        "The forward-backward set for it is layers 3 to 4,",
        "Under 4 of 4 defensible choices, the declared one among them, the layer lies between 2.8 "
        "and 4.1.",
    ):
        assert part in said
    assert "p\u00a0<\u00a0.001 against shuffled images" in said


def test_of_each_control_the_larger_of_its_two_p_is_told():
    found = typed_finding("color", onset=3.4)
    found = replace(found, plateau_p=ByControl(shuffled=0.04, blank=0.0004))
    said = emergence_sentences("color", found)
    assert "p\u00a0=\u00a0.040 against shuffled images and p\u00a0<\u00a0.001 against blank" in said


def test_without_a_single_layer_the_set_stands_alone():
    found = typed_finding("color", onset=3.4, monotone=False)
    clause = emergence_clause("color", found)
    assert clause.startswith(
        "color emerges by a layer of its 95% forward-backward set, 3 to 4 of 6"
    )
    assert "no single layer" in clause
    said = emergence_sentences("color", found)
    assert "CI" not in said
    assert "choices" not in said
    assert robustness_range(found) is None
    assert whole_layer(found) == ""


def test_a_finding_that_does_not_survive_the_adjustment_says_so():
    weak = typed_finding("color", onset=3.4, holm=0.07)
    text = "which would not survive Holm\u2019s adjustment over the run (p\u00a0=\u00a0.070)"
    assert text in emergence_clause("color", weak)
    assert "survive" not in emergence_clause("color", typed_finding("color", onset=3.4, holm=0.05))
    # What has not emerged has nothing to lose.
    none = typed_finding("color", onset=3.4, outcome="not_emerged")
    assert none.omnibus_p_holm == 1
    assert "survive" not in emergence_clause("color", none)


def test_a_decline_takes_no_layer_away():
    found = typed_finding("color", onset=3.4, declines=True)
    assert emergence_clause("color", found).startswith("color emerges at layer 3.4")
    assert outcome_word(found) == "emerges, declines"
    assert "It declines: of 0.69\u00a0H at its height, 0.35\u00a0H are left at layer 6." in (
        emergence_sentences("color", found)
    )


def test_where_the_interval_touches_the_input_the_start_is_not_excluded():
    clause = emergence_clause("color", typed_finding("color", onset=0.1))
    assert "(95% CI 0.0 to 0.4, so that from the start is not excluded)" in clause


def test_choices_without_a_layer_are_counted():
    found = typed_finding("color", onset=3.4)
    first, second, *rest = found.robustness
    lost = replace(second, estimate=None, outcome="not_emerged")
    others = {
        "color": replace(found, robustness=(first, lost, *rest)),
        "shape": typed_finding("shape", onset=2.7),
    }
    assert ranges_sentence(others) == (
        "Over all of them, the layer lies between 3.3 and 4.1 for color (3 of 4 choices give one) "
        "and between 2.1 and 3.4 for shape."
    )
    none = {"count": typed_finding("count", onset=5.0, outcome="not_emerged")}
    assert ranges_sentence(none) == "No attribute has a layer that could move."


def test_both_controls_must_be_beaten_on_the_plateau_too():
    passing = typed_finding("color", onset=3.4)
    early = typed_finding("shape", onset=2.7)
    early = replace(early, plateau_p=replace(early.plateau_p, blank=0.3))
    both = {"color": passing, "shape": early}
    assert controls_clause(both) == "the image beats both controls for color, and not for shape"
    assert "every attribute" in controls_clause({"color": passing, "size": passing})
    assert "none of shape" in controls_clause({"shape": early})


def test_an_order_is_called_the_one_given():
    study = order({"color": 3.4, "shape": 2.7})
    found = read_back(FoundOrder, study, "it")
    assert chain_clause(found).startswith("The order given (color, then shape) is not supported")
    declared = chain_clause(replace(found, declared=True))
    assert declared.startswith("The declared order (color, then shape) is not supported")
    assert order_clause(study).startswith("shape emerges before color")
    assert order_clause({**study, "estimates": {"color": 3.4}}) == (
        "too few attributes have a layer to speak of one"
    )
    assert order_clause({**study, "estimates": [3.4, 2.7]}) == (
        "it was studied by another version, whose results cannot be read here"
    )
    assert order_clause(None) == "it was not studied in this run"


def test_the_adjusted_p_decides_which_readout_is_earlier_and_not_the_interval():
    pairs = read_back(ReadoutsCompared, readouts(dict.fromkeys(SHIFTS, 3.0)), "it").pairs

    def pair(p: float, estimate: float = 0.4, low: float = 0.1) -> ReadoutPair:
        crossing = CrossingGap(estimate=estimate, low=low, high=0.9, p=p)
        return replace(pairs[0], crossing=crossing)

    found = {
        "color": pair(0.06),  # the interval excludes 0
        "shape": pair(0.04, low=-0.1),  # it does not
        "size": pair(0.001, estimate=-0.42),
        "count": replace(pairs[0], crossing=None),
        "material": pair(0.001, estimate=0.03),
    }
    assert pair_sentence("linear_probe", "logit_lens", found, 1 - 0.95) == (
        "Against the logit lens, the linear probe begins to read later for size (by 0.4 layers); "
        "earlier for shape (by 0.4 layers) and material (by less than 0.1 layers); not "
        "distinguishably for color; for count one of the two has no layer."
    )


def test_knowing_and_being_sure_are_told_apart():
    found = typed_finding("color", onset=3.4)
    said = loudness_sentences("color", found)
    assert said.startswith(
        "Color: the readout knows it from layer 3.4 (95% CI 3.2 to 3.7) and is sure of an answer, "
        "right or wrong, from layer 3.9 (3.7 to 4.2)."
    )
    assert "no such fall is shown of what it tells" in said
    assert "It says more than it knows at layers 0 to 6." in said
    assert said.endswith(
        "At the last layer the scale is 0.80 (95% CI 0.70 to 0.90), and taking the readout at its "
        "word costs 0.04 bits (0.00 to 0.08)."
    )
    found = replace(found, declines=True)
    assert "Both what it tells and its certainty" in loudness_sentences("color", found)
    sure = replace(found.sure, outcome="not_emerged", lambda_half=None, declines=False)
    found = replace(found, sure=sure)
    said = loudness_sentences("color", found)
    assert "is not shown to become sure of any answer" in said
    assert "no such fall is shown of its certainty" in said
    scale = Interval(estimate=3.0, low=2.0, high=1e6)
    rows = tuple(replace(row, scale=scale) for row in found.layers)
    said = loudness_sentences("color", replace(found, layers=rows))
    assert "It says less than it knows at layers 0 to 6." in said
    assert "(95% CI 2.00 to 1,000,000)" in said


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ("from_start", "knows it from the start"),
        ("died", "knows it for some layers only"),
        ("not_emerged", "is not shown to know it"),
    ],
)
def test_what_is_not_known_is_not_said_to_be(outcome, text):
    said = loudness_sentences("color", typed_finding("color", onset=3.4, outcome=outcome))
    assert f"the readout {text} and " in said
    # Of what is not there to be lost, nothing is said to be kept.
    assert ("less knowing" in said) == (outcome == "from_start")
    assert "Its certainty is shown to fall again by the last layer" in said


def test_knowing_without_a_single_layer_names_none():
    said = loudness_sentences("color", typed_finding("color", onset=3.4, monotone=False))
    assert said.startswith("Color: the readout knows it, with no single layer to name, and is sure")


def test_a_step_of_the_ladder_is_told_where_it_is_shown():
    step = read_back(Ladder, ladder("color"), "it").steps[0]
    flat = replace(step, layers=tuple(replace(row, p=0.5) for row in step.layers))
    steps, levels = {"color": step, "size": flat}, {"color": 0.95, "size": 0.95}
    said = ladder_sentence(steps, levels, "says", "holds")
    assert said.startswith("The answer scores hold more than the logit lens says for color at ")
    assert said.endswith("; for size it is shown at no layer.")
    alone = ladder_sentence({"size": flat}, levels, "holds", "there")
    assert alone == (
        "That more is linearly there than the answer scores hold is shown at no layer of size."
    )
