"""Words of any script in figures: what the font cannot draw is written as its code point."""

import unicodedata
from functools import cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

_MOST_LETTERS = 24


def drawn(text: str) -> str:
    """`text` with the glyphs of the font that is set, others as U+4E2D; cut where it is long.

    To be drawn as text and never as a formula: see `plain_labels` for what takes no parse_math.
    """
    known = _glyphs(findfont(FontProperties()))
    body = unicodedata.normalize("NFC", " ".join(text.split()))
    signs = [
        sign if ord(sign) in known and sign.isprintable() else f"U+{ord(sign):04X}" for sign in body
    ]
    shown = "".join(signs)
    return shown if len(shown) <= _MOST_LETTERS else f"{shown[: _MOST_LETTERS - 1]}\u2026"


def plain_labels(axes: Axes) -> None:
    """Takes the tick labels of both axes as they are: a word with dollar signs is no formula."""
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)


@cache
def _glyphs(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font).get_charmap())
