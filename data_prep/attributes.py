"""Attributes, their answer sets and answer words (the verbalizer), read from vocabulary.toml."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from data_prep.errors import UserError

ATTRIBUTES: tuple[str, ...] = ("color", "shape", "material", "size", "count")
"""Every attribute a study can ask for, in the order of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A property of a scene that a model can be asked for, with its closed set of answers."""

    name: str
    answers: tuple[str, ...]
    """Under CLEVR's names, in CLEVR's order; the answer axis of every score follows it."""
    words: Mapping[str, tuple[str, ...]] = field(hash=False)
    """Per answer the lower-case words that mean it; no word belongs to two answers."""

    def restricted_to(self, answers: Iterable[str]) -> "Attribute":
        """The same attribute with only those `answers`, in this attribute's order.

        For data in which some answers never occur (counts above the largest scene): an answer
        that cannot be right would still take probability, and its words may collide ("1", "10").
        """
        wanted = set(answers)
        unknown = sorted(wanted - set(self.answers))
        if unknown or not wanted:
            got = f"{unknown[0]!r}" if unknown else "none"
            raise UserError(
                f"unknown answer for {self.name}: got {got}, the answer set is "
                f"{', '.join(self.answers)}: correct the data or extend vocabulary.toml"
            )
        kept = tuple(answer for answer in self.answers if answer in wanted)
        return Attribute(
            name=self.name, answers=kept, words={answer: self.words[answer] for answer in kept}
        )


def attribute(name: str) -> Attribute:
    """The attribute called `name`, with its full answer set; UserError for any other name."""
    if name not in ATTRIBUTES:
        raise UserError(f"unknown attribute {name!r}: choose from {', '.join(ATTRIBUTES)}")
    return _vocabulary()[name]


def surface_forms(word: str) -> tuple[str, ...]:
    """The spellings under which a tokenizer may meet `word`: its case and space variants.

    Lower case and capitalized, each as it is and after a space; numerals have no case.
    """
    spellings = dict.fromkeys((word.lower(), word.lower().capitalize()))
    return tuple(space + spelling for space in ("", " ") for spelling in spellings)


@cache
def _vocabulary() -> Mapping[str, Attribute]:
    text = files("data_prep").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return {name: _checked(name, table[name]) for name in ATTRIBUTES}


def _checked(name: str, table: Mapping[str, list[str]]) -> Attribute:
    """An attribute of the vocabulary; a word under two answers would be counted for both."""
    owner: dict[str, str] = {}
    for answer, words in table.items():
        for word in words:
            if owner.setdefault(word, answer) != answer:
                raise ValueError(
                    f"vocabulary.toml: each word of {name} belongs to one answer, got {word!r} "
                    f"under {owner[word]} and {answer}: remove one"
                )
    words = {answer: tuple(words) for answer, words in table.items()}
    return Attribute(name=name, answers=tuple(table), words=words)
