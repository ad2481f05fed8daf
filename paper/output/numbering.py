"""Numbers of sections, figures and tables in reading order, as LaTeX counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_prep.errors import UserError
from paper.prose.parse import Command, Node, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A node of the text and the run that the text around it is about."""

    node: Node
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """The numbers of all sections, figures and tables, and the works cited."""

    labels: Mapping[str, str]
    of_heading: Mapping[int, str]
    """Number of each heading, keyed by `id()` of the heading's node."""
    headings: Sequence[tuple[str, Placed]]
    """Each heading as its number and its node, in reading order."""
    cited: Sequence[str]
    """Keys of the cited works, each once, in order of their first citation."""

    def number(self, label: str) -> str:
        """The number that belongs to a label. UserError if nothing has this label."""
        if label not in self.labels:
            raise UserError(f"the text refers to {label}, which is defined nowhere: correct it")
        return self.labels[label]

    @classmethod
    def of(cls, placed: Sequence[Placed]) -> "Numbering":
        """Number the headings, figures and tables of the text, which is given in reading order."""
        counts = {"figure": 0, "table": 0, "section": 0, "subsection": 0}
        labels: dict[str, str] = {}
        of_heading: dict[int, str] = {}
        headings: list[tuple[str, Placed]] = []
        appendix, current = False, ""
        for each in placed:
            node = each.node
            if not isinstance(node, Command):
                continue
            if node.name == "appendix":
                appendix = True
                counts["section"] = 0
            elif node.name in ("section", "subsection"):
                counts[node.name] += 1
                if node.name == "section":
                    counts["subsection"] = 0
                current = _section(counts, appendix, node.name)
                of_heading[id(node)] = current
                headings.append((current, each))
            elif node.name in ("placefigure", "placetable"):
                kind = node.name.removeprefix("place")
                counts[kind] += 1
                labels[f"{kind[:3]}:{each.run}:{node.key}"] = str(counts[kind])
            elif node.name == "label":
                labels[node.key.replace(r"\run", each.run)] = current
        return cls(labels=labels, of_heading=of_heading, headings=headings, cited=_cited(placed))


def _section(counts: Mapping[str, int], appendix: bool, name: str) -> str:
    number = chr(ord("A") + counts["section"] - 1) if appendix else str(counts["section"])
    return number if name == "section" else f"{number}.{counts['subsection']}"


def _cited(placed: Sequence[Placed]) -> list[str]:
    keys = [
        key.strip()
        for node in walk([each.node for each in placed])
        if isinstance(node, Command) and node.name in ("citep", "citet")
        for key in node.key.split(",")
    ]
    return list(dict.fromkeys(keys))
