"""Finds the script that a token is written in, by the Unicode names of its letters.

A script is not a language: hundreds of languages use Latin letters, and both Chinese and Japanese
use Han characters. Only a script that a single language uses tells the language.
"""

import unicodedata
from collections import Counter

from probes.token_names import text_of

ONE_LANGUAGE = {
    "Hangul": "Korean",
    "Hiragana": "Japanese",
    "Katakana": "Japanese",
    "Thai": "Thai",
    "Lao": "Lao",
    "Khmer": "Khmer",
    "Armenian": "Armenian",
    "Georgian": "Georgian",
}
"""Scripts that, today, hardly more than one language uses, with that language. Greek is not among
them, since formulas use its letters too."""
NO_LETTERS, SPECIAL, BYTES = "no letters", "special token", "part of a character"
MIXED, OTHER = "mixed", "other letters"
# First words of names which say how a letter looks, and not of which script it is.
_LOOKS = {"FULLWIDTH", "HALFWIDTH", "SMALL", "MODIFIER", "SUBSCRIPT", "SUPERSCRIPT"}
# Letters that are signs: of mathematics, of units.
_SIGNS = {"MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "FEMININE", "MASCULINE",
          "MICRO", "ANGSTROM", "KELVIN", "OHM", "LETTER"}  # fmt: skip
_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "KANGXI": "Han", "KATAKANA-HIRAGANA": "Katakana"}


def script_of(name: str, *, special: bool = False) -> str:
    """The script of most of a token's letters, by the token's name; "mixed" if two scripts have as
    many.

    Other results stand for tokens without letters (digits, punctuation, space), for special tokens,
    which stand for no text, and for bytes that are no whole character.
    """
    if special:
        return SPECIAL
    text = text_of(name)
    if text is None:
        return BYTES
    found = Counter(_letter(sign) for sign in text if unicodedata.category(sign)[0] == "L")
    if not found:
        return NO_LETTERS
    (first, most), *rest = found.most_common()
    return MIXED if rest and rest[0][1] == most else first


def _letter(sign: str) -> str:
    words = [word for word in unicodedata.name(sign, "").split() if word not in _LOOKS]
    if not words or words[0] in _SIGNS:
        return OTHER
    return _NAMES.get(words[0], words[0].capitalize())
