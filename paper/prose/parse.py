"""Parses the part of TeX in which the paper is written into a tree.

The language is small on purpose: anything not listed here is refused with its line number. So the
checks (no digits, every key known) and the HTML page see all of the text in the same way.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from data_prep.errors import UserError

COMMANDS = {
    # Name: whether its arguments are prose (True) or a key (False).
    "section": (True,), "subsection": (True,), "paragraph": (True,), "title": (True,),
    "author": (True,), "emph": (True,), "textbf": (True,), "texttt": (True,),
    "val": (False,), "label": (False,), "secref": (False,), "figref": (False,),
    "tabref": (False,), "placefigure": (False,), "placetable": (False,), "citep": (False,),
    "citet": (False,), "input": (False,), "onrun": (False,), "bibliography": (False,),
    "bibliographystyle": (False,), "maketitle": (), "appendix": (), "clearpage": (), "item": (),
    "ldots": (),
}  # fmt: skip
ENVIRONMENTS = ("document", "abstract", "itemize", "enumerate", "equation")
_SIGNS = {"~": "\u00a0", "---": "\u2014", "--": "\u2013", "``": "\u201c", "''": "\u201d",
          "'": "\u2019", "`": "\u2018"}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<comment>%[^\n]*\n?)|(?P<blank>\n[ \t]*\n\s*)|(?P<command>\\[a-zA-Z]+\*?)"
    r"|(?P<escaped>\\[%&#_{}$ ,])|(?P<math>\$[^$]+\$)|(?P<brace>[{}])"
    r"|(?P<sign>---|--|``|''|~|'|`)|(?P<text>[^\\%\n{}$~'`-]+|\n|-)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain characters."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Math:
    """A formula, kept as TeX."""

    text: str
    line: int
    display: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The end of a paragraph."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command with its argument, which is either prose (as nodes) or a key."""

    name: str
    line: int
    key: str = ""
    prose: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment: the nodes between its begin and its end."""

    name: str
    line: int
    body: "tuple[Node, ...]"


Node: TypeAlias = Text | Math | Break | Command | Environment


def parse(text: str, file: str) -> tuple[Node, ...]:
    """The tree of a text. UserError with file and line for TeX that this parser does not
    support."""
    parser = _Parser(text, file)
    nodes = parser.nodes(closing=None)
    return tuple(nodes)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """All nodes in reading order, including those inside of commands and environments."""
    for node in nodes:
        yield node
        if isinstance(node, Command):
            yield from walk(node.prose)
        elif isinstance(node, Environment):
            yield from walk(node.body)


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self._text, self._file, self._place = text, file, 0

    def nodes(self, closing: str | None) -> list[Node]:
        """Parse up to `closing` (a "}" or the end of the environment with that name), or to the end
        of the text if it is None."""
        found: list[Node] = []
        opened_at = self._line()
        while token := _TOKEN.match(self._text, self._place):
            line = self._line()
            self._place = token.end()
            kind, word = token.lastgroup, token.group()
            if closing == "}" and word == "}":
                return found
            if kind == "command":
                if word == r"\end":
                    self._require_end(closing, line)
                    return found
                found.append(self._command(word[1:], line))
            elif kind == "blank":
                found.append(Break(line=line))
            elif kind == "math":
                found.append(Math(text=word[1:-1], line=line))
            elif kind in ("escaped", "sign", "text"):
                _add_text(found, Text(text=_read(word, kind), line=line))
            elif kind != "comment":
                raise self._refused(f"{word!r} has no meaning here", line)
        if closing is not None:
            raise self._refused(f"no end of {closing!r} that was opened", opened_at)
        return found

    def _command(self, name: str, line: int) -> Node:
        if name == "begin":
            return self._environment(line)
        if name not in COMMANDS:
            raise self._refused(f"unknown command \\{name}: see paper/prose/parse.py", line)
        arguments = COMMANDS[name]
        if not arguments:
            return Command(name=name, line=line)
        if arguments[0]:
            if not self._text.startswith("{", self._place):
                raise self._refused(f"\\{name} needs an argument in braces", line)
            self._place += 1
            return Command(name=name, line=line, prose=tuple(self.nodes(closing="}")))
        return Command(name=name, line=line, key=self._key(name, line))

    def _environment(self, line: int) -> Node:
        name = self._key("begin", line)
        if name not in ENVIRONMENTS:
            raise self._refused(f"unknown environment {name}", line)
        if name == "equation":
            end = self._text.find(r"\end{equation}", self._place)
            if end < 0:
                raise self._refused("no end of the equation", line)
            formula = self._text[self._place : end].strip()
            self._place = end + len(r"\end{equation}")
            return Math(text=formula, line=line, display=True)
        return Environment(name=name, line=line, body=tuple(self.nodes(closing=name)))

    def _key(self, name: str, line: int) -> str:
        match = re.compile(r"\{([^{}]*)\}").match(self._text, self._place)
        if match is None:
            raise self._refused(f"\\{name} needs a key in braces", line)
        self._place = match.end()
        return match[1]

    def _require_end(self, closing: str | None, line: int) -> None:
        name = self._key("end", line)
        if name != closing:
            raise self._refused(f"\\end{{{name}}} closes nothing", line)

    def _line(self) -> int:
        return self._text.count("\n", 0, self._place) + 1

    def _refused(self, what: str, line: int) -> UserError:
        return UserError(f"{self._file}, line {line}: {what}")


def _add_text(found: list[Node], text: Text) -> None:
    """Append `text` to `found`. It is merged with a text node before it on the same line, so that a
    name such as GPT-2 stays one word."""
    last = found[-1] if found else None
    if isinstance(last, Text) and last.line == text.line:
        found[-1] = Text(text=last.text + text.text, line=text.line)
    else:
        found.append(text)


def _read(word: str, kind: str) -> str:
    if kind == "escaped":
        return "\u00a0" if word[1] in " ," else word[1]
    return _SIGNS[word] if kind == "sign" else word.replace("\n", " ")
