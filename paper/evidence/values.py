"""Numbers as text, each with the place it was read from.

A value's key is what the prose says in `\\val{key}`; with the run's short name before it, it is
unique: `a:color.layer`. In text that speaks of all runs at once (`all:`), a value that differs
between runs stands once for each, with its model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_prep.errors import UserError
from paper.evidence.plain import listed
from paper.evidence.record import RESULTS, Record, RunRecord
from paper.prose.escape import tex

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A piece of text that the prose may ask for."""

    key: str
    text: str
    where: str
    """Place inside the source, as in attributes/color/readouts."""
    source: str = RESULTS
    """File, relative to the folder of the run."""
    names_model: bool = False
    """The text itself says which model it is about."""


class Values:
    """All values of a paper, by full key."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._naming: set[str] = set()

    def add(self, record: Record, values: Iterable[Value]) -> None:
        """Put a run's values in; a key that is there already is a mistake of the program."""
        for value in values:
            full = f"{record.key}:{value.key}"
            if full in self._entries:
                raise ValueError(f"two sections make the value {full}")
            self._entries[full] = {
                "key": full,
                "value": value.text,
                "run": record.folder.name,
                "source": value.source,
                "where": value.where,
                "sha256": record.sha256(value.source),
            }
            if value.names_model:
                self._naming.add(full)

    def join(self, records: Sequence[RunRecord], keys: Iterable[str]) -> None:
        """Make `all:key` of every run's value; where they differ, each with its model's name."""
        for key in sorted(set(keys)):
            own = [(record, self._entries.get(f"{record.key}:{key}")) for record in records]
            held = [(record, entry) for record, entry in own if entry is not None]
            if not held:
                continue  # the check of keys will name it
            text = self._joined(held, of_all=len(held) == len(records))
            joined = [entry["key"] for _, entry in held]
            self._entries[f"{ALL}:{key}"] = {"key": f"{ALL}:{key}", "value": text, "of": joined}

    def _joined(self, held: Sequence[tuple[RunRecord, Mapping[str, Any]]], *, of_all: bool) -> str:
        texts = [entry["value"] for _, entry in held]
        if of_all and len(set(texts)) == 1:
            return texts[0]
        if not all(entry["key"] in self._naming for _, entry in held):
            return listed([f"{entry['value']} ({record.model})" for record, entry in held])
        return " ".join(texts) if texts[0].endswith(".") else listed(texts)

    def text(self, run: str, key: str, said_in: str) -> str:
        """What `\\val{key}` shows; UserError that names a key that no run gives."""
        entry = self._entries.get(f"{run}:{key}")
        if entry is None:
            raise UserError(
                f"{said_in} asks for \\val{{{key}}}, which no section makes for run {run!r}: "
                "correct the key, or let a section of paper/sections make it"
            )
        return entry["value"]

    def as_records(self) -> list[Mapping[str, Any]]:
        """For values.json, in the order of keys."""
        return [self._entries[key] for key in sorted(self._entries)]

    def as_tex(self) -> str:
        """For values.tex: one definition a line."""
        lines = ["% Made by paper.build. Every number of the text stands here."]
        lines += [f"\\setval{{{key}}}{{{tex(self._entries[key]['value'])}}}"
                  for key in sorted(self._entries)]  # fmt: skip
        return "\n".join(lines) + "\n"
