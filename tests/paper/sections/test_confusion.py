"""Competing words in the report: whose doing a lead is, and what is drawn of it."""

import pytest
from matplotlib.figure import Figure as Canvas

from paper.sections.confusion import SECTION
from tests.paper.conftest import changed_record, section_table


def values_of(record):
    return {value.key: value.text for value in SECTION.values(record)}


def test_a_lead_to_which_the_image_adds_is_said_so(record):
    values = values_of(record)
    assert values["confusion.crossing-shape"].startswith(
        "the competing word is the likelier for good from layer 4 on (forward-backward set 3 to 5)"
    )
    assert values["confusion.image-shape"].startswith(
        "The image has its part in that: the image adds "
    )
    assert "with other scenes' images 15.0" in values["confusion.turned-shape"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("not shown", "That is a preference for the word, whatever the image shows: it is not"),
        ("takes", "That is a preference for the word, not the image's doing: the image adds "),
    ],
)
def test_a_lead_that_is_not_the_images_is_a_preference(record, part, said):
    def change(content):
        content["studies"]["confusion"]["shape"]["together"]["added"]["at_last_layer"] = part

    text = values_of(changed_record(record, change))["confusion.image-shape"]
    assert text.startswith(said)
    assert "has its part" not in text


def test_without_a_lead_only_what_the_image_adds_is_said(record):
    def change(content):
        content["studies"]["confusion"]["shape"]["together"]["overtaking"]["layer"] = None

    text = values_of(changed_record(record, change))["confusion.image-shape"]
    assert text.startswith("The image adds ")
    assert "preference" not in text


def test_the_table_has_what_the_image_adds_and_who_turns_by_chance(record):
    frame = section_table(SECTION, record, "confusion-shape").frame
    assert {"log-ratio (CI)", "image adds (CI)"} < set(frame.columns)
    assert frame.loc[0, "turned"] == "20/80 (9/60)"
    assert frame.loc[1, "from"] == "none"


def test_a_panel_per_answer_of_what_the_image_adds(record):
    (figure,) = (each for each in SECTION.figures(record) if "added" in each.name)
    canvas = Canvas(figsize=figure.size)
    figure.draw(canvas)
    assert [axes.get_title() for axes in canvas.axes] == ["cube (80 scenes)", "sphere (80 scenes)"]
