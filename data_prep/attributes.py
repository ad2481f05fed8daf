"""Attributes with their answers, and the words that mean each answer (the verbalizer). The
attributes of CLEVR are listed in vocabulary.toml."""

import tomllib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from data_prep.errors import UserError
from data_prep.plain_text import require_plain

ATTRIBUTES: tuple[str, ...] = ("color", "shape", "material", "size", "count")
"""Names of all attributes of CLEVR-style scenes, in the order of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A property of a scene that a model can be asked for, with its closed set of answers."""

    name: str
    answers: tuple[str, ...]
    """The answers under CLEVR's names and in CLEVR's order. The answer axis of every array of
    scores has this order."""
    words: Mapping[str, tuple[str, ...]] = field(hash=False)
    """For each answer the words that mean it. No word belongs to two answers."""
    from_data: bool = False
    """Whether the data determines the set of answers. If so, answers that do not occur are not in
    the set, and scenes whose answer is rare are left out and counted."""

    def restricted_to(self, answers: Iterable[str]) -> "Attribute":
        """The same attribute with only those `answers`, in this attribute's order.

        For data in which some answers never occur (counts above the largest scene): an answer that
        cannot be right would still receive probability, and its words may collide ("1", "10").
        """
        wanted = set(answers)
        unknown = sorted(wanted - set(self.answers))
        if unknown or not wanted:
            got = f"{unknown[0]!r}" if unknown else "none"
            raise UserError(
                f"unknown answer for {self.name}: got {got}, the answer set is "
                f"{', '.join(self.answers)}: correct the data or extend the vocabulary"
            )
        kept = tuple(answer for answer in self.answers if answer in wanted)
        return replace(self, answers=kept, words={answer: self.words[answer] for answer in kept})


def attribute(name: str) -> Attribute:
    """The attribute called `name`, with its full answer set; UserError for any other name."""
    if name not in ATTRIBUTES:
        raise UserError(f"unknown attribute {name!r}: choose from {', '.join(ATTRIBUTES)}")
    return _vocabulary()[name]


def stream_key(name: str) -> int:
    """A number for seeding random draws per attribute: the place among ATTRIBUTES, or else a
    checksum of the name.

    It depends on the name alone, so the draws of an attribute do not depend on which other
    attributes there are.
    """
    return ATTRIBUTES.index(name) if name in ATTRIBUTES else zlib.crc32(name.encode())


def surface_forms(word: str) -> tuple[str, ...]:
    """The spellings of `word`: with a small and a capital first letter. A word with capitals after
    its first letter is kept as it is.

    Any space before the word is added by the prompt, not here.
    """
    if word[1:] != word[1:].lower():
        return (word,)
    return tuple(dict.fromkeys((word[:1].lower() + word[1:], word[:1].upper() + word[1:])))


@cache
def _vocabulary() -> Mapping[str, Attribute]:
    text = files("data_prep").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return {name: attribute_of(name, table[name]) for name in ATTRIBUTES}


def attribute_of(
    name: str, table: Mapping[str, Sequence[str]], *, from_data: bool = False
) -> Attribute:
    """The attribute `name`, whose answers and their words are given by `table`.

    UserError if a word belongs to two answers, because it would count for both, and for an answer
    or a word that holds control characters.
    """
    owner: dict[str, str] = {}
    for answer, words in table.items():
        require_plain(answer, f"an answer of {name}")
        for word in words:
            require_plain(word, f"a word of {name}")
            if owner.setdefault(word, answer) != answer:
                raise UserError(
                    f"each word of {name} belongs to one answer, got {word!r} under "
                    f"{owner[word]} and {answer}: remove one"
                )
    words = {answer: tuple(words) for answer, words in table.items()}
    return Attribute(name=name, answers=tuple(table), words=words, from_data=from_data)
