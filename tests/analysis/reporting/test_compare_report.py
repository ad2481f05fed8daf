"""The tables of a comparison stay whole, however long names are, and say what was found."""

import pytest

from analysis.reporting.compare_report import compare_report, share_cell
from tests.paper.made_up_comparison import comparison


@pytest.mark.parametrize("label", ["two", "prompt one_word", "Other_VLM-7B", "x" * 40])
def test_no_number_is_cut_off(label):
    shown = compare_report(comparison("5" * 64, "6" * 64, label=label))
    tables = shown[: shown.index("Models of unlike depth")]
    assert "\u2026" not in tables
    assert max(map(len, tables.splitlines()[1:])) <= 100
    for cell in (".40 (.37-.45)", ".80 (.75-.85)", "not emerged", "not kept", "+0.170 to +0.280",
                 "235 =", "<.001", ".020"):  # fmt: skip
        assert cell in tables, cell


def test_long_names_are_told_once_and_then_by_letter():
    shown = compare_report(comparison("5" * 64, "6" * 64, label="x" * 40))
    rows = [line.split() for line in shown.splitlines() if line.startswith(" count")]
    assert ["count", "a", "not"] in [row[:3] for row in rows]
    assert ["count", "a", "b"] in [row[:3] for row in rows]
    assert f"b: {'x' * 40}" in shown


def test_shares_are_as_short_as_they_can_be():
    assert share_cell({"estimate": 0.5, "low": 0.004, "high": 1.0}) == ".50 (.00-1.0)"
    assert share_cell(None) == "not kept"
