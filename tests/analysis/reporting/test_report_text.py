"""The sentences, word by word, and the table."""

import pytest

from analysis.reporting.report_text import attribute_table, p_text, p_value, sentence

FOUND = {
    "outcome": "emerged",
    "lambda_half": {"estimate": 4.26, "low": 3.9, "high": 4.61, "level": 0.95},
    "fb_half": {"low": 4, "high": 5},
    "fb_delta": {"low": 3, "high": None, "delta": 0.05},
    "plateau_effect": 0.876,
    "horizon": 1,
    "level": 0.95,
    "detectable_effect": 0.0312,
    "n_scenes": 300,
    "n_items": 310,
    "n_texts": 12,
    "answer_entropy_bits": 2.996,
    "omnibus_p": {"shuffled": 0.0001, "blank": 0.0123},
    "primary_control": "shuffled",
    "interval_method": "percentile",
    "notes": ["answer word 'x' is split"],
    "layers": [
        {
            "layer": layer, "real": -0.5, "shuffled": -3.25, "blank": -3.0, "effect": 0.9,
            "low": 0.85, "high": 0.95, "p_shuffled": 0.0001, "p_blank": 1.0,
        }
        for layer in (0, 1)
    ],
}  # fmt: skip
BASIS = "(300 scenes; omnibus shuffled images p < .001, blank images p = .012)"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (
            "emerged",
            "color emerges at layer 4.3 of 1 (95% CI 3.9 to 4.6; forward-backward set 4 to 5): "
            "half of its plateau of 0.88 H. It exceeds 5% of H for good from a layer in 3 or "
            f"later {BASIS}.",
        ),
        (
            "from_start",
            "color is there from the start: more than half of its plateau of 0.88 H at layer 0 "
            f"already {BASIS}.",
        ),
        (
            "died",
            "color emerges and is lost again: shown above 5% of H, but fallen and not shown above "
            f"it at layer 1 {BASIS}.",
        ),
        (
            "not_emerged",
            "color does not emerge by layer 1: no lasting effect above 5% of H is shown; one of "
            f"0.031 H would have been found with power .8 {BASIS}.",
        ),
    ],
)
def test_one_sentence_for_each_outcome(outcome, said):
    assert sentence("color", FOUND | {"outcome": outcome}) == said


def test_the_table_has_a_row_per_layer_and_the_notes():
    lines = attribute_table("color", FOUND).splitlines()
    assert lines[0] == "color: 300 scenes, 310 items, 12 questions, H = 3.00 bits"
    rows = [line.split() for line in lines if line.split()[:1] in (["0"], ["1"])]
    assert rows == [
        [layer, "-0.50", "-3.25", "-3.00", "0.900", "0.850", "to", "0.950", "<.001", "1.000"]
        for layer in ("0", "1")
    ]
    assert lines[-1] == "  note: answer word 'x' is split"
    assert all(len(line) <= 100 for line in lines)


def test_p_values_are_never_shown_as_zero():
    assert [p_value(p) for p in (0.0001, 0.001, 0.0495, 1.0)] == ["<.001", ".001", ".050", "1.000"]
    assert [p_text(p) for p in (0.0001, 0.2)] == ["p < .001", "p = .200"]
