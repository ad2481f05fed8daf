"""Numbers as text, each with the place it was read from.

The prose inserts a value by its key, as `\\val{key}`. With the short name of the run before it the
key is unique: `a:color.layer`. In text about all runs at once (`all:`), a value that differs
between runs appears once per run, with the name of its model.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.wording import listed
from data_prep.errors import UserError
from paper.evidence.plain import with_minus_signs
from paper.evidence.record import RESULTS, Record, RunRecord
from paper.prose.escape import tex

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A piece of text that the prose can insert by its key."""

    key: str
    text: str
    where: str
    """Place inside the source file, such as attributes/color/readouts."""
    source: str = RESULTS
    """File that the value was read from, relative to the folder of the run."""
    names_model: bool = False
    """Whether the text itself says which model it is about."""


def said(study: str, sentences: Mapping[str, Sequence[str]]) -> Iterator[Value]:
    """What a study says of each name, whole sentences, as the values study.name."""
    for name, each in sentences.items():
        text = with_minus_signs(" ".join(each))
        yield Value(key=f"{study}.{name}", text=text, where=f"studies/{study}/{name}")


class Values:
    """All values of a paper by their full key, such as `a:color.layer`."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._naming: set[str] = set()

    def add(self, record: Record, values: Iterable[Value]) -> None:
        """Add the values of a run. A key that already exists is an error in the program."""
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
        """Add a value `all:key` for each key, made from the values of all runs. Where the runs
        differ, it lists each value with the name of its model."""
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
        """The text that `\\val{key}` inserts. UserError if no run gives this key."""
        entry = self._entries.get(f"{run}:{key}")
        if entry is None:
            raise UserError(
                f"{said_in} asks for \\val{{{key}}}, which no section makes for run {run!r}: "
                "correct the key, or let a section of paper/sections make it"
            )
        return entry["value"]

    def as_records(self) -> list[Mapping[str, Any]]:
        """The values as rows of values.json, sorted by key."""
        return [self._entries[key] for key in sorted(self._entries)]

    def as_tex(self) -> str:
        """The content of values.tex: one definition per line."""
        lines = ["% Made by paper.build. Every number of the text stands here."]
        lines += [f"\\setval{{{key}}}{{{tex(self._entries[key]['value'])}}}"
                  for key in sorted(self._entries)]  # fmt: skip
        return "\n".join(lines) + "\n"
