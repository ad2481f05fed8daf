"""How loudly it is said, and what is said, held and there."""

from matplotlib.figure import Figure as Canvas

from paper.sections import ladder, loudness
from tests.paper.conftest import changed_record, section_table


def test_the_ladder_lists_layers_that_are_shown(record):
    def change(content):
        step = content["studies"]["ladder"]["color"]["steps"][1]
        for row in step["layers"]:
            row |= {"estimate": -0.1 if row["layer"] > 4 else 0.0, "p": 0.001 + row["layer"] % 2}

    frame = section_table(ladder.SECTION, changed_record(record, change), "ladder").frame
    assert frame.loc[0, "step"] == "holds over says"
    assert frame.loc[0, "more at layers"] == "3 to 4"
    assert frame.loc[1, "more at layers"] == "none"
    assert frame.loc[1, "less at layers"] == "6"


def test_a_sentence_and_two_panels_per_attribute(record):
    values = {value.key: value.text for value in loudness.SECTION.values(record)}
    assert {f"loudness.{name}" for name in ("color", "count")} < set(values)
    assert "is not shown to know it" in values["loudness.count"]
    (figure,) = loudness.SECTION.figures(record)
    canvas = Canvas(figsize=figure.size)
    figure.draw(canvas)
    assert [axes.get_title() for axes in canvas.axes[:5]] == list(record.attributes)
    assert canvas.axes[5].get_yscale() == "log"
