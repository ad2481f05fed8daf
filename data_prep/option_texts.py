"""What no text of an option may be, and how a value is shown in a message.

Texts reach file names, prompts, JSON, TeX and the terminal. What none of these can carry is refused
once, here, instead of wherever it is noticed first.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.plain_text import require_plain

_MOST_OF_PLACE = 4096  # Linux takes no longer path
_SHOWN = 80
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def require_texts(called: str, value: Any, *, default: Any, place: bool) -> None:
    """UserError, which begins with `called`, for a text that is empty, too long or no plain text;
    also if it is in a tuple or a dict. Other values are accepted.

    An empty text is accepted if it is the option's default. A `place` is the name of a folder or
    file, or begins with one, and so may hold what file names do.
    """
    for text in _texts(value):
        if not text.strip() and value != default:
            raise UserError(f"{called} needs a text, got an empty one")
        if not place:
            require_plain(text, called, lines=True)
        elif len(text) > _MOST_OF_PLACE:
            raise UserError(
                f"{called} must have at most {_MOST_OF_PLACE} characters, got {len(text)}: "
                "shorten it"
            )
        elif _NO_TEXT.search(text):
            raise UserError(f"{called} must be text in UTF-8, got {text!r}: rename it")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _texts(pair)


def shown(value: Any) -> str:
    """The value as a message shows it: as it is typed, and only its beginning if it is long."""
    if isinstance(value, tuple):
        return clipped(" ".join(map(shown, value))) or "none"
    if isinstance(value, str | Path):
        return clipped(str(value).strip()) or "an empty one"
    return as_repr(value)


def as_repr(value: Any) -> str:
    """The `repr` of a value from a file, only its beginning if it is long. Numbers and nestings
    that have none, since they are too long or too deep for Python, are described."""
    try:
        return clipped(repr(value))
    except ValueError:  # from `int`, of more digits than Python converts
        return "a number of thousands of digits"
    except RecursionError:
        return "values nested too deeply"


def clipped(text: str) -> str:
    """The text, or its beginning and its length if it is long."""
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}... ({len(text)} characters)"
