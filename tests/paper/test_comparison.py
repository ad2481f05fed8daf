"""A report of several runs shows their comparison where there is one, and computes none."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.compare.figure import draw_compare
from analysis.compare.folder import compare_schema
from paper.output.latex import typeset
from tests.paper.conftest import files_of, needs_tex, pdf_words
from tests.paper.made_up import results, write_run
from tests.paper.made_up_comparison import comparison, found_of, write_comparison
from tests.schemas import require_valid
from tests.sealed import edit_sealed

EVIL = "evil_<img src=x onerror=alert(1)>&50%$\\cube{"


@pytest.fixture
def runs(tmp_path):
    # Without further studies, which would be drawn again for every test.
    one = results(tmp_path / "one") | {"studies": {}}
    other = {"study_hash": "6" * 64, "model": "some/Other_VLM-7B"}
    return [write_run(tmp_path / "one", one), write_run(tmp_path / "two", one | other)]


def made(tmp_path, name="compare-x", hashes=("5" * 64, "6" * 64), **choices):
    return write_comparison(tmp_path / name, comparison(*hashes, **choices))


def test_the_made_up_one_has_the_shape_of_real_ones():
    require_valid(comparison("5" * 64, "6" * 64), compare_schema)


def test_a_comparison_beside_the_runs_is_shown(runs, tmp_path, paper_build, without_tex):
    made(tmp_path)
    made(tmp_path, "compare-of-others", hashes=("7" * 64, "6" * 64))
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "compared with each other" not in ended.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The runs compared</h2>" in page
    assert (
        "Other_VLM-7B is later than bundled model, by more than one layer of the shallower model, "
        "0.167 of the depth (half of the plateau at 0.400 and 0.620" in page
    )
    assert "95% CI +0.170 to +0.280" in page
    assert "no McNemar-like test is possible" in page
    assert "lie on a straight line" in page
    values = {
        each["key"]: each for each in json.loads((tmp_path / "out" / "values.json").read_text())
    }
    value = values["comparison:compare.color.a-logit_lens.b-logit_lens"]
    assert (value["source"], value["where"]) == ("compare.json", "comparisons/0")
    table = (tmp_path / "out" / "tables" / "comparison-compare.tex").read_text()
    assert "0.220 & 0.170 to 0.280 & .015" in table
    sides = (tmp_path / "out" / "tables" / "comparison-compare-sides.tex").read_text()
    assert "8/12" in sides


@needs_tex
def test_it_is_typeset_in_good_order(runs, tmp_path, paper_build):
    made(tmp_path)
    assert paper_build(*runs, "--out", tmp_path / "out").code == 0
    text = " ".join(pdf_words(tmp_path / "out" / "paper.pdf"))
    assert "Other_VLM-7B is later than bundled model" in text
    assert "not kept" in text
    other = ("paper.pdf", "report.html", "values.json", "manifest.json")
    files = files_of(tmp_path / "out")
    project = {name: content for name, content in files.items() if name not in other}
    assert typeset(project, None).overfull == ()


def test_without_one_the_command_that_makes_it_is_named(runs, tmp_path, paper_build, without_tex):
    ended = paper_build(*runs, "--out", tmp_path / "out")
    command = f"python -m analysis.compare {runs[0]} {runs[1]} makes it"
    assert f"not shown: the runs compared with each other ({command})" in ended.out
    assert "The runs compared" not in (tmp_path / "out" / "report.html").read_text()
    ended = paper_build(*runs, "--out", tmp_path / "out", "--check", "--complete")
    assert command in ended.out
    # Of one run nothing is missing.
    assert "analysis.compare" not in paper_build(runs[0], "--out", tmp_path / "alone").out


def test_the_check_sees_it_come_and_change(runs, tmp_path, paper_build, without_tex):
    arguments = [*runs, "--out", tmp_path / "out"]
    paper_build(*arguments)
    folder = made(tmp_path)
    assert "comparison is new" in paper_build(*arguments, "--check").out
    paper_build(*arguments)
    assert paper_build(*arguments, "--check").code == 0
    edit_sealed(folder / "compare.json", lambda content: content["versions"].update(numpy="9.9"))
    shown = paper_build(*arguments, "--check").out
    assert "(comparison changed)" in shown
    assert "comparison-compare" in shown


def test_text_from_data_is_escaped(runs, tmp_path, paper_build, without_tex):
    made(tmp_path, label=EVIL)
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;50%" in page
    values = (tmp_path / "out" / "values.tex").read_text()
    assert r"evil\_" in values
    assert r"\cube" not in values


def test_names_of_any_kind_are_drawn(tmp_path):
    canvas = Canvas(layout="constrained")
    draw_compare(canvas, found_of(comparison("5" * 64, "6" * 64, label="\u4e2d\u56fd $x_{ \t")))
    canvas.savefig(tmp_path / "forest.pdf")  # a missing glyph, or a formula, would warn or raise


def test_the_forest_shows_depths_differences_and_what_has_none():
    canvas = Canvas()
    draw_compare(canvas, found_of(comparison("5" * 64, "6" * 64)))
    left, right = canvas.axes
    words = [sorted(text.get_text() for text in axes.texts) for axes in (left, right)]
    assert words == [
        ["color", "count", "does not emerge", "does not emerge"],
        ["by outcome only", "color", "count"],
    ]
    ends = [np.asarray(line.get_xdata()).tolist() for line in right.lines]
    assert [0.17, 0.28] in ends
    assert [0.18, 0.27] in ends
    (band,) = right.containers[0]
    assert (band.get_x(), band.get_width()) == (-1 / 6, 2 / 6)
    assert [label.get_text() for label in right.get_yticklabels()] == ["b \N{MINUS SIGN} a"] * 2


def test_several_or_others_are_refused(runs, tmp_path, refused, paper_build, without_tex):
    first, second = made(tmp_path), made(tmp_path, "compare-y")
    out = ("--out", tmp_path / "out")
    message = refused(*runs, *out)
    assert str(first) in message
    assert message.endswith("name one with --comparison")
    assert paper_build(*runs, *out, "--comparison", second).code == 0
    others = made(tmp_path, "elsewhere", hashes=("5" * 64, "9" * 64))
    assert "is no comparison of just these runs: make it by python -m analysis.compare" in refused(
        *runs, *out, "--comparison", others
    )
    assert "is no comparison" in refused(*runs, *out, "--comparison", tmp_path / "none")


def test_one_of_another_shape_is_left_out_and_said(runs, tmp_path, paper_build, without_tex):
    content = comparison("5" * 64, "6" * 64)
    del content["comparisons"][0]["curve"]
    write_comparison(tmp_path / "compare-x", content)
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "has another shape than this version reads" in ended.out
    assert "comparisons/0/curve: Field required" in ended.out
