"""A report of several runs shows their pooling where there is one, and pools nothing."""

import json
from typing import Any

import pytest
from matplotlib.figure import Figure as Canvas

from analysis.pool.figure import attribute_blocks, difference_blocks
from analysis.pool.folder import pool_schema
from analysis.pool.text import sentences
from paper.drawing.pool_forest import draw_depths, draw_differences, pages, reach_of
from paper.evidence.pooling import pooled
from paper.evidence.record import Record
from paper.output.latex import typeset
from paper.sections.pool import SECTION
from tests.paper.conftest import files_of, needs_tex, pdf_words, section_table
from tests.paper.made_up import results, write_run
from tests.paper.made_up_pooling import attribute, difference, pooling, write_pooling
from tests.schemas import require_valid
from tests.sealed import edit_sealed

HASHES = ("5" * 64, "6" * 64, "7" * 64)
EVIL = "evil_<img src=x onerror=alert(1)>&50%$\\cube{"


@pytest.fixture
def runs(tmp_path):
    # Without further attributes and studies, which would be drawn again for every test.
    one = results(tmp_path / "one") | {"studies": {}}
    one["attributes"] = {"color": one["attributes"]["color"]}
    others = [{"study_hash": "6" * 64, "model": "some/Other_VLM-7B"},
              {"study_hash": "7" * 64, "model": "third-model"}]  # fmt: skip
    return [
        write_run(tmp_path / name, one | other)
        for name, other in zip(("one", "two", "three"), ({}, *others), strict=True)
    ]


def made(tmp_path, name="pool-x", hashes=HASHES, **choices):
    return write_pooling(tmp_path / name, pooling(*hashes, **choices))


def record_of(tmp_path, content) -> Record:
    return Record(key="pooling", folder=tmp_path, results=content)


def values_of(record) -> dict[str, tuple[str, str]]:
    return {one.key: (one.text, one.where) for one in SECTION.values(record)}


def test_the_made_up_one_has_the_shape_of_real_ones():
    require_valid(pooling(*HASHES), pool_schema)


def test_a_pooling_beside_the_runs_is_shown(runs, tmp_path, paper_build, without_tex):
    made(tmp_path)
    made(tmp_path, "pool-of-others", hashes=("5" * 64, "6" * 64, "8" * 64))
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Several models</h2>" in page
    assert (
        "color is earlier than shape, by more than one layer of the shallowest model, 0.125 of the "
        "depth (mean +0.320 of the depth, 90% CI +0.250 to +0.390, k = 3 models, p = .015" in page
    )
    assert "predicted from \N{MINUS SIGN}0.23 to +0.87" in page
    assert "count: not pooled, it has a layer in 1 of the runs, a mean needs 3." in page
    assert "Runs a, b saw the same scenes" in page
    values = {
        each["key"]: each for each in json.loads((tmp_path / "out" / "values.json").read_text())
    }
    value = values["pooling:pool.difference.color.shape"]
    assert (value["source"], value["where"]) == ("pool.json", "differences/0")
    table = (tmp_path / "out" / "tables" / "pooling-pool-differences.tex").read_text()
    assert "0.320 (0.250 to 0.390) & .015 & 0.03 (0.00 to 0.25) & 42\\%" in table
    levels = (tmp_path / "out" / "tables" / "a-levels.tex").read_text()
    assert r"prediction for the next model" in levels


@needs_tex
def test_it_is_typeset_in_good_order(runs, tmp_path, paper_build):
    made(tmp_path)
    assert paper_build(*runs, "--out", tmp_path / "out").code == 0
    text = " ".join(pdf_words(tmp_path / "out" / "paper.pdf"))
    assert "Several models" in text
    assert "color is earlier than shape" in text
    assert "between models" in text
    other = ("paper.pdf", "report.html", "values.json", "manifest.json")
    files = files_of(tmp_path / "out")
    project = {name: content for name, content in files.items() if name not in other}
    assert typeset(project, None).overfull == ()


def test_without_one_nothing_changes_and_nobody_is_told(runs, tmp_path, paper_build, without_tex):
    made(tmp_path, "pool-of-others", hashes=("5" * 64, "6" * 64, "8" * 64))
    made(tmp_path / "elsewhere")
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "analysis.pool" not in ended.out
    assert "Several models" not in (tmp_path / "out" / "report.html").read_text()
    assert not [name for name in files_of(tmp_path / "out") if "pool" in name]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "pooling" not in manifest["inputs"]
    levels = (tmp_path / "out" / "tables" / "a-levels.tex").read_text()
    assert "between models" not in levels


def test_two_of_the_three_runs_are_not_what_was_pooled(runs, tmp_path, paper_build, without_tex):
    made(tmp_path)
    assert paper_build(*runs[:2], "--out", tmp_path / "out").code == 0
    assert "Several models" not in (tmp_path / "out" / "report.html").read_text()


def test_the_check_sees_it_come_and_change(runs, tmp_path, paper_build, without_tex):
    arguments = [*runs, "--out", tmp_path / "out"]
    paper_build(*arguments)
    folder = made(tmp_path)
    shown = paper_build(*arguments, "--check").out
    assert "pooling is new" in shown
    # The table that says what levels mean gets rows.
    assert "a-levels.tex" in shown
    paper_build(*arguments)
    assert paper_build(*arguments, "--check").code == 0
    edit_sealed(folder / "pool.json", lambda content: content["versions"].update(numpy="9.9"))
    shown = paper_build(*arguments, "--check").out
    assert "(pooling changed)" in shown
    assert "pooling-pool" in shown


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


def test_several_or_others_are_refused(runs, tmp_path, refused, paper_build, without_tex):
    first, second = made(tmp_path), made(tmp_path, "pool-y")
    out = ("--out", tmp_path / "out")
    message = refused(*runs, *out)
    assert str(first) in message
    assert message.endswith("name one with --pooling")
    assert paper_build(*runs, *out, "--pooling", second).code == 0
    others = made(tmp_path, "elsewhere", hashes=("5" * 64, "6" * 64, "9" * 64))
    assert "is no pooling of just these runs: make it by python -m analysis.pool" in refused(
        *runs, *out, "--pooling", others
    )
    assert "is no pooling" in refused(*runs, *out, "--pooling", tmp_path / "none")


def test_one_of_another_shape_is_left_out_and_said(runs, tmp_path, paper_build, without_tex):
    content = pooling(*HASHES)
    del content["attributes"][1]["n_emerged"]
    write_pooling(tmp_path / "pool-x", content)
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "has another shape than this version reads" in ended.out
    assert "attributes/1/n_emerged: Field required" in ended.out
    assert "Several models" not in (tmp_path / "out" / "report.html").read_text()


def test_every_sentence_is_the_commands_and_names_its_place(tmp_path):
    content = pooling(*HASHES)
    record = record_of(tmp_path, content)
    values = values_of(record)
    said = [text.replace("\N{MINUS SIGN}", "-") for text, _ in values.values()]
    assert [each for each in sentences(pooled(record)) if each not in said] == []
    for text, where in values.values():
        held: Any = content
        for part in where.split("/"):
            held = held[int(part) if part.isdecimal() else part]
        assert text
        assert held
    assert values["pool.left-out"][1] == "left_out"
    assert "What differs beside the model" in values["pool.differ"][0]
    text = SECTION.text(record)
    assert all(rf"\val{{{key}}}" in text for key in values)


def test_what_is_not_there_is_not_spoken_of(tmp_path):
    content = pooling(*HASHES)
    del content["attributes"][:2]
    content |= {"differences": [], "shared_scenes": [], "left_out": {},
                "differ": content["differ"][:1]}  # fmt: skip
    record = record_of(tmp_path, content)
    values = values_of(record)
    assert "beside the model" not in values["pool.differ"][0]
    assert not {"pool.order", "pool.shared", "pool.left-out"} & set(values)
    assert [figure.name for figure in SECTION.figures(record)] == ["pool-attributes"]
    assert [table.name for table in SECTION.tables(record)] == ["pool-attributes"]
    text = SECTION.text(record)
    assert "pool-differences" not in text
    assert "pool-models" not in text


def test_each_model_stands_with_its_weight_and_the_mean_without_it(tmp_path):
    content = pooling(*HASHES)
    color = content["attributes"][0]
    color["depth"]["models"][2]["run"] = "d"  # Of none of the runs that are shown.
    color["outcomes"]["c"] = "not_emerged"
    frame = section_table(SECTION, record_of(tmp_path, content), "pool-models").frame
    first, _, third = frame.iloc[:3].to_dict("records")
    assert first == {
        "attribute": "color", "model": "a: bundled model", "depth": "0.300", "SE": "0.010",
        "weight": "33%", "scenes": "240", "without it (CI)": "0.310 (0.107 to 0.507)",
    }  # fmt: skip
    assert (third["model"], third["depth"], third["weight"]) == (
        "c: third-model", "not emerged", ""
    )  # fmt: skip


def test_the_forests_show_models_means_and_the_band(tmp_path):
    found = pooled(record_of(tmp_path, pooling(*HASHES)))
    canvas = Canvas()
    draw_depths(canvas, attribute_blocks(found), found)
    (axes,) = canvas.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "a: bundled model", "b: Other_VLM-7B", "c: third-model", "mean"
    ] * 2  # fmt: skip
    assert axes.get_xlim() == (-0.02, 1.02)
    canvas = Canvas()
    blocks = difference_blocks(found)
    reach = reach_of(blocks, 0.9)
    draw_differences(canvas, blocks, found, reach)
    (axes,) = canvas.axes
    # The prediction, cut nowhere here, reaches furthest.
    assert axes.get_xlim() == pytest.approx((-0.91, 0.91))
    assert len([text for text in axes.texts if "not pooled" in text.get_text()]) == 2
    assert reach_of(blocks[1:], 0.9) is None


def test_names_of_any_kind_are_drawn(tmp_path):
    found = pooled(record_of(tmp_path, pooling(*HASHES, label="\u4e2d\u56fd $x_{ \t")))
    canvas = Canvas(layout="constrained")
    draw_depths(canvas, attribute_blocks(found), found)
    canvas.savefig(tmp_path / "forest.pdf")  # a missing glyph, or a formula, would warn or raise


def test_forests_of_many_attributes_go_over_pages_and_stay_complete(tmp_path):
    names = [f"thing{place}" for place in range(8)]
    content = pooling(*HASHES)
    content["attributes"] = [attribute(name, (0.2, 0.3, 0.4)) for name in names]
    content["differences"] = [
        difference(one, other, (0.1, 0.2, 0.3))
        for place, one in enumerate(names) for other in names[place + 1 :]
    ]  # fmt: skip
    record = record_of(tmp_path, content)
    blocks = difference_blocks(pooled(record))
    several = pages(blocks)
    assert [block for page in several for block in page] == blocks
    assert [len(page) for page in several] == [7, 7, 7, 7]
    assert [len(page) for page in pages(blocks[:8])] == [4, 4]
    assert pages([]) == []
    figures = {figure.name: figure for figure in SECTION.figures(record)}
    assert len(figures) == len(set(figures)) == len(several) + len(pages(blocks[:8]))
    # The page is 8.9 inches high, and captions stand below.
    assert max(figure.size[1] for figure in figures.values()) < 7.6
    assert section_table(SECTION, record, "pool-models").long is False
    assert len(section_table(SECTION, record, "pool-differences").frame) == 28
    text = SECTION.text(record)
    assert all(rf"\placefigure{{{name}}}" in text for name in figures)
    assert all(rf"\figref{{{name}}}" in text for name in figures)
