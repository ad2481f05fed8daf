"""The tables of a comparison stay whole, however long names are, and say what was found."""

import pytest

from analysis.compare.report import compare_report, share_cell
from analysis.effects.found import Interval
from tests.paper.made_up_comparison import comparison, found_of


@pytest.mark.parametrize("label", ["two", "prompt one_word", "Other_VLM-7B", "x" * 40])
def test_no_number_is_cut_off(label):
    shown = compare_report(found_of(comparison("5" * 64, "6" * 64, label=label)))
    tables = shown[: shown.index("Models of unlike depth")]
    assert "\u2026" not in tables
    assert max(map(len, tables.splitlines()[1:])) <= 100
    for cell in (".40 (.37-.45)", ".80 (.75-.85)", "not emerged", "not kept", "+0.170 to +0.280",
                 "235 =", "3/6", "8/12", ".015", ".020", "240"):  # fmt: skip
        assert cell in tables, cell


def test_an_attribute_that_falls_again_is_said_to():
    made_up = comparison("5" * 64, "6" * 64)
    for arm in made_up["arms"][2:]:
        arm |= {"outcome": "emerged", "monotone": False}
    made_up["comparisons"][1]["no_depth"] = "not monotone"
    shown = compare_report(found_of(made_up))
    rows = [line.split() for line in shown.splitlines() if line.startswith(" count")]
    assert all("not monotone" in " ".join(row) for row in rows[:2])
    assert "it is not monotone with bundled model and with Other_VLM-7B: after a" in shown


def test_one_layer_is_of_the_shallower_model_only_where_there_is_one():
    made_up = comparison("5" * 64, "6" * 64)
    made_up["comparisons"][0]["verdict"] = "undecided"
    said = "are not shown to differ by more than one layer of the shallower model, 0.167 of the"
    assert said in compare_report(found_of(made_up))
    for arm in made_up["arms"]:
        arm["last_layer"] = 6
    assert "by more than one layer, 0.167 of the depth, nor to be the same within 0.1 of it" in (
        compare_report(found_of(made_up))
    )


def test_stated_probabilities_are_called_confidence():
    shown = compare_report(found_of(comparison("5" * 64, "6" * 64)))
    assert "confidence in the right answer 0.80 and 0.80" in shown
    assert "confidence, which is not knowledge: mean stated probability" in " ".join(shown.split())


def test_long_names_are_told_once_and_then_by_letter():
    shown = compare_report(found_of(comparison("5" * 64, "6" * 64, label="x" * 40)))
    rows = [line.split() for line in shown.splitlines() if line.startswith(" count")]
    assert ["count", "a", "not"] in [row[:3] for row in rows]
    assert ["count", "a", "b"] in [row[:3] for row in rows]
    assert f"b: {'x' * 40}" in shown


def test_shares_are_as_short_as_they_can_be():
    assert share_cell(Interval(estimate=0.5, low=0.004, high=1.0)) == ".50 (.00-1.0)"
    assert share_cell(None) == "not kept"
