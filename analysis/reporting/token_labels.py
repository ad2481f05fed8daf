"""Token text where people read it: in a figure, and in a terminal.

Vocabularies hold anything: signs of TeX and HTML, control characters, letters of every script.
"""

import unicodedata
from functools import cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

_MOST_LETTERS = 9
_LEADING_SPACE = "\u00b7"
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _END = "\u2068", "\u2069"


def shown(text: str, *, space: bool = False) -> str:
    """Text with glyphs only, of the font in use: a missing one as its code point, a leading space
    as a dot if asked. Draw it with parse_math=False: it may hold dollar signs."""
    leading = space and text[:1] in (" ", "\u2581", "\u0120")
    body = text[1:] if leading else text
    known = _glyphs(findfont(FontProperties()))
    drawn = "".join(
        sign if ord(sign) in known and sign.isprintable() else f"U+{ord(sign):04X}" for sign in body
    )
    if space and len(drawn) > _MOST_LETTERS:
        drawn = drawn[: _MOST_LETTERS - 1] + "\u2026"
    return (_LEADING_SPACE if leading else "") + drawn


@cache
def _glyphs(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font).get_charmap())


def printed_token(text: str) -> str:
    """In quotes, with what would steer a terminal written out; letters that are written from right
    to left are kept from reversing what stands beside them."""
    quoted = repr(text)
    if any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in quoted):
        return f"{_ISOLATE}{quoted}{_END}"
    return quoted
