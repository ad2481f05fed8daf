"""What is known and not said: values as they are printed, and a run that lacks parts of it."""

from matplotlib.figure import Figure as Canvas

from analysis.hallucination.found import Hallucinated
from analysis.hallucination.wording import sentences
from analysis.typed import written
from paper.output.floats import drawn
from paper.prose.parse import parse
from paper.prose.rules import require_no_number
from paper.sections.hallucination import SECTION
from tests.paper.conftest import changed_record, section_table
from tests.paper.made_up_absence import hallucinated


def with_found(record, found):
    """The record as it were with other results; without the study with None."""

    def change(content):
        content["studies"].pop("hallucination")
        if found is not None:
            content["studies"]["hallucination"] = {n: written(each) for n, each in found.items()}

    return changed_record(record, change)


def test_every_sentence_is_a_value_with_real_minus_signs(record):
    values = {each.key: each.text for each in SECTION.values(record)}
    assert set(values) == {"hallucination.exist", "hallucination.color"}
    for name, each in record.found_by_name("hallucination", Hallucinated).items():
        for sentence in sentences(name, each):
            assert sentence.replace("-0.", "\u22120.") in values[f"hallucination.{name}"]
    assert "criterion \u22120.06 (\u22120.15 to 0.03): a lean" in values["hallucination.exist"]


def test_signals_at_their_best_and_at_the_last_layer_by_target(record):
    frame = section_table(SECTION, record, "hallucination").frame
    told = [each for each in frame["told"] if each]
    assert told == [
        "exist: absent (600 of 1,200)", "exist: answered wrong (214 of 1,200)",
        "color: absent (600 of 1,200)", "color: answered wrong (214 of 1,200)",
    ]  # fmt: skip
    first = frame.iloc[:10].set_index("signal")
    assert first.loc["linear probe"].tolist()[1:] == [
        "6", ".94 (.92 to .96)", "<.001", ".94 (.92 to .96)", "<.001",
    ]  # fmt: skip
    baseline = first.loc["baseline: text alone"]
    assert baseline["last layer (CI)"] == ".50 (.49 to .51)"
    assert baseline["best layer"] == baseline["p (best)"] == baseline["p (Holm)"] == ""


def test_what_holding_back_gains(record):
    frame = section_table(SECTION, record, "hallucination-held-back").frame
    assert frame["questions"].tolist()[0] == "exist (1,200)"
    probe = frame[frame["held back by"] == "linear probe"].iloc[0]
    assert probe.tolist()[2:] == ["12.0% (10.0 to 14.0)", ".07 (.05 to .09)", ".02"]


def test_without_a_probe_and_without_wrong_answers(record):
    bare = with_found(record, {"exist": hallucinated(probe=False, wrong=False)})
    frame = section_table(SECTION, bare, "hallucination").frame
    assert [each for each in frame["told"] if each] == ["exist: absent (600 of 1,200)"]
    assert "linear probe" not in frame["signal"].tolist()
    (value,) = SECTION.values(bare)
    assert "probe on the residual" not in value.text
    assert value.text.endswith("No probe of absent answers: too few items of one side.")
    (figure,) = SECTION.figures(bare)
    figure.draw(Canvas(figsize=figure.size))


def test_premises_are_explained_only_where_there_are_any(record):
    alone = with_found(record, {"exist": hallucinated()})
    assert "no answer\nis right" in SECTION.text(record)
    assert "no answer\nis right" not in SECTION.text(alone)
    assert r"\figref{hallucination-exist} shows" in SECTION.text(alone)
    both = r"\figref{hallucination-exist} and \figref{hallucination-color} show"
    assert both in SECTION.text(record)


def test_the_text_is_prose_without_numbers(record):
    require_no_number(parse(SECTION.text(record), "it"), "it")


def test_figures_say_level_number_and_unit(record):
    for figure in SECTION.figures(record):
        for word in ("1,200", "600 scenes", "95% intervals", "300 groups of scenes", "AUROC"):
            assert word in figure.caption, word
    assert drawn(figure, "pdf")["pdf"].startswith(b"%PDF")


def test_a_run_without_the_study_has_no_such_section(record):
    assert SECTION.holds(record)
    assert not SECTION.holds(with_found(record, None))
    assert SECTION.optional
