"""Checks of the written text: no number is typed by hand, and every key and reference is known.

A typed number would not change when the results change. So digits are refused, and number words
from three on; the text asks for a number with `\\val` instead. Formulas may hold 0, 1 and 2, which
define something (the half, the binary logarithm) and report no result.
"""

import re
from collections.abc import Iterable, Sequence

from data_prep.errors import UserError
from paper.prose.parse import Command, Math, Node, Text, walk

ALLOWED = frozenset({"GPT-2", "LLaVA-1.5", "Qwen2-VL", "CLEVR-v1.0", "Python-3", "SHA-256"})
"""Names that may be written although they hold a digit. Years of citations come from refs.bib and
section numbers from TeX."""
_WORD = re.compile(
    r"[^\s()\[\],;:\u2014\u201c\u201d\u2018\u2019]*\d[^\s()\[\],;:\u2014\u201c\u201d\u2018\u2019]*"
)
_NUMBER_WORD = re.compile(
    r"\b(three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|"
    r"hundreds?|thousands?|millions?|billions?)\b",
    re.IGNORECASE,
)
_FORMULA_NUMBER = re.compile(r"[\d.]*\d[\d.]*")


def require_no_number(nodes: Sequence[Node], file: str) -> None:
    """Raise UserError, with the line, for the first number that is typed in the text."""
    for node in walk(nodes):
        if isinstance(node, Text):
            typed = [word for word in _WORD.findall(node.text) if word.rstrip(".") not in ALLOWED]
            typed += _NUMBER_WORD.findall(node.text)
        elif isinstance(node, Math):
            typed = [n for n in _FORMULA_NUMBER.findall(node.text) if n not in ("0", "1", "2")]
        else:
            continue
        if typed:
            raise UserError(
                f"{file}, line {node.line}: the number {typed[0]!r} is typed by hand and would "
                "stay when results change: ask for it with \\val{key}, or, if it is part of a "
                "name, add that to ALLOWED in paper/prose/rules.py"
            )


def keys(nodes: Sequence[Node], command: str) -> list[str]:
    """The keys given to the command `command`, in reading order. A citation of several works counts
    as several keys."""
    found: list[str] = []
    for node in walk(nodes):
        if isinstance(node, Command) and node.name == command:
            found += [part.strip() for part in node.key.split(",")]
    return found


def require_known(used: Iterable[str], known: Iterable[str], what: str, file: str) -> None:
    """Raise UserError that names the first key of `used` that is not in `known`."""
    held = set(known)
    for key in used:
        if key not in held:
            raise UserError(f"{file} names the {what} {key!r}, which there is not: correct it")
