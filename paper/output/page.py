"""Writes report.html: the whole paper as one file that needs no other file and no network.

It is made from the same parsed tree that the checks read, so it says the same as the PDF. All text
is escaped, and what would turn the text around it, or is no text, is written out. The page holds no
script, and its own content policy forbids scripts and requests.
"""

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from data_prep.terminal.visible import visible
from paper.evidence.values import ALL, Values
from paper.output.floats import Figure, Table
from paper.output.formulas import formula_html
from paper.output.numbering import Numbering, Placed
from paper.prose.citations import Work
from paper.prose.parse import Break, Command, Environment, Math, Node, Text

_TAGS = {"emph": "em", "textbf": "strong", "texttt": "code"}
# Larger than in print: pages are read from further away.
_PIXELS_PER_INCH = 135
_KINDS = {"svg": "image/svg+xml", "png": "image/png"}
_ALIGNED = {"l": "l", "r": "r", "c": "c", "w": "l w"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The values, figures, tables and cited works that the text refers to."""

    values: Values
    figures: Mapping[str, tuple[Figure, Mapping[str, bytes]]]
    """Figures by run and name, such as "a-effect": each figure and its file contents by file
    ending."""
    tables: Mapping[str, Table]
    works: Mapping[str, Work]


def page(placed: Sequence[Placed], title: str, author: str, material: Material) -> bytes:
    """The page as HTML bytes. `placed` is the text in reading order, each node with its run."""
    numbering = Numbering.of(placed)
    writer = _Writer(material, numbering)
    body = "".join(writer.blocks(placed))
    style = files("paper.output").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="author">{escape(author)}</p>\n'
        f"{body}</body>\n</html>\n"
    ).encode()


class _Writer:
    def __init__(self, material: Material, numbering: Numbering) -> None:
        self._material, self._numbering = material, numbering
        self._run = ALL

    def blocks(self, placed: Sequence[Placed]) -> Iterator[str]:
        """HTML of the paragraphs and of the blocks between them, such as headings, figures and
        tables."""
        line: list[str] = []
        for each in placed:
            node, self._run = each.node, each.run
            if isinstance(node, Break):
                yield from self._flushed(line)
            elif (block := self._block(node, each)) is not None:
                yield from self._flushed(line)
                yield block
            elif isinstance(node, Command) and node.name == "paragraph":
                yield from self._flushed(line)
                line.append(f"<strong>{self._inline(node.prose)}</strong> ")
            else:
                line.append(self._inline([node]))
        yield from self._flushed(line)

    def _flushed(self, line: list[str]) -> Iterator[str]:
        text = "".join(line).strip()
        line.clear()
        if text:
            yield f"<p>{text}</p>\n"

    def _block(self, node: Node, each: Placed) -> str | None:
        if isinstance(node, Math) and node.display:
            return f'<div class="display">{formula_html(node.text)}</div>\n'
        if isinstance(node, Environment):
            inner = [Placed(node=one, run=self._run) for one in node.body]
            if node.name == "abstract":
                return f'<div class="abstract">{"".join(self.blocks(inner))}</div>\n{self._nav()}'
            tag = "ol" if node.name == "enumerate" else "ul"
            return f"<{tag}>\n{''.join(self._items(node.body))}</{tag}>\n"
        if not isinstance(node, Command):
            return None
        match node.name:
            case "section" | "subsection":
                tag = "h2" if node.name == "section" else "h3"
                number = self._numbering.of_heading[id(each.node)]
                name = f"{number} {self._inline(node.prose)}"
                return f'<{tag} id="s-{number}">{name}</{tag}>\n'
            case "placefigure":
                return self._figure(f"{self._run}-{node.key}")
            case "placetable":
                return self._table(f"{self._run}-{node.key}")
            case "bibliography":
                return self._bibliography()
            case _:
                return None

    def _items(self, body: Sequence[Node]) -> Iterator[str]:
        parts: list[list[Node]] = []
        for node in body:
            if isinstance(node, Command) and node.name == "item":
                parts.append([])
            elif parts:
                parts[-1].append(node)
        for part in parts:
            yield f"<li>{self._inline(part).strip()}</li>\n"

    def _inline(self, nodes: Sequence[Node]) -> str:
        return "".join(map(self._one, nodes))

    def _one(self, node: Node) -> str:
        if isinstance(node, Text):
            return escape(node.text)
        if isinstance(node, Math):
            return formula_html(node.text)
        if isinstance(node, Break):
            return " "
        if isinstance(node, Environment):
            return ""
        if node.name in _TAGS:
            tag = _TAGS[node.name]
            return f"<{tag}>{self._inline(node.prose)}</{tag}>"
        match node.name:
            case "val":
                text = self._material.values.text(self._run, node.key, "the page")
                return f'<span class="val" title="{escape(node.key)}">{escape(text)}</span>'
            case "figref" | "tabref":
                kind, word = ("fig", "Figure") if node.name == "figref" else ("tab", "Table")
                label = f"{kind}:{self._run}:{node.key}"
                return f'<a href="#{_anchor(label)}">{word} {self._numbering.number(label)}</a>'
            case "secref":
                number = self._numbering.number(f"sec:{node.key}")
                return f'<a href="#s-{number}">Section {number}</a>'
            case "citep" | "citet":
                return self._cited(node)
            case "section" | "subsection":
                return self._inline(node.prose)
            case "ldots":
                return "…"
            case _:
                return ""

    def _cited(self, node: Command) -> str:
        works = [self._material.works[key.strip()] for key in node.key.split(",")]
        if node.name == "citet":
            return " and ".join(
                f'<a href="#ref-{escape(w.key)}">{escape(w.short)} ({w.year})</a>' for w in works
            )
        each = "; ".join(
            f'<a href="#ref-{escape(w.key)}">{escape(w.short)}, {w.year}</a>' for w in works
        )
        return f"({each})"

    def _figure(self, key: str) -> str:
        figure, content = self._material.figures[key]
        ending = next(kind for kind in _KINDS if kind in content)
        data = base64.b64encode(content[ending]).decode()
        width = round(figure.size[0] * _PIXELS_PER_INCH)
        label = f"fig:{key.replace('-', ':', 1)}"
        return (
            f'<figure id="{_anchor(label)}"><img alt="{escape(figure.title)}" width="{width}" '
            f'src="data:{_KINDS[ending]};base64,{data}">\n<figcaption><strong>Figure '
            f"{self._numbering.number(label)}:</strong> {escape(figure.caption)}</figcaption>"
            "</figure>\n"
        )

    def _table(self, key: str) -> str:
        table = self._material.tables[key]
        label = f"tab:{key.replace('-', ':', 1)}"
        sides = [_ALIGNED[side] for side in _sides(table.align)]
        names = zip(table.frame.columns, sides, strict=True)
        head = "".join(f'<th class="{side}">{escape(str(name))}</th>' for name, side in names)
        grouped = (table.frame.iloc[:, 0] == "").any()
        rows = []
        for row in table.frame.itertuples(index=False):
            cells = "".join(
                f'<td class="{side}">{escape(str(cell))}</td>'
                for cell, side in zip(row, sides, strict=True)
            )
            begins = ' class="g"' if grouped and row[0] else ""
            rows.append(f"<tr{begins}>{cells}</tr>\n")
        return (
            f'<figure id="{_anchor(label)}"><figcaption><strong>Table '
            f"{self._numbering.number(label)}:</strong> {escape(table.caption)}</figcaption>\n"
            f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{"".join(rows)}'
            "</tbody>\n</table></div></figure>\n"
        )

    def _nav(self) -> str:
        links: list[str] = []
        own = self._run
        for number, heading in self._numbering.headings:
            depth, self._run = number.count(".") + 1, heading.run
            name = self._inline([heading.node])
            links.append(f'<a class="depth{depth}" href="#s-{number}">{number} {name}</a>\n')
        self._run = own
        return f"<nav>\n{''.join(links)}</nav>\n"

    def _bibliography(self) -> str:
        cited = [self._material.works[key] for key in self._numbering.cited]
        cited.sort(key=lambda work: (work.authors[0].lower(), work.year, work.key))
        return f'<h2>References</h2>\n<div class="refs">\n{"".join(map(_entry, cited))}</div>\n'


def _entry(work: Work) -> str:
    venue = f" {escape(work.venue)}," if work.venue else ""
    link = ""
    if work.url.startswith("https://"):
        link = f' <a href="{escape(work.url)}" rel="noreferrer">{escape(work.url)}</a>'
    authors = "; ".join(work.authors)
    return (
        f'<p id="ref-{escape(work.key)}">{escape(authors)}. <em>{escape(work.title)}</em>.'
        f"{venue} {escape(work.year)}.{link}</p>\n"
    )


def escape(text: str) -> str:
    """The text as HTML shows it."""
    return html.escape(visible(text))


def _sides(align: str) -> Iterator[str]:
    """One letter per column of the table; "w" is a column whose text wraps."""
    inside = False
    for sign in align:
        if sign in "()":
            inside = sign == "("
            if inside:
                yield "w"
        elif not inside:
            yield sign


def _anchor(label: str) -> str:
    return escape(label.replace(":", "-"))
