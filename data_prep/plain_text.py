"""Which texts from elsewhere may be names, labels and questions: those that are shown as they are.

A control character, with which an escape sequence begins, and a mark that turns the direction of
writing do not show anything: they steer the terminal or the page on which they are printed, and a
model is given bytes that nobody sees. Unusual blanks and joiners belong to how words are written.
"""

import re
import unicodedata

from data_prep.errors import UserError
from data_prep.terminal.visible import CONTROLS

MOST_CHARACTERS = 10_000
"""The longest name, label or question. Longer ones are files that were pasted by mistake."""
_STEERS, _STEERS_A_LINE = re.compile(f"[{CONTROLS}]"), re.compile(f"[\t\n{CONTROLS}]")
_SHOWN = 40
# Marks that join or choose shapes and fill places, none of which is of the category of marks that
# are not seen (Cf); and the pattern of Braille that has no dot.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u3164\uffa0\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_BLANK_PATTERN = "\u2800"


def hidden_in(text: str, *, lines: bool = False) -> str | None:
    """The first character of a text that is not shown but steers; None if there is none. With
    `lines`, line breaks and tabs may be among the text.

    >>> hidden_in("caf\\u00e9 bleu"), hidden_in("red\\x1b[31m")
    (None, '\\x1b')
    """
    if text.isprintable():
        return None
    found = (_STEERS if lines else _STEERS_A_LINE).search(text)
    return found[0] if found else None


def as_seen(text: str) -> str:
    """What a reader sees of a name: two that differ only in case, underscores, blanks, marks that
    are not seen or how letters are composed are one.

    >>> as_seen("Red_cup"), as_seen("red\u00a0 cup"), as_seen("re\u200bd cup")
    ('red cup', 'red cup', 'red cup')
    """
    shown = "".join(sign for sign in text.replace("_", " ") if not _is_unseen(sign))
    composed = unicodedata.normalize("NFC", shown.replace(_BLANK_PATTERN, " "))
    return " ".join(composed.split()).lower()


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf" or _UNSEEN.match(sign) is not None


def require_plain(text: str, what: str, *, lines: bool = False) -> None:
    """Raise UserError, which begins with `what`, for a text that `hidden_in` finds something in, or
    that is far too long for a name or a question."""
    if len(text) > MOST_CHARACTERS:
        raise UserError(
            f"{what} must have at most {MOST_CHARACTERS:,} characters, got {len(text):,} in "
            f"{text[:_SHOWN]!r}...: shorten it"
        )
    if (sign := hidden_in(text, lines=lines)) is not None:
        place = max(0, text.index(sign) - _SHOWN // 2)
        raise UserError(
            f"{what} must hold no control characters, got {sign!r} in "
            f"{text[place : place + _SHOWN]!r}: remove them"
        )
