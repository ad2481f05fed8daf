"""Fills the sections of the paper from the runs, from the studies over all runs, and from the
validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeAlias

from data_prep.errors import UserError
from paper.evidence.record import OtherShape, Record, RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections import Section, all_sections

LeftOut: TypeAlias = dict[tuple[str, str], str]
"""Why sections are not shown: a printable line by (key of the record, name of the section)."""
_OTHER_SHAPE = (OtherShape, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A section and what it made from its record: text, values, figures and tables."""

    section: Section
    record: Record
    text: str
    values: tuple[Value, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]


def fill(
    records: Sequence[RunRecord], joint: Mapping[str, Record], validation: Record | None
) -> tuple[list[Filled], LeftOut]:
    """The sections that could be filled, and a line for each other one, by record and section.

    `joint` holds the studies over all runs by kind: "comparison" and "pooling". `validation` is
    None if the statistics have not been validated. UserError if a section that every paper needs
    cannot be read.
    """
    filled: list[Filled] = []
    left_out: LeftOut = {}
    for record in records:
        if (made_by := record.results.versions["onset"]) != (ours := version("onset")):
            left_out[record.key, "version"] = (
                f"note: {record.folder} was made by onset {made_by}, this is {ours}"
            )
        for section in all_sections():
            if section.about == "run":
                _fill_of_run(section, record, filled, left_out)
    for section in all_sections():
        if section.about in ("comparison", "pooling") and len(records) > 1:
            _fill_joint(section, records, joint.get(section.about), filled, left_out)
        if section.about == "validation":
            if validation is None:
                left_out["validation", section.name] = (
                    f"not shown: {section.name} of the statistics ({section.made_by} makes it)"
                )
            else:
                filled.append(_filled(section, validation))
    return filled, left_out


def _fill_of_run(
    section: Section, record: RunRecord, filled: list[Filled], left_out: LeftOut
) -> None:
    command = section.made_by.format(run=record.folder)
    if section.part == "methods" and any(one.section is section for one in filled):
        return
    try:
        if section.holds(record):
            filled.append(_filled(section, record))
        elif section.made_by and not section.optional:
            left_out[record.key, section.name] = (
                f"not in {record.folder}: {section.name} ({command} makes it)"
            )
    except _OTHER_SHAPE as error:
        # A run of another version: its numbers have another shape than we know.
        line = (
            f"{section.name} of {record.folder} has another shape than this version reads "
            f"({_said(error)}): {command} makes it anew in a new folder"
        )
        if section.needed:
            raise UserError(line) from error
        left_out[record.key, section.name] = f"left out: {line}"


def _fill_joint(
    section: Section,
    records: Sequence[RunRecord],
    found: Record | None,
    filled: list[Filled],
    left_out: LeftOut,
) -> None:
    command = section.made_by.format(run=" ".join(str(one.folder) for one in records))
    if found is None:
        if not section.optional:
            left_out[section.about, section.name] = (
                f"not shown: the runs compared with each other ({command} makes it)"
            )
        return
    try:
        filled.append(_filled(section, found))
    except _OTHER_SHAPE as error:
        left_out[section.about, section.name] = (
            f"left out: {found.folder} has another shape than this version reads "
            f"({_said(error)}): {command} makes it anew in a new folder"
        )


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else repr(error)


def _filled(section: Section, record: Record) -> Filled:
    return Filled(
        section=section,
        record=record,
        text=section.text(record),
        values=tuple(section.values(record)),
        figures=tuple(section.figures(record)),
        tables=tuple(section.tables(record)),
    )
