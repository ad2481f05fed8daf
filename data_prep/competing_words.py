"""Words that compete with the right word for an answer, such as "square" for a cube or "gold" for
yellow."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Competition:
    """The right words of an attribute and the words that compete with them. Each competing word is
    scored by itself."""

    groups: Attribute
    """An attribute whose answers are the original ones, followed by each competing word as an
    answer of its own."""
    near: Mapping[str, tuple[str, ...]] = field(hash=False)
    """For each answer its competing words. The first of them is the one that comparisons use
    throughout."""


def default_words(attribute: str) -> dict[str, tuple[str, ...]]:
    """For each answer of an attribute the words listed in competing_words.toml. Empty for an
    attribute that is not listed."""
    text = files("data_prep").joinpath("competing_words.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text).get(attribute, {})
    return {answer: tuple(words) for answer, words in table.items()}


def words_of(text: str) -> tuple[str, ...]:
    """The words of a comma-separated list, in lower case. UserError if one of them is empty."""
    words = tuple(" ".join(word.lower().split()) for word in text.split(","))
    if not all(words):
        raise UserError(f"words are listed with commas, got {text!r}: write them like square,box")
    return words


def competition(attribute: Attribute, near: Mapping[str, Sequence[str]]) -> Competition:
    """The attribute with its competing words `near` split off.

    UserError for an answer that the attribute does not have, for a word that is listed twice or is
    an answer itself, and if an answer has no word of its own left.
    """
    attribute.restricted_to(near)
    named = [word for words in near.values() for word in words]
    for word in named:
        if named.count(word) > 1 or word in attribute.answers:
            other = "is an answer itself" if word in attribute.answers else "stands twice"
            raise UserError(
                f"a competing word of {attribute.name} must be its own, but {word!r} {other}: "
                "remove it"
            )
    groups: dict[str, tuple[str, ...]] = {}
    for answer in attribute.answers:
        # A synonym that competes with its own answer is no longer counted for it.
        own = near.get(answer, ())
        groups[answer] = tuple(word for word in attribute.words[answer] if word not in own)
        if not groups[answer]:
            raise UserError(
                f"{answer!r} of {attribute.name} needs a right word beside the competing ones, got "
                f"{', '.join(own)}: leave one out"
            )
    groups |= {word: (word,) for word in named}
    return Competition(
        groups=attribute_of(attribute.name, groups, from_data=attribute.from_data),
        near={answer: tuple(words) for answer, words in near.items()},
    )
