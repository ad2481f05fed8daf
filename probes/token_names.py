r"""What a token is called wherever people read it: by its own signs, and no two alike.

A tokenizer's `decode` drops the leading space of a single token, gives every part of a character
as the same replacement sign and nothing for rows of a padded vocabulary. A name is therefore made
from the token as its vocabulary spells it:

- a text as it is, its spaces as `SPACE`, what cannot be seen as \n, \r, \t or U+200B;
- a special token by its own name: </s>;
- bytes that are no whole character by themselves: <0xE4>, or <0xE4 0xB8>;
- a row without a text, as those beyond the tokenizer, by its number: <600>. The number also tells
  apart tokens whose texts are the same.

A text that could be taken for one of these has a sign of it written as its code, U+003E for the
last of "<600>". A name can therefore be read back (`text_of`), and no two rows have the same one,
even after Unicode's NFC.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

SPACE = "\u00b7"
"""Stands for a space in every name, and everywhere that names are shown. Of all signs that could,
this one is in every font that is used here, TeX's among them."""
# Signs that look like SPACE; itself is one.
_LIKE_SPACE = frozenset("\u00b7\u2027\u2219\u22c5\uff65")
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MEANT = {written: sign for sign, written in _ESCAPES.items()} | {SPACE: " "}
_HEX = frozenset("0123456789ABCDEF")
_NUMBER = re.compile(r"<[0-9]+>\Z")
_BYTES = re.compile(r"<0x[0-9A-F]{2}(?: 0x[0-9A-F]{2})*>")
_UNIT = re.compile(r"<[0-9]+>\Z|U\+[0-9A-F]{4,6}|\\[nrt]|.", re.DOTALL)
# A text of these alone is its own name, but for the spaces.
_PLAIN = re.compile(r"[ -=?-TV-\[\]-~]*")
_LIKE_CODE = re.compile(r"\\(?=[nrt])|U(?=\+[0-9A-F]{4})")
# Printable to Python, but nothing is to be seen: fillers, joiners, and variation selectors.
_UNSEEN = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159,
     *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)  # fmt: skip
_SENTENCEPIECE_SPACE = "\u2581"
_FALLBACK_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenNames:
    """The tokens of a vocabulary by name."""

    names: tuple[str, ...]
    """One for each row of the head, all of them different."""
    special: frozenset[int]
    """Tokens that steer the model and stand for no text."""
    byte_pieces: frozenset[int]
    """Tokens that are named by their bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spelling:
    """How a vocabulary spells its texts."""

    space_sign: bool
    byte_level: bool
    """Every byte of a text is a letter of an alphabet of 256."""
    byte_fallback: bool
    """<0xE4> is a byte, for what the vocabulary has no piece for."""


def token_names(tokenizer: Any, n_rows: int) -> TokenNames:
    """The names of the first `n_rows` tokens, which may be more than the tokenizer has.

    >>> found = token_names(vlm.tokenizer, 600)
    >>> found.names[:5], found.names[370], found.names[599]
    (('<pad>', '<s>', '</s>', '<image>', '!'), '·red', '<599>')
    """
    spelling = _spelling_of(tokenizer)
    added = tokenizer.added_tokens_decoder
    marked = {token for token, each in added.items() if each.special}
    special = frozenset(
        token for token in marked | set(tokenizer.all_special_ids) if token < n_rows
    )
    names: dict[str, None] = {}
    byte_pieces = set()
    for row, piece in enumerate(_pieces(tokenizer, n_rows)):
        literal = row in special or (row in added and spelling.byte_level)
        text = piece if literal else _text(piece, spelling)
        if isinstance(text, bytes):
            byte_pieces.add(row)
            name = f"<{' '.join(f'0x{each:02X}' for each in text)}>"
        else:
            name = written(text)
        if not name or name in names:
            name = f"{name}<{row}>"
        names[name] = None
    return TokenNames(names=tuple(names), special=special, byte_pieces=frozenset(byte_pieces))


def written(text: str) -> str:
    r"""A text as names show it.

    >>> written(" a\n")
    '·a\\n'
    >>> written("<600>")
    '<600U+003E'
    """
    if _PLAIN.fullmatch(text):
        return text.replace(" ", SPACE)
    if _needs_codes(text):
        return in_codes(text)
    unclear = {found.start() for found in _LIKE_CODE.finditer(text)}
    if _NUMBER.search(text) or _BYTES.fullmatch(text):
        unclear.add(len(text) - 1)
    parts: list[str] = []
    after_code = False
    for place, sign in enumerate(text):
        # A digit right after a code would be read as one of the code's.
        coded = place in unclear or not _is_seen(sign) or (after_code and sign in _HEX)
        short = SPACE if sign == " " else _ESCAPES.get(sign)
        parts.append(short or (code_point(sign) if coded else sign))
        after_code = coded and short is None
    return "".join(parts)


def in_codes(text: str) -> str:
    """A text by the codes of all its signs, spaces aside, for where some of them cannot be shown.

    >>> in_codes("é è")
    'U+00E9·U+00E8'
    """
    return "".join(SPACE if sign == " " else code_point(sign) for sign in text)


def code_point(sign: str) -> str:
    """A sign's code, as Unicode writes it.

    >>> code_point("a"), code_point("é")
    ('U+0061', 'U+00E9')
    """
    return f"U+{ord(sign):04X}"


def units(name: str) -> list[str]:
    """The parts of a name that must not be cut: signs, codes, and a number.

    >>> units("a·U+200B"), units("<0xE4 0xB8>"), units("red<600>")
    (['a', '·', 'U+200B'], ['<0xE4 0xB8>'], ['r', 'e', 'd', '<600>'])
    """
    return [name] if _BYTES.fullmatch(name) else _UNIT.findall(name)


def text_of(name: str) -> str | None:
    r"""The text that a name stands for, if it does; None for bytes that are no character.

    >>> text_of("·aU+200B")
    ' a\u200b'
    """
    name = _NUMBER.sub("", name)
    if _BYTES.fullmatch(name):
        try:
            return bytes(int(each, 16) for each in name[1:-1].split(" ")).decode()
        except UnicodeDecodeError:
            return None
    return "".join(map(_meant, units(name)))


def _meant(unit: str) -> str:
    if len(unit) > 1 and unit.startswith("U+"):
        return chr(int(unit[2:], 16))
    return _MEANT.get(unit, unit)


def _is_seen(sign: str) -> bool:
    return sign.isprintable() and ord(sign) not in _UNSEEN and sign not in _LIKE_SPACE


def _needs_codes(text: str) -> bool:
    """Whether it would look like another text, or change what stands before it: signs that Unicode
    holds for equal to others, and accents that have no letter to stand on."""
    if unicodedata.normalize("NFC", text) != text:
        return True
    stands = False
    for sign in text:
        if not stands and unicodedata.category(sign)[0] == "M" and ord(sign) not in _UNSEEN:
            return True
        stands = sign != " " and _is_seen(sign)
    return False


def _spelling_of(tokenizer: Any) -> _Spelling:
    """How a tokenizer spells texts, found by what it makes of pieces that are not alone."""

    def joined(*pieces: str) -> str | None:
        try:
            return tokenizer.convert_tokens_to_string(list(pieces))
        except (KeyError, ValueError, TypeError):  # a sign that is not in its alphabet
            return None

    return _Spelling(
        space_sign=joined("a", f"{_SENTENCEPIECE_SPACE}a") == "a a",
        byte_level=joined("a", "\u0120a") == "a a",
        byte_fallback=joined("<0x41>") == "A",
    )


def _pieces(tokenizer: Any, n_rows: int) -> Iterator[str]:
    """Each row as the vocabulary spells it; empty where there is none."""
    n_known = min(n_rows, 1 + max(tokenizer.get_vocab().values(), default=-1))
    known: Sequence[str | None] = tokenizer.convert_ids_to_tokens(list(range(n_known)))
    for piece in known:
        yield piece or ""
    for _ in range(n_rows - n_known):
        yield ""


def _text(piece: str, spelling: _Spelling) -> str | bytes:
    """What a piece stands for; bytes where they are no text."""
    if spelling.byte_level:
        alphabet = _byte_alphabet()
        if not all(sign in alphabet for sign in piece):
            return piece
        content = bytes(alphabet[sign] for sign in piece)
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content
    if spelling.byte_fallback and (found := _FALLBACK_BYTE.fullmatch(piece)):
        return bytes([int(found[1], 16)])
    return piece.replace(_SENTENCEPIECE_SPACE, " ") if spelling.space_sign else piece


@cache
def _byte_alphabet() -> dict[str, int]:
    """The letters by which byte-level vocabularies spell bytes (Radford et al. 2019, GPT-2): the
    bytes that Latin-1 shows stand for themselves, others for signs from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {
        chr(0x100 + place): byte for place, byte in enumerate(others)
    }
