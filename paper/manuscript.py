"""The text of a paper: its files, the values, figures and tables they name, and their order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from data_prep.errors import UserError
from paper.evidence.record import Record, RunRecord
from paper.evidence.values import ALL
from paper.output.numbering import Placed
from paper.prose.parse import Command, Node, parse
from paper.prose.rules import keys, require_known, require_no_number
from paper.sections import Section

_MAIN = "paper.tex"
_HEADINGS = {"comparison": "The runs compared", "pooling": "Several models"}
"""Headings of the parts that are filled from all runs together, by the `about` of their
sections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """All pieces of text by their file name in the LaTeX project, both as written and as parsed
    trees."""

    texts: Mapping[str, str]
    trees: Mapping[str, tuple[Node, ...]]
    generated: Mapping[str, str] = field(default_factory=dict)
    """Generated files by name, which only include other files. They contain no prose and are not
    checked for digits."""

    def placed(self) -> list[Placed]:
        """All nodes of the text in reading order."""
        return list(_Reader(self.trees).read(_MAIN))

    def place(self, key: str) -> str:
        """LaTeX's placement letters for the figure or table `key`: "!htbp" in the appendix, so that
        it stays where the text mentions it, and "tbp" elsewhere."""
        shown_in = [
            name
            for name, tree in self.trees.items()
            if key in [f"{_run_of(name)}-{one}" for command in ("placefigure", "placetable")
                       for one in keys(tree, command)]
        ]  # fmt: skip
        generated = self.generated["text/appendix.tex"]
        appended = any(f"{{{name.removesuffix('.tex')}}}" in generated for name in shown_in)
        return "!htbp" if appended else "tbp"

    def keys_of_all(self) -> list[str]:
        """Keys of the values that the text about all runs uses."""
        return [
            key for name in self.trees if not _of_run(name) for key in keys(self.trees[name], "val")
        ]

    def require_known(
        self,
        works: Mapping[str, object],
        figures: Mapping[str, object],
        tables: Mapping[str, object],
    ) -> None:
        """Raise UserError if the text names a work, figure or table that does not exist."""
        for name, tree in self.trees.items():
            run = _run_of(name)
            for command in ("citep", "citet"):
                require_known(keys(tree, command), works, "work", name)
            for command in ("placefigure", "figref"):
                named = [f"{run}-{key}" for key in keys(tree, command)]
                require_known(named, figures, "figure", name)
            for command in ("placetable", "tabref"):
                named = [f"{run}-{key}" for key in keys(tree, command)]
                require_known(named, tables, "table", name)


def manuscript(
    sections: Sequence[tuple[Section, Record, str]], records: Sequence[RunRecord]
) -> Manuscript:
    """Put together the fixed text of the paper and the text of the sections. UserError if a number
    is typed in the text.

    `sections` holds each section with its record and its text, in the order of the paper.
    """
    texts = {_MAIN: _source(_MAIN)}
    texts |= {
        f"text/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(files("paper").joinpath("text").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".tex")
    }
    texts |= {_file(section, record): text for section, record, text in sections}
    generated = {
        "text/shown.tex": _shown_with_methods(sections),
        "text/results.tex": _results(sections, records),
        "text/appendix.tex": _appendix(sections),
    }
    trees = {}
    for name, text in texts.items():
        # The numbers of the preamble are measures of the page.
        trees[name] = parse(_body(text) if name == _MAIN else text, name)
        require_no_number(trees[name], name)
    trees |= {name: parse(text, name) for name, text in generated.items()}
    return Manuscript(texts=texts, trees=trees, generated=generated)


def title_and_author() -> tuple[str, str]:
    """Title and author as given in paper.tex."""
    found = []
    for command in ("title", "author"):
        _, _, rest = _source(_MAIN).partition(f"\\{command}{{")
        found.append(rest.partition("}")[0])
    return found[0], found[1]


class _Reader:
    def __init__(self, trees: Mapping[str, tuple[Node, ...]]) -> None:
        self._trees, self._run = trees, ALL

    def read(self, name: str) -> Iterator[Placed]:
        if name not in self._trees:
            raise UserError(f"the text reads {name}, which there is not: correct the \\input")
        for node in self._trees[name]:
            if isinstance(node, Command) and node.name == "input":
                yield from self.read(f"{node.key}.tex")
            elif isinstance(node, Command) and node.name == "onrun":
                self._run = node.key
            else:
                yield Placed(node=node, run=self._run)


def _source(name: str) -> str:
    return files("paper").joinpath(name).read_text(encoding="utf-8")


def _body(text: str) -> str:
    """The text between the begin and end of the document, padded by empty lines so that line
    numbers match the file."""
    before, begin, rest = text.partition("\\begin{document}")
    body, end, _ = rest.partition("\\end{document}")
    if not begin or not end:
        raise UserError("paper.tex has no document: restore it")
    return "\n" * before.count("\n") + body


def _file(section: Section, record: Record) -> str:
    return f"sections/{record.key}-{section.name}.tex"


def _of_run(name: str) -> bool:
    return name.startswith("sections/")


def _run_of(name: str) -> str:
    return name.removeprefix("sections/").partition("-")[0] if _of_run(name) else ALL


def _results(sections: Sequence[tuple[Section, Record, str]], records: Sequence[RunRecord]) -> str:
    lines = ["% Made by paper.build from the sections that the runs fill."]
    for record in records:
        about = r": \val{model-name}" if len(records) > 1 else ""
        lines.append(rf"\onrun{{{record.key}}}")
        lines.append(rf"\section{{Results{about}}}\label{{sec:{record.key}:results}}")
        lines += _inputs(sections, "results", record)
    joint = {section.about: record for section, record, _ in sections}
    for about, heading in _HEADINGS.items():
        if about in joint:
            record = joint[about]
            lines.append(rf"\onrun{{{record.key}}}")
            lines.append(rf"\section{{{heading}}}\label{{sec:{record.key}:results}}")
            lines += _inputs(sections, "results", record)
    return "\n".join([*lines, rf"\onrun{{{ALL}}}", ""])


def _shown_with_methods(sections: Sequence[tuple[Section, Record, str]]) -> str:
    """The content of the file that includes the runs' sections of the methods, each section
    once."""
    lines = ["% Made by paper.build from the sections that the runs fill."]
    for key in dict.fromkeys(record.key for section, record, _ in sections
                             if section.part == "methods"):  # fmt: skip
        own = [each for each in sections if each[1].key == key]
        lines += [rf"\onrun{{{key}}}", *_inputs(own, "methods", own[0][1])]
    return "\n".join([*lines, rf"\onrun{{{ALL}}}", ""])


def _appendix(sections: Sequence[tuple[Section, Record, str]]) -> str:
    lines = ["% Made by paper.build from the sections that the runs fill."]
    held = list(dict.fromkeys(record.key for _, record, _ in sections))
    for key in held:
        own = [each for each in sections if each[1].key == key]
        lines.append(rf"\onrun{{{key}}}")
        lines += _inputs(own, "appendix", own[0][1])
    return "\n".join([*lines, rf"\onrun{{{ALL}}}", ""])


def _inputs(
    sections: Sequence[tuple[Section, Record, str]], part: str, record: Record
) -> list[str]:
    return [
        rf"\input{{{_file(section, one).removesuffix('.tex')}}}"
        for section, one, _ in sections
        if section.part == part and one.key == record.key
    ]
