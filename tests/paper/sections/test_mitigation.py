"""What helps: values as they are printed, what the literature says beside it, and a run that lacks
parts of it."""

from dataclasses import replace

from matplotlib.figure import Figure as Canvas

from analysis.mitigation.found import Mitigated
from analysis.mitigation.literature import literature
from analysis.mitigation.wording import sentences
from analysis.typed import written
from paper.evidence.plain import with_minus_signs
from paper.output.floats import drawn, table_float
from paper.prose.parse import parse
from paper.prose.rules import keys, require_no_number
from paper.sections.mitigation import SECTION
from tests.paper.conftest import changed_record, section_table
from tests.paper.made_up_absence import DANGEROUS, mitigated


def with_found(record, found):
    """The record as it were with other results; without the study with None."""

    def change(content):
        content["studies"].pop("mitigation")
        if found is not None:
            content["studies"]["mitigation"] = {"exist": written(found)}

    return changed_record(record, change)


def test_every_sentence_is_a_value_with_real_minus_signs(record):
    (value,) = SECTION.values(record)
    for name, each in record.found_by_name("mitigation", Mitigated).items():
        for sentence in sentences(name, each):
            assert with_minus_signs(sentence) in value.text
    assert "(SIRA) (\u2212.021 (\u2212.033 to \u2212.009), p < .001)" in value.text
    assert "-.0" not in value.text


def test_the_areas_begin_with_greedy_answers(record):
    frame = section_table(SECTION, record, "mitigation-gains-exist").frame.set_index("method")
    assert frame.loc["greedy answers"].tolist() == ["", ".90 (.88 to .92)", "", "", "", "0"]
    assert frame.loc["contrast: image cut late (SIRA)"].tolist() == [
        "strength 1", ".88 (.86 to .90)", "\u2212.021 (\u2212.033 to \u2212.009)", "<.001", "loss",
        "0.6",
    ]  # fmt: skip
    assert "threshold moved (placebo)" in frame.index
    assert '"or none" in the prompt' not in frame.index


def test_the_answers_stand_beside_the_moved_threshold(record):
    frame = section_table(SECTION, record, "mitigation-shift-exist").frame.set_index("method")
    assert frame.loc["greedy answers"].tolist()[:2] == [
        "51.5% (49.5 to 53.5)", "82.2% (80.2 to 84.2)",
    ]  # fmt: skip
    assert frame.loc["absence by a probe"].tolist()[2:] == [
        "82.0%", "+.020 (+.008 to +.032)", "<.001",
    ]  # fmt: skip


def test_harm_stands_by_premise_with_what_is_declined(record):
    table = section_table(SECTION, record, "mitigation-harm-exist")
    assert "(color: 400 about absent things, 400 about things there)" in table.caption
    frame = table.frame
    assert frame["asked for"].tolist() == ["color", *[""] * (len(frame) - 1)]
    by = frame.set_index("method")
    none = by.loc['"or none" in the prompt']
    assert none["right, less greedy (CI)"] == "\u2212.050 (\u2212.062 to \u2212.038)"
    assert none["declined: absent, there"] == "71.0%, 6.2%"
    assert by.loc["DoLa", "declined: absent, there"] == ""


def test_the_literature_stands_beside_what_was_found_of_the_same_method(record):
    table = section_table(SECTION, record, "mitigation-literature")
    frame = table.frame
    assert len(frame) == len(literature())
    first = frame.iloc[0]
    assert first["method (arXiv)"] == "VCD (2311.16922)"
    assert (first["baseline"], first["method's"]) == ("83.29 (sampled)", "87.73")
    assert first["read in"] == "Table 1, figs/exp1.png (authors' repository)"
    assert first["this run (CI)"] == "no gain: +.001 (\u2212.011 to +.013)"
    assert "second hand" in table.caption
    cited = keys(parse(SECTION.text(record), "it"), "citep")
    assert {row.cites for row in literature()} <= set(cited)


def test_without_premises_there_is_no_harm(record):
    bare = with_found(record, mitigated(premises=()))
    names = [each.name for each in SECTION.tables(bare)]
    assert names == ["mitigation-gains-exist", "mitigation-shift-exist", "mitigation-literature"]
    assert "mitigation-harm" not in SECTION.text(bare)
    assert "mitigation-harm" in SECTION.text(record)


def test_without_a_layer_to_cut_after_its_note_is_told(record):
    (value,) = SECTION.values(with_found(record, mitigated(cut_after=None)))
    assert value.text.endswith(" Left out: methods that cut the image late.")
    assert "past which by the study of causes" not in value.text


def test_methods_that_a_run_lacks_are_not_tried(record):
    found = mitigated()
    methods = {n: each for n, each in found.methods.items() if n != "contrast: noise (VCD)"}
    frame = section_table(
        SECTION, with_found(record, replace(found, methods=methods)), "mitigation-literature"
    ).frame
    assert frame["this run (CI)"].iloc[0] == "not tried"


def test_a_method_with_a_dangerous_name_stays_text(record):
    table = section_table(SECTION, record, "mitigation-gains-exist")
    assert DANGEROUS in table.frame["method"].tolist()
    text = table_float(table, "run", "tbp")
    assert DANGEROUS not in text
    assert r"50\%\_of \textless{}b\textgreater{}\$x\_1\$" in text
    (figure,) = SECTION.figures(record)
    assert drawn(figure, "pdf")["pdf"].startswith(b"%PDF")


def test_the_text_is_prose_without_numbers(record):
    require_no_number(parse(SECTION.text(record), "it"), "it")


def test_the_figure_says_level_number_and_unit(record):
    (figure,) = SECTION.figures(record)
    for word in ("598 questions", "299 scenes", "95% intervals", "150 groups of scenes", ".01"):
        assert word in figure.caption, word
    canvas = Canvas(figsize=figure.size)
    figure.draw(canvas)
    assert canvas.axes[0].get_title(loc="left") == "exist: AUROC"


def test_a_run_without_the_study_has_no_such_section(record):
    assert SECTION.holds(record)
    assert not SECTION.holds(with_found(record, None))
    assert SECTION.optional
