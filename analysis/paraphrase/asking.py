"""The items of an attribute in several wordings, and what a readout says of each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from analysis.readouts.readings import take_readings_of_items
from analysis.readouts.taken import Readings
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from data_prep.items import attribute_of_items
from data_prep.paraphrases import built_in_patterns, paraphrased, patterns_of_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Wordings:
    """Patterns of paraphrases, and the source that they are from."""

    patterns: tuple[str, ...]
    source: str


def wordings_of(items: pd.DataFrame, file: Path | None) -> Wordings:
    """The paraphrases of a file, or those built in for the questions of these items."""
    attribute = attribute_of_items(items)
    if file is not None:
        patterns = patterns_of_file(file, attribute)
        digest = hashlib.sha256(json.dumps(patterns).encode()).hexdigest()
        return Wordings(patterns=patterns, source=f"{file.name} ({digest[:8]})")
    templates = sorted(set(items["template"]))
    found = {built_in_patterns(template) for template in templates}
    if len(found) > 1 or () in found:
        raise UserError(
            f"there are no built-in paraphrases for questions of the kind {' and '.join(templates)}"
            f": give a file with --paraphrases, in which {attribute} is a list of texts"
        )
    return Wordings(patterns=found.pop(), source="built in")


def wording_readings(
    opened: OpenRun, items: pd.DataFrame, patterns: Sequence[str], readout: str
) -> tuple[Readings, ...]:
    """What the readout says under every condition, for each wording; the question as asked comes
    first.

    All wordings are captured as one table of items, each with its own blank image and its own
    strata, and are kept in the run.
    """
    texts = [tuple(items["question"]), *paraphrased(items, patterns, texts=opened.run.study.ask)]
    asked = pd.concat(
        [
            items.assign(question=text, item_id=[f"{each}~{place}" for each in items["item_id"]])
            for place, text in enumerate(texts)
        ],
        ignore_index=True,
    )
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
    read = take_readings_of_items(opened, asked, readout, name=f"paraphrases-{digest}")
    return tuple(_part(read, items, place, len(items)) for place in range(len(texts)))


def asked_items(opened: OpenRun, attribute: str) -> pd.DataFrame:
    """The run's items of the attribute, as the study asks them."""
    return items_of(opened.run, opened.data, attribute)


def _part(read: Readings, items: pd.DataFrame, place: int, n_items: int) -> Readings:
    """The part of the readings that belongs to one wording: its rows under every condition."""
    where = slice(place * n_items, (place + 1) * n_items)
    own = read.items.iloc[where].reset_index(drop=True)
    own.attrs = items.attrs
    return replace(
        read,
        items=own,
        answer_index=read.answer_index[where],
        real=read.real[where],
        blank=read.blank[where],
        swapped=None if read.swapped is None else read.swapped[:, where],
        whole=None,
    )
