"""The table of outcomes: what there is not leaves its cells empty."""

from paper.sections import overview
from tests.paper.conftest import changed_record, section_table
from tests.paper.made_up_findings import finding


def test_the_overview_leaves_empty_what_there_is_not(record):
    def change(content):
        readouts = content["attributes"]["shape"]["readouts"]
        readouts["logit_lens"] = finding("shape", onset=2.7, monotone=False, holm=0.2)

    frame = section_table(overview.SECTION, changed_record(record, change), "overview").frame
    rows = {name: row for name, row in zip(frame["attribute"], frame.to_dict("records"),
                                           strict=True) if name}  # fmt: skip
    color, shape, count = (rows[name] for name in ("color", "shape", "count"))
    assert (color["layer"], color["CI"], color["whole"]) == ("3.4", "3.2 to 3.7", "4 (4 to 5)")
    assert (color["set"], color["choices"], color["Holm"]) == ("3 to 4", "2.8 to 4.1", ".002")
    assert [shape[name] for name in ("layer", "CI", "whole", "choices")] == [""] * 4
    assert (shape["outcome"], shape["set"], shape["Holm"]) == ("emerges", "2 to 3", ".200")
    assert [count[name] for name in ("layer", "set", "choices")] == [""] * 3
