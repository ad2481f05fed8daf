"""Escapes text for TeX, so that the PDF shows exactly this text and it can be copied from there.

A character that the paper's font (Times in T1 encoding, pdfTeX) cannot show is written as its code
point, such as U+4E2D; it is never dropped. The HTML page shows the character itself.
"""

import unicodedata

_COMMANDS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # T1 joins two of these into one sign: --, ,,, ?` and !`.
    "-": "-{}",
    ",": ",{}",
    "?": "?{}",
    "!": "!{}",
    # A bracket right after \\ or \item would be read as its option.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\u2212": r"\ensuremath{-}",
    "\u2264": r"\ensuremath{\leq}",
    "\u2265": r"\ensuremath{\geq}",
    "\u03bb": r"\ensuremath{\lambda}",
    "\u00a0": "~",
}
# Found by setting each and copying it from the PDF again; accents that T1 composes with a
# separate sign (the ogonek, most cedillas) come back as two characters and are left out.
_SHOWN = frozenset(
    # RUF001 warns of signs that look like others: here they are meant, each as itself.
    "¡¢£¤¥¦§©ª«¬®°±²³µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"  # noqa: RUF001
    "ĀāĂăĆćĈĉĊċČčĎĒēĔĕĖėĚěĜĝĞğĠġĤĥĨĪĬİıĴĹĺŁłŃńŇňŌōŎŏŐőŒœŔŕŘřŚśŜŝŞşŠšŢţŤŨũŪūŬŭŮůŰűŴŵŶŷŸŹźŻżŽž"
    # RUF001: as above, each sign is meant as itself.
    "–—‘’‚“”„†‡•‰‹›⁄™"  # noqa: RUF001
)


def tex(text: str) -> str:
    """`text` as TeX. Any white space becomes a plain space, as it would in TeX."""
    return "".join(map(_one, " ".join(unicodedata.normalize("NFC", text).split(" "))))


def code_point(character: str) -> str:
    """The name, such as U+4E2D, that is printed for a character that the font cannot show."""
    return f"U+{ord(character):04X}"


def _one(character: str) -> str:
    if character in _COMMANDS:
        return _COMMANDS[character]
    if character in _SHOWN or (character.isascii() and character.isprintable()):
        return character
    if character in "\t\n\r\v\f":
        return " "
    return rf"\codepoint{{{ord(character):04X}}}"
