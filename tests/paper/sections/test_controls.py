"""What stands in the tables of conditions and of other choices, for few attributes and many."""

from paper.sections import controls
from tests.paper.conftest import changed_record, section_table


def test_choices_stand_in_rows_and_attributes_in_columns(record):
    frame = section_table(controls.SECTION, record, "robustness").frame.set_index("choice")
    assert list(frame.columns) == ["color", "shape", "material", "size", "count"]
    assert frame.loc["as declared", "color"] == "3.40"
    assert frame.loc["stated bits against shuffled images", "color"] == "4.10"
    assert set(frame["count"]) == {"does not emerge"}


def test_a_choice_that_gives_only_a_set_and_one_that_was_not_made(record):
    def change(content):
        found = content["attributes"]["color"]["readouts"]["logit_lens"]["robustness"]
        found[1]["estimate"] = None
        del content["attributes"]["shape"]["readouts"]["logit_lens"]["robustness"][2]

    frame = section_table(
        controls.SECTION, changed_record(record, change), "robustness"
    ).frame.set_index("choice")
    assert frame.loc["reader with offsets", "color"] == "set only"
    assert frame.loc["right answers, above guessing", "shape"] == ""


def test_many_attributes_stand_below_each_other(record):
    def change(content):
        one = content["attributes"]["size"]
        content["attributes"] |= {f"more_{place}": one for place in range(3)}

    found = section_table(controls.SECTION, changed_record(record, change), "robustness")
    assert list(found.frame.columns) == ["attribute", "choice", "layer"]
    assert len(found.frame) == 4 * 8


def test_information_right_answers_and_stated_bits_by_condition(record):
    frame = section_table(controls.SECTION, record, "conditions").frame
    color = frame.iloc[:4].set_index("image")
    assert color.loc["shuffled", "information"] == ""  # not defined there
    assert color.loc["blank", "information"] == "0.00"  # no negative zero
    assert color.loc["none, guessing", "right"] == "21%"
    assert color.loc["none, guessing", "stated bits"] == "\u22123.00"
    assert color["p"].tolist() == ["", "<.001", "<.001", ""]
