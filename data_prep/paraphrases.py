"""The same questions in other words: patterns, and the question texts made from them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from data_prep.errors import UserError
from data_prep.files.bounded import bounded_content
from data_prep.photographs.labels import CATEGORY, PRESENCE
from data_prep.photographs.presence import DEFAULT_TEXT, asked_text

THING, ATTRIBUTE = "{thing}", "{attribute}"
_MOST_BYTES = 2**20
LEAST = 2
"""Smallest number of paraphrases beside the original wording. Together they are three wordings, the
fewest that have a spread."""
_ASKED = {"referring": f"What {ATTRIBUTE} is the {THING}?", "presence": DEFAULT_TEXT}
_SUBJECT = {"referring": THING, "presence": CATEGORY}
"""For these templates, the placeholder that a paraphrase must hold; without it, it would be a
different question."""
_NAMES = re.compile(r"\{[^{}]*\}|[{}]")


def built_in_patterns(template: str) -> tuple[str, ...]:
    """The patterns of paraphrases.toml for questions of this template; empty if there are none."""
    text = files("data_prep").joinpath("paraphrases.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text).get(template, ()))


def patterns_of_file(path: Path, attribute: str) -> tuple[str, ...]:
    """The user's own paraphrases for an attribute, from a TOML file with lines such as color =
    ["...", "..."].

    UserError if the file cannot be read, is not TOML, or has no list of texts for the attribute.
    """
    try:
        content = bounded_content(path, _MOST_BYTES).decode("utf-8-sig")
        table: dict[str, Any] = tomllib.loads(content)
    except OSError as error:
        raise UserError(f"cannot read the paraphrases in {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f'{path} is no file of paraphrases ({error}): write color = ["...", "..."], a list for '
            "each attribute"
        ) from error
    found = table.get(attribute)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UserError(
            f"{path} must have a list of texts named {attribute}, got {found!r}: write "
            f'{attribute} = ["...", "..."]'
        )
    return tuple(found)


def paraphrased(
    items: pd.DataFrame, patterns: Sequence[str], *, texts: Mapping[str, str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """For each pattern, the text of every item's question in that wording. All items ask for one
    attribute.

    `texts` holds the study's own question texts by attribute. UserError for fewer than 2 patterns,
    for a pattern that does not name what the question is about or has an unknown placeholder, and
    for two patterns that give the same text for a question or repeat its original text.
    """
    if len(patterns) < LEAST:
        raise UserError(
            f"wordings need at least {LEAST} paraphrases beside the question as asked, got "
            f"{len(patterns)}: give more with --paraphrases FILE"
        )
    asked = items["question"].tolist()
    subjects = [_subject(row, texts or {}) for row in items.itertuples()]
    made: list[tuple[str, ...]] = []
    for pattern in patterns:
        _check(pattern, items)
        made.append(tuple(_text(pattern, each) for each in subjects))
    _require_different([tuple(asked), *made], ["the question as asked", *map(repr, patterns)])
    return tuple(made)


def _subject(row: Any, texts: Mapping[str, str]) -> dict[str, str]:
    """For the question of one item, the text that replaces each placeholder of a pattern."""
    found = {ATTRIBUTE: row.attribute}
    name = _SUBJECT.get(row.template)
    if name is None:
        return found
    pattern = texts.get(PRESENCE, _ASKED[row.template]).replace(ATTRIBUTE, row.attribute)
    form = re.escape(pattern).replace(re.escape(f" a {name}"), rf"\ an?\ {re.escape(name)}")
    match = re.fullmatch(form.replace(re.escape(name), "(.+)"), row.question)
    if match is None:
        raise UserError(
            f"item {row.item_id}: {row.question!r} is not of the form {pattern!r}, so that it "
            "cannot be put into other words: ask questions of Onset's own"
        )
    return found | {name: match.group(1)}


def _check(pattern: str, items: pd.DataFrame) -> None:
    allowed = {ATTRIBUTE}
    for template in sorted(set(items["template"])):
        name = _SUBJECT.get(template)
        if name is None:
            continue
        allowed.add(name)
        if pattern.count(name) != 1:
            raise UserError(
                f"a paraphrase must say once what it asks about, {name}, got {pattern!r}: put "
                f"{name} where the question {items['question'].iloc[0]!r} names it"
            )
    unknown = [name for name in _NAMES.findall(pattern) if name not in allowed]
    if unknown or not pattern.strip():
        raise UserError(
            f"a paraphrase is a text with {' and '.join(sorted(allowed))}, got {pattern!r}: "
            f"{'remove ' + unknown[0] if unknown else 'write one'}"
        )


def _text(pattern: str, subject: Mapping[str, str]) -> str:
    text = " ".join(pattern.split())
    if CATEGORY in subject:
        text = asked_text(text, subject[CATEGORY])
    for name, value in subject.items():
        text = text.replace(name, value)
    return text[:1].upper() + text[1:]


def _require_different(texts: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    for later, text in enumerate(texts):
        for earlier in range(later):
            for own, other in zip(text, texts[earlier], strict=True):
                if own == other:
                    raise UserError(
                        f"wordings must differ, but {names[later]} and {names[earlier]} both ask "
                        f"{own!r}: change one"
                    )
