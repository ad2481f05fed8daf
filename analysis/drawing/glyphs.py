"""Words of any script in figures: words that the font cannot draw are written as code points.

If one sign of a word has no glyph, the whole word is written by codes. Tokens may ask for one more
font of the system that has all their signs (`families`). Text that runs from right to left needs no
care: matplotlib 3.11 lays text out by HarfBuzz and libraqm, which put Hebrew in its order and join
Arabic letters.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.font_manager import FontPath, FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

from probes.token_names import code_point, units

_MOST_LETTERS = 24
# It comes with matplotlib: where it has the signs, figures are the same on every machine.
_FIRST_FAMILY = "DejaVu Sans"
# Boxes in place of letters; colours, which cannot be drawn.
_NO_LETTERS = ("last resort", "lastresort", "emoji")


def drawn(text: str) -> str:
    """`text` as the current font can draw it: words without glyphs as code points such as U+4E2D,
    long text cut.

    Draw it as plain text and never as a formula: see `plain_labels` for labels that take no
    parse_math.
    """
    return cut(with_glyphs(" ".join(text.split())), _MOST_LETTERS)


def with_glyphs(text: str) -> str:
    """`text` as the current font can draw it: words without glyphs are written as code points."""
    return " ".join(map(_word, unicodedata.normalize("NFC", text).split(" ")))


def cut(text: str, most: int) -> str:
    """`text` cut to at most `most` characters, with an ellipsis for what is left out; code points
    are never split."""
    if len(text) <= most:
        return text
    kept = ""
    for unit in units(text):
        if len(kept) + len(unit) > most - 1:
            break
        kept += unit
    return f"{kept}\u2026" if kept else text


def plain_labels(axes: Axes) -> None:
    """Turns off formulas in the tick labels of both axes, so that words with dollar signs stay
    words."""
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)


def families(text: str) -> list[str] | None:
    """Names of the fonts that draw all of `text`: the current ones, and where they lack signs one
    more font that has them all, the first by name. None if there is no such font."""
    own: Sequence[str] = mpl.rcParams["font.family"]
    lacking = frozenset(map(ord, text)) - _glyphs(findfont(FontProperties()))
    if not lacking:
        return [*own]
    for family in _regular_families():
        if lacking <= _of(family):
            return [*own, family]
    return None


def _word(word: str) -> str:
    known = _glyphs(findfont(FontProperties()))
    if any(sign.isprintable() and ord(sign) not in known for sign in word):
        return "".join(map(code_point, word))
    return "".join(sign if sign.isprintable() else code_point(sign) for sign in word)


def _regular_families() -> list[str]:
    """The font families that have an upright font of normal weight: `families` asks for that
    one."""
    found = {
        entry.name
        for entry in fontManager.ttflist
        if (entry.style, entry.weight, entry.stretch) == ("normal", 400, "normal")
        and not any(each in entry.name.lower() for each in _NO_LETTERS)
    }
    return sorted(found, key=lambda name: (name != _FIRST_FAMILY, name))


@cache
def _of(family: str) -> frozenset[int]:
    """All signs that the font of a family can draw."""
    try:
        return _glyphs(findfont(FontProperties(family=family), fallback_to_default=False))
    except (ValueError, OSError, RuntimeError):  # it is gone, or is no font
        return frozenset()


@cache
def _glyphs(font: str | FontPath) -> frozenset[int]:
    face_index = font.face_index if isinstance(font, FontPath) else 0
    return frozenset(FT2Font(font, face_index=face_index).get_charmap())
