"""Tokens as people read them, in figures and in a terminal. See `probes.token_names` for how they
are named.

The names may come from a file that others wrote, so it is never assumed that they are harmless.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.text import Text

from analysis.drawing.glyphs import cut, families, with_glyphs
from probes.token_names import SPACE, code_point, in_codes, text_of, units

_MOST_LETTERS = 9
# Beside an axis there is more room than in a cell: for a space and three signs by their codes.
_MOST_BESIDE = 19
_STEP = 4
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _END = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLabel:
    """How a figure shows a token: its text, and the fonts to draw it in."""

    text: str
    families: list[str]
    """The names of the fonts that have all signs of the text."""

    def put(self, text: Text) -> None:
        """Puts the label into the figure's element `text`, as plain text: dollar signs start no
        formula."""
        text.set_text(self.text)
        text.set_fontfamily(self.families)
        text.set_parse_math(False)


def token_labels(names: Sequence[str], most: int = _MOST_BESIDE) -> list[TokenLabel]:
    """Labels of different tokens that stand in one figure: long ones are cut, but never so that two
    are the same."""
    labels = [_label(name) for name in names]
    texts = _cut_apart([label.text for label in labels], most)
    return [
        TokenLabel(text=text, families=label.families)
        for text, label in zip(texts, labels, strict=True)
    ]


def shown(text: str, *, space: bool = False) -> str:
    """A caption in glyphs of the current font only. With `space` it is the name of a single token,
    whose leading space is made visible.

    Draw it with parse_math=False: it may hold dollar signs.
    """
    if not space:
        return with_glyphs(text)
    name = _safe(text)
    return cut(name if with_glyphs(name) == name else _coded(name), _MOST_LETTERS)


def printed_token(name: str) -> str:
    """The name in quotes. Characters that would control a terminal are written out, and letters
    that run from right to left are kept from reversing the text beside them."""
    quoted = f"'{_safe(name)}'"
    if any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in quoted):
        return f"{_ISOLATE}{quoted}{_END}"
    return quoted


def _label(name: str) -> TokenLabel:
    """The label in fonts that have all its signs, or in code points if there are no such fonts."""
    name = _safe(name)
    found = families(name)
    if found is None:
        name = _coded(name)
        found = families(name)
    return TokenLabel(text=name, families=found or ["sans-serif"])


def _coded(name: str) -> str:
    """The name with all signs as code points, except for the number that tells it from tokens with
    the same text."""
    last = units(name)[-1]
    number = last if len(last) > 1 and last.startswith("<") else ""
    return in_codes(text_of(name) or "") + number


def _safe(name: str) -> str:
    """The name with every character that cannot be printed written out."""
    if name.startswith(" "):
        name = SPACE + name[1:]
    return "".join(sign if sign.isprintable() else code_point(sign) for sign in name)


def _cut_apart(texts: list[str], most: int) -> list[str]:
    found = [cut(text, most) for text in texts]
    counts = Counter(found)
    again = [place for place, text in enumerate(found) if counts[text] > 1 and text != texts[place]]
    if again:
        longer = _cut_apart([texts[place] for place in again], most + _STEP)
        for place, text in zip(again, longer, strict=True):
            found[place] = text
    return found
