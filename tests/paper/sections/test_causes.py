"""What is used: the section of a run that holds causes, of one that does not, and of one in which
nothing follows the image."""

import re

from matplotlib.figure import Figure as Canvas

from analysis.causes.found import Caused
from analysis.causes.wording import causes_sentences
from analysis.typed import written
from paper.output.floats import drawn, table_float
from paper.sections import causes
from tests.paper.conftest import changed_record, section_table
from tests.paper.made_up_causes import OTHER, caused


def with_causes(record, found):
    """The record as it were with other causes; none with None."""

    def change(content):
        if found is None:
            del content["studies"]["causes"]
        else:
            content["studies"]["causes"] = {name: written(each) for name, each in found.items()}

    return changed_record(record, change)


def test_every_sentence_is_a_value(record):
    values = {each.key: each.text for each in causes.SECTION.values(record)}
    assert set(values) == {"causes.color", "causes.shape", "causes.material"}
    for name, each in record.found_by_name("causes", Caused).items():
        for sentence in causes_sentences(name, each):
            assert sentence.replace("-0.", "\u22120.") in values[f"causes.{name}"]
    assert "taken from the image's positions until layer 2.9" in values["causes.color"]
    assert values["causes.shape"].startswith("Shape: nothing is said about causes")


def test_the_shares_at_every_layer_and_position(record):
    frame = section_table(causes.SECTION, record, "causes").frame
    assert frame["attribute"].tolist() == ["color", *[""] * 6, "material", *[""] * 6]
    color, material = frame.iloc[:7].set_index("layer"), frame.iloc[7:].set_index("layer")
    assert color.loc["0", "image (CI)"] == "1.00 (0.97 to 1.03)"
    assert color.loc["6", "answer position (CI)"] == "0.95 (0.92 to 0.98)"
    assert color.loc["0", "object (CI)"] == "0.80 (0.77 to 0.83)"
    assert set(material["object (CI)"]) == {""}


def test_without_objects_there_is_no_column_of_them(record):
    alone = with_causes(record, {"material": caused(has_object=False)})
    assert "object (CI)" not in section_table(causes.SECTION, alone, "causes").frame
    assert "belrose2023leace" not in causes.SECTION.text(alone)
    assert "belrose2023leace" in causes.SECTION.text(record)
    assert r"\figref{causes-color} and \figref{causes-material} show" in causes.SECTION.text(record)
    assert r"\figref{causes-material} shows" in causes.SECTION.text(alone)


def test_what_is_left_after_a_cut_where_attention_can_be_cut(record):
    frame = section_table(causes.SECTION, record, "causes-cut").frame
    assert frame["attribute"].tolist() == ["color", *[""] * 6]
    assert frame.loc[6, "left (CI)"] == "0.95 (0.92 to 0.98)"
    alone = with_causes(record, {"material": caused(has_object=False)})
    assert [each.name for each in causes.SECTION.tables(alone)] == ["causes", "causes-controls"]
    assert "geva2023" not in causes.SECTION.text(alone)


def test_of_a_deep_model_some_layers_are_left_out(record):
    deep = with_causes(record, {"color": caused(last=31)})
    layers = section_table(causes.SECTION, deep, "causes").frame["layer"].astype(int).tolist()
    assert (layers[0], layers[-1]) == (0, 31)
    assert layers == sorted(set(layers))
    assert len(layers) <= 13


def test_controls_say_what_was_done_and_what_is_shown(record):
    frame = section_table(causes.SECTION, record, "causes-controls").frame
    rows = frame.iloc[: frame["attribute"].tolist().index("material")]
    nothing, unclear, *elsewhere = rows.to_dict("records")[:5]
    assert nothing["moves (CI)"] == "\u22120.08 (\u22120.11 to \u22120.05)"  # of all layers
    assert (nothing["layer"], nothing["claim"]) == ("2", "moves nothing")
    assert unclear["claim"] == "not shown to move nothing"
    assert {each["claim"] for each in elsewhere} == {"more than elsewhere"}
    directed = rows[rows["what is done"].str.startswith("the probe's")].iloc[0]
    assert (directed["layer"], directed["p"]) == ("6", "<.001")
    assert directed["pairs"] == str(caused().asked.n_dear)
    erased = rows[rows["what is done"].str.startswith("erased")]
    assert erased["claim"].tolist() == ["probe at chance"] * 2 + ["probe not shown at chance"] * 2


def test_names_from_data_are_escaped(record):
    table = section_table(causes.SECTION, record, "causes-controls")
    assert table.frame["what is done"].str.contains(OTHER, regex=False).any()
    text = table_float(table, "run", "tbp")
    assert OTHER not in text
    assert r"50\%\_of \textless{}b\textgreater{}\$x\_1\$" in text


def test_a_share_without_an_interval_is_unbounded(record):
    def change(content):
        row = content["studies"]["causes"]["color"]["every"]["places"]["image"][3]
        row |= {"low": -1.7e308, "high": 1.7e308}

    frame = section_table(causes.SECTION, changed_record(record, change), "causes").frame
    assert frame.loc[3, "image (CI)"] == "unbounded"


def test_a_figure_for_each_attribute_that_follows_the_image(record):
    figures = list(causes.SECTION.figures(record))
    assert [each.name for each in figures] == ["causes-color", "causes-material"]
    for each in figures:
        assert re.search(r"on 240 (minimal|matched) pairs", each.caption)
        for word in ("95% intervals over pairs", "share of H", "diamonds", "star", "more than 90%"):
            assert word in each.caption, word
        canvas = Canvas(figsize=each.size)
        each.draw(canvas)
        assert [axes.get_ylabel() for axes in canvas.axes[:2]] == [
            "readable\n(share of H)", "used\n(share of effect)",
        ]  # fmt: skip
        assert drawn(each, "pdf")["pdf"].startswith(b"%PDF")


def test_without_a_window_the_caption_says_nothing_of_it(record):
    def change(content):
        content["studies"]["causes"]["color"]["every"]["window"]["end"] = None

    color, material = causes.SECTION.figures(changed_record(record, change))
    assert "Grey" not in color.caption
    assert "Grey" in material.caption


def test_where_nothing_follows_nothing_is_drawn_or_claimed(record):
    none = with_causes(record, {"shape": caused(follows=False)})
    assert causes.SECTION.holds(none)
    assert not list(causes.SECTION.figures(none))
    assert not list(causes.SECTION.tables(none))
    assert "figref" not in causes.SECTION.text(none)
    assert r"\val{causes.shape}" in causes.SECTION.text(none)


def test_a_run_without_causes_has_no_such_section(record):
    assert not causes.SECTION.holds(with_causes(record, None))
    assert causes.SECTION.optional


def test_the_report_holds_it(built):
    page = (built / "report.html").read_text()
    assert "What is used</h3>" in page
    assert "<b>$x_1$</b>" not in page
    assert "taken from the image" in page
    for name in ("causes-color", "causes-material"):
        assert (built / "figures" / f"run-{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (built / "tables" / "run-causes-controls.tex").exists()
