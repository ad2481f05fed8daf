"""The sentences, word by word, and the table."""

from typing import Any

import numpy as np
import pytest

from analysis.effects.found import Finding
from analysis.emergence.report import (
    attribute_table,
    loudness_sentence,
    robustness_sentence,
    sentence,
)
from analysis.readouts.given import log2_shares
from analysis.typed import read_back

CROSSING = {"estimate": 4.26, "low": 3.9, "high": 4.61, "level": 0.95}
SURE = {
    "outcome": "emerged",
    "lambda_half": {**CROSSING, "estimate": 2.04},
    "layer": {"estimate": 3, "low": 2, "high": 3},
    "monotone": True,
    "declines": False,
    "fb_half": {"low": 2, "high": 3},
    "plateau_effect": 0.6,
}
FOUND = {
    "outcome": "emerged",
    "lambda_half": CROSSING,
    "layer": {"estimate": 5, "low": 4, "high": 5},
    "monotone": True,
    "declines": False,
    "fb_half": {"low": 4, "high": 5},
    "fb_delta": {"low": 3, "high": None, "delta": 0.05},
    "lambda_first": 3,
    "lambda_sustained": 3,
    "plateau": [1, 1],
    "plateau_effect": 0.576,
    "horizon": 1,
    "level": 0.95,
    "detectable_effect": 0.0312,
    "n_scenes": 300,
    "n_items": 310,
    "n_texts": 12,
    "answers": {"red": 300, "blue": 10},
    "answer_entropy_bits": 2.996,
    "guessing": {"bits": -2.99, "correct": 0.13, "brier": 0.87},
    "omnibus_p": {"shuffled": 0.0001, "blank": 0.0123},
    "plateau_p": {"shuffled": 0.0001, "blank": 0.0001},
    "omnibus_p_holm": 0.024,
    "robustness": [
        {"choice": "as declared", "outcome": "emerged", "estimate": 4.26},
        {"choice": "right answers", "outcome": "emerged", "estimate": 3.1},
        {"choice": "other plateau", "outcome": "not_emerged", "estimate": None},
    ],
    "sure": SURE,
    "interval_method": "percentile",
    "n_resamples": 1000,
    "notes": ["answer word 'x' is split"],
    "layers": [
        {
            "layer": layer, "effect": effect, "low": effect - 0.05, "high": effect + 0.05,
            "information": {"real": 1.8, "blank": 0.0}, "held": 1.9,
            "brier": {"real": 0.6, "shuffled": 0.8, "blank": 0.8},
            "certainty": {"estimate": 0.5, "low": 0.4, "high": 0.6},
            "correct": {"real": 0.5, "shuffled": 0.25, "blank": 0.2},
            "stated": {"real": -1.5, "shuffled": -3.25, "blank": -3.0},
            "scale": {"estimate": 0.8, "low": 0.7, "high": 0.9},
            "lost": {"estimate": 0.031, "low": 0.011, "high": 0.052},
            "p_shuffled": 0.0001, "p_blank": 1.0,
        }
        for layer, effect in enumerate((0.6, 0.3))
    ],
}  # fmt: skip
BASIS = (
    "(300 scenes; shuffled images p < .001, on the plateau p < .001, blank images p = .012, on the "
    "plateau p < .001; Holm over the run p = .024)"
)
EMERGES = (
    "color emerges at layer 4.3 of 1 (95% CI 3.9 to 4.6; first whole layer 5, 4 to 5; "
    "forward-backward set 4 to 5): half of its plateau of 0.58 H"
)
FOR_GOOD = (
    "It exceeds 5% of H for good from a layer in 3 or later. Between 3.1 and 4.3 under 2 of 3 "
    "choices."
)


def found(**change: Any) -> Finding:
    """The finding above, with other contents of some fields."""
    return read_back(Finding, FOUND | change, "a made-up finding")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, f"{EMERGES}. {FOR_GOOD} {BASIS}"),
        (
            {"declines": True},
            f"{EMERGES}. {FOR_GOOD} It falls from 0.60 to 0.30 H by layer 1. {BASIS}",
        ),
        (
            {"lambda_half": {**CROSSING, "low": 0.0}},
            f"{EMERGES.replace('3.9', '0.0')}; from the start is not excluded. {FOR_GOOD} {BASIS}",
        ),
        (
            {"lambda_half": None, "layer": None, "monotone": False},
            "color emerges by a layer in 4 to 5 of 1 (forward-backward set; 95%): half of its "
            "plateau of 0.58 H; later layers are shown below it, so no single layer is given. "
            f"{FOR_GOOD} {BASIS}",
        ),
        (
            {"omnibus_p_holm": 0.0501},
            f"{EMERGES}. {FOR_GOOD} {BASIS.replace('.024)', '.050: it would not survive)')}",
        ),
        (
            {"outcome": "from_start", "lambda_half": None},
            "color is there from the start: more than half of its plateau of 0.58 H at layer 0 "
            f"already. {BASIS}",
        ),
        (
            {"outcome": "died", "lambda_half": None},
            "color emerges and is lost again: shown above 5% of H, and shown below it at layer 1. "
            f"{BASIS}",
        ),
        (
            {"outcome": "not_emerged", "lambda_half": None, "omnibus_p_holm": 0.9},
            "color does not emerge by layer 1: no lasting effect above 5% of H is shown; one of "
            f"0.031 H would have been found with power .8. {BASIS.replace('.024', '.900')}",
        ),
    ],
)
def test_one_sentence_for_each_outcome(change, said):
    assert sentence("color", found(**change)) == said
    named = sentence("color", found(**change), readout="linear_probe")
    assert named == said.replace("color", "color (linear probe)", 1)


def test_the_range_over_choices_says_how_many_have_a_layer():
    assert robustness_sentence(found()) == "Between 3.1 and 4.3 under 2 of 3 choices."
    none = [row | {"estimate": None} for row in FOUND["robustness"]]
    assert robustness_sentence(found(robustness=none)) == "No layer under any of 3 choices."


def test_loudness_says_when_it_is_sure_and_where_it_says_too_much():
    assert loudness_sentence("color", found(), readout="logit_lens") == (
        "color (logit lens): it becomes sure of an answer at layer 2.0 (95% CI 3.9 to 4.6); it is "
        "over-confident at layers 0 to 1. At the last layer the scale is 0.80 (95% CI 0.70 to "
        "0.90), and taking it at its word costs 0.03 bits (0.01 to 0.05)."
    )
    rows = [
        row | {"scale": {"estimate": 2.0, "low": 1.5, "high": 12.34}} for row in FOUND["layers"]
    ]
    modest = found(layers=rows, sure=SURE | {"outcome": "not_emerged", "lambda_half": None})
    said = loudness_sentence("color", modest, readout="logit_lens")
    assert "is at no layer shown to become sure of an answer; it says less than it knows" in said
    assert "the scale is 2.00 (95% CI 1.50 to 12.3)" in said


def test_what_says_nothing_does_not_say_it_too_loudly():
    nothing = {"estimate": 0.0, "low": 0.0, "high": 0.0}
    # What float32 leaves of twelve answers that are all alike.
    stated = log2_shares(np.zeros((1, 1, 12))).astype(float)
    rounding = float(1 + (np.exp2(stated) * stated).sum() / np.log2(12))
    silent = [
        row | {"scale": nothing, "certainty": nothing | {"estimate": rounding}}
        for row in FOUND["layers"]
    ]
    said = loudness_sentence("color", found(layers=silent), readout="logit_lens")
    assert "over-confident" not in said
    wrong = [row | {"scale": nothing} for row in FOUND["layers"]]
    assert "over-confident" in loudness_sentence("color", found(layers=wrong), readout="logit_lens")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("emerged", "it becomes sure of an answer, less sure again and sure once more"),
        ("from_start", "it is sure of an answer from the start"),
        ("died", "it is sure of an answer for some layers only"),
        ("not_emerged", "it is at no layer shown to become sure of an answer"),
    ],
)
def test_without_a_layer_it_is_said_what_the_certainty_does(outcome, said):
    sure = SURE | {"outcome": outcome, "lambda_half": None}
    assert said in loudness_sentence("color", found(sure=sure), readout="logit_lens")


def test_the_table_has_a_row_per_layer_and_the_notes():
    lines = attribute_table("color", found(), readout="tuned_lens").splitlines()
    assert lines[0] == "color, tuned lens: 300 scenes, 310 items, 12 questions, H = 3.00 bits"
    rows = [line.split() for line in lines if line.split()[:1] in (["0"], ["1"])]
    right = ["0.50", "0.25", "0.20", "-1.50", "0.80", "<.001", "1.000"]
    assert rows == [
        ["0", "0.60", "0.55", "to", "0.65", *right],
        ["1", "0.30", "0.25", "to", "0.35", *right],
    ]
    assert any("guessing: 0.13" in line for line in lines)
    assert lines[-1] == "  note: answer word 'x' is split"
    assert all(len(line) <= 100 for line in lines)


def test_a_table_shows_no_negative_zero():
    rows = [row | {"effect": -0.0001, "low": -0.004, "high": 0.0} for row in FOUND["layers"]]
    assert "-0.00" not in attribute_table("color", found(layers=rows), readout="logit_lens")
