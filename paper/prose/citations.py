"""Reads refs.bib for the HTML page; the PDF's list of works is made by BibTeX itself.

Supported is what our own file uses: entries in braces, fields on one line or several, and authors
joined by "and" as "Last, First" or "First Last".
"""

import re
from dataclasses import dataclass

from data_prep.errors import UserError

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^,\s]+)\s*,(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(\w+)\s*=\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_ACCENTS = {'\\"o': "ö", '\\"u': "ü", '\\"a': "ä", "\\'e": "é", "\\`e": "è", "\\'a": "á"}
_VENUES = ("journal", "booktitle", "publisher", "howpublished", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One cited work."""

    key: str
    authors: tuple[str, ...]
    year: str
    title: str
    venue: str
    url: str

    @property
    def short(self) -> str:
        """The authors as they are named in running text."""
        names = [author.split(",")[0].strip() for author in self.authors]
        if len(names) > 2:
            return f"{names[0]} et al."
        return " and ".join(names)


def read_works(text: str, file: str) -> dict[str, Work]:
    """All works of a BibTeX file by their keys."""
    works = {}
    for _, key, body in _ENTRY.findall(text):
        fields = {name.lower(): _plain(value) for name, value in _FIELD.findall(body)}
        try:
            works[key] = Work(
                key=key,
                authors=tuple(re.split(r"\s+and\s+", fields["author"])),
                year=fields["year"],
                title=fields["title"],
                venue=", ".join(fields[name] for name in _VENUES if name in fields),
                url=fields.get("url", ""),
            )
        except KeyError as error:
            raise UserError(f"{file}: {key} has no {error.args[0]}: add it") from error
    return works


def _plain(value: str) -> str:
    for accent, letter in _ACCENTS.items():
        value = value.replace(f"{{{accent}}}", letter).replace(accent, letter)
    return " ".join(re.sub(r"[{}]", "", value).replace("--", "\u2013").replace("\\&", "&").split())
