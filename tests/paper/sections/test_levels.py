"""Every printed interval, set and p-value has its meaning, and none is of a column of the past."""

import re
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from paper.evidence.record import Record, read_record, read_validation
from paper.sections import all_sections
from paper.sections.levels import MEANINGS, SECTION, shown
from tests.paper.conftest import changed_record, section_table
from tests.paper.made_up_comparison import comparison
from tests.paper.made_up_pooling import pooling

_TITLE = re.compile(r"\bCI\b|\bp\b|interval|^set|^Holm|^whole", re.IGNORECASE)
_RANGE = re.compile(r"[\d.%] to \u2212?[\d.]")


def printed(record, validation_file, tmp_path):
    """Section, table and column, and whether it looks like an interval, a set or a p-value."""
    about = {
        "run": record,
        "validation": read_validation(validation_file),
        "comparison": Record(
            key="comparison", folder=tmp_path, results=comparison("5" * 64, "6" * 64)
        ),
        "pooling": Record(
            key="pooling", folder=tmp_path, results=pooling("5" * 64, "6" * 64, "7" * 64)
        ),
    }
    for section in all_sections():
        if section is SECTION or not section.holds(about[section.about]):
            continue
        for table in section.tables(about[section.about]):
            for column in table.frame.columns:
                cells = " | ".join(map(str, table.frame[column]))
                looks = bool(_TITLE.search(column) or _RANGE.search(cells))
                yield section.name, f"{table.name}/{column}", looks


@pytest.fixture
def columns(record, validation_file, tmp_path) -> list[tuple[str, str, bool]]:
    return list(printed(record, validation_file, tmp_path))


# Means of probabilities, and how many objects a scene has.
NO_STATEMENT = {"trajectory/p(answer)", "model-card/objects"}


def test_every_interval_set_and_p_is_in_the_table(columns):
    assert sum(looks for *_, looks in columns) > 30
    without = [
        column
        for section, column, looks in columns
        if looks
        and column not in NO_STATEMENT
        and not any(
            one.section == section and fnmatchcase(column, pattern)
            for one in MEANINGS
            for pattern in one.columns
        )
    ]
    assert without == []


def test_no_row_is_of_a_column_that_is_not_printed(columns):
    patterns = [(one.section, pattern) for one in MEANINGS for pattern in one.columns]
    assert len(set(patterns)) == len(patterns)
    gone = [
        pattern
        for section, pattern in patterns
        if not any(name == section and fnmatchcase(column, pattern) for name, column, _ in columns)
    ]
    assert gone == []


def test_a_column_that_nobody_declared_is_found(columns):
    """The control: without its row, a column is missed."""
    kept = [one for one in MEANINGS if "order/p (Holm)" not in one.columns]
    assert ("order", "order/p (Holm)", True) in columns
    assert not any(fnmatchcase("order/p (Holm)", each) for one in kept for each in one.columns)


def test_the_table_holds_levels_and_only_what_the_run_has(record):
    frame = section_table(SECTION, replace(record, pooled=True), "levels").frame
    assert len(frame) == len(MEANINGS)
    assert set(frame["level"]) == {"95%", "5%", "own", "none"}
    assert (frame != "").all().all()
    without = changed_record(record, lambda content: content["studies"].pop("order"))
    left_out = {one.section for one in MEANINGS} - {one.section for one in shown(without)}
    assert left_out == {"order", "pool"}


def test_rows_of_a_pooling_stand_only_where_there_is_one(record):
    alone = section_table(SECTION, record, "levels")
    beside = section_table(SECTION, replace(record, pooled=True), "levels")
    more = [one for one in MEANINGS if one.section == "pool"]
    assert len(beside.frame) == len(alone.frame) + len(more)
    assert {one.unit for one in more} == {"models"}
    assert "models" not in set(alone.frame["unit"])
    assert "of the pooling" in beside.caption
    assert "pooling" not in alone.caption


def test_the_level_is_the_runs(run_folder):
    record = read_record(run_folder, "run")
    values = {one.key: one.text for one in SECTION.values(record)}
    assert values == {"levels.interval": "95%", "levels.test": "5%"}
