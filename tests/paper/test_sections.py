"""A new study adds one file; what is drawn and tabled is what was found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

import paper.sections
from analysis.effects.found import Interval
from analysis.examples.found import ExampleLayer
from analysis.order.figure import draw_order
from analysis.order.found import FoundOrder
from analysis.typed import read_back
from analysis.validate.found import Validation
from analysis.wording import listed
from paper.drawing.calibration import draw_calibration
from paper.drawing.example_grid import draw_top_tokens, shown
from paper.drawing.forest import draw_forest
from paper.evidence.plain import interval, number, span
from paper.evidence.record import read_record
from paper.output.floats import Table, table_float
from paper.sections import all_sections
from tests.paper.made_up import few_studies, results, validation, write_run
from tests.paper.made_up_findings import ONSETS, typed_finding
from tests.paper.made_up_studies import TOKENS, order

NEW = """
from paper.evidence.values import Value
from paper.sections.section import Section

SECTION = Section(
    name="trajectories",
    place=65,
    made_by="python -m analysis.trajectories --run {run}",
    holds=lambda record: True,
    text=lambda record: r"\\subsection{Trajectories}" + "\\n" + r"They bend at \\val{bend}.",
    values=lambda record: [Value(key="bend", text="layer 4_2", where="studies/trajectories")],
)
"""


def test_one_file_adds_a_section(tmp_path, paper_build, without_tex, monkeypatch):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "trajectories.py").write_text(NEW)
    path = [*paper.sections.__path__, str(tmp_path / "more")]
    monkeypatch.setattr(paper.sections, "__path__", path)
    run = write_run(tmp_path / "run", few_studies(results(tmp_path / "run")))
    assert paper_build(run, "--out", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "They bend at <span" in page
    assert "layer 4_2" in page
    assert page.index("The tuned lens</h3>") < page.index("Trajectories</h3>")
    assert page.index("Trajectories</h3>") < page.index("Examples</h3>")


def test_sections_have_names_places_and_commands_of_their_own():
    sections = all_sections()
    assert len({section.name for section in sections}) == len(sections)
    for part in ("results", "appendix"):
        places = [section.place for section in sections if section.part == part]
        assert places == sorted(set(places))
    assert all(section.made_by.startswith("python -m ") or section.name == "model_card"
               for section in sections)  # fmt: skip


def test_every_value_says_where_it_is_from(run_folder):
    record = read_record(run_folder, "run")
    for section in all_sections():
        if section.about == "run":
            for value in section.values(record):
                assert value.where
                assert (run_folder / value.source).exists()


def test_the_forest_shows_estimates_and_says_what_has_none():
    axes = Canvas().subplots()
    none = typed_finding("count", onset=5.0, outcome="not_emerged")
    found = {
        "color": {"logit_lens": typed_finding("color", onset=3.5)},
        "count": {"tuned_lens": none},
    }
    draw_forest(axes, found)
    drawn = [np.asarray(line.get_xydata()).tolist() for line in axes.lines]
    assert [[3.5, 0.0]] in drawn
    assert [[3.3, 0.0], [3.8, 0.0]] in drawn
    assert [text.get_text() for text in axes.texts] == ["does not emerge"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["color", "count"]


def test_the_forest_shows_the_range_of_choices_and_a_set_that_stands_alone():
    axes = Canvas().subplots()
    alone = typed_finding("shape", onset=2.5, monotone=False)
    found = {
        "color": {"logit_lens": typed_finding("color", onset=3.5)},
        "shape": {"logit_lens": alone},
    }
    draw_forest(axes, found)
    drawn = [np.asarray(line.get_xydata()).round(3).tolist() for line in axes.lines]
    assert [[2.9, 0.0], [4.2, 0.0]] in drawn  # the range of the choices
    of_shape = [line for line in drawn if line[0][1] < 0]
    assert of_shape == [[[1.88, -1.8], [3.12, -1.8]]]
    assert not axes.texts


def test_the_order_has_a_ridge_per_attribute_the_earliest_on_top():
    axes = Canvas().subplots()
    names = ("color", "shape", "material")
    found = read_back(FoundOrder, order({name: ONSETS[name] for name in names}), "it")
    draw_order(axes, found)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["material", "shape", "color"]
    assert axes.get_yticks().tolist() == [2, 1, 0]


def test_a_rate_outside_of_its_bounds_is_marked():
    axes = Canvas().subplots()
    good = read_back(Validation, validation(), "a made-up validation").findings[0]
    draw_calibration(axes, [good, replace(good, value=0.2, holds=False)])
    marks = [line.get_marker() for line in axes.lines if line.get_marker() != "None"]
    assert marks == ["o", "X"]


def test_tokens_keep_their_signs_and_missing_glyphs_their_number(tmp_path):
    canvas = Canvas()
    axes = canvas.subplots()
    top = tuple((token, 0.1) for token in TOKENS)
    draw_top_tokens(axes, [ExampleLayer(layer=0, top=top, answer_probability=0.5)])
    assert [text.get_text() for text in axes.texts] == [
        "\u00b7metal", "rubber", "</s>", "50%_of$", "U+4E2D\u2026", "0.50",
    ]  # fmt: skip
    canvas.savefig(tmp_path / "tokens.pdf")  # a missing glyph, or a formula, would warn or raise
    assert shown(" metal") == " metal"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234.5678, 2, "1,234.57"), (-0.004, 2, "0.00"), (-1.5, 1, "\u22121.5"), (0.0, 0, "0")],
)
def test_numbers_are_printed_with_a_minus_and_without_negative_zero(value, digits, text):
    assert number(value, digits) == text


def test_lists_spans_and_intervals():
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (span([3, 1200]), span([5, 5])) == ("3 to 1,200", "5")
    assert interval(Interval(estimate=0.5, low=-1.0, high=2.0), 1) == "\u22121.0 to 2.0"


def test_cells_of_tables_are_escaped(run_folder):
    frame = pd.DataFrame([{"a_b": "50% & more", "c": "x\\y"}])
    text = table_float(Table(name="t", caption="#1", frame=frame, align="l(3)"), "run", "tbp")
    assert r"a\_b & c \\" in text
    assert r"50\% \& more & x\textbackslash{}y \\" in text
    assert r"\caption{\#1}\label{tab:run:t}" in text
    assert r"p{3cm}" in text


def test_a_table_of_wide_cells_is_set_in_the_smaller_size():
    def text(cell: str, align: str = "ll") -> str:
        frame = pd.DataFrame({"attribute": ["color"], "image (CI)": [cell]})
        return table_float(Table(name="t", caption="c", frame=frame, align=align), "run", "tbp")

    assert r"\small" in text("1" * 80)
    assert r"\footnotesize" in text("1" * 90)
    assert r"\small" in text("1" * 90, "l(3)")  # broken into lines
