"""The few formulas of the text as HTML: letters in italics, indices raised and lowered."""

import re
from html import escape

from data_prep.errors import UserError

_SIGNS = {
    "lambda": "λ", "theta": "θ", "delta": "δ", "geq": "≥", "leq": "≤", "min": "min", "max": "max",
    "log": "log", "exp": "exp", "in": "∈", "sum": "∑", "cdot": "·", "quad": "\u2003",
    ",": "\u2009", "pi": "π", "propto": "∝", "mid": "|",
}  # fmt: skip
_TOKEN = re.compile(r"\\([a-zA-Z]+|[,{}])|([_^{}])|([a-zA-Z])|(\s+)|(.)", re.DOTALL)
_UPRIGHT = ("min", "max", "log", "exp", "propto", "mid", "geq", "leq", "in", "sum", "cdot",
            "quad", ",")  # fmt: skip


def formula_html(formula: str) -> str:
    """A formula as inline HTML; UserError for a command that is not listed here."""
    return _Formula(formula).group(end=len(formula))


class _Formula:
    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def group(self, end: int | None = None) -> str:
        """HTML of the formula up to the closing brace, or up to the end of the formula."""
        parts: list[str] = []
        while self._place < len(self._text):
            if end is None and self._text[self._place] == "}":
                self._place += 1
                break
            parts.append(self._next())
        return "".join(parts)

    def _next(self) -> str:
        token = _TOKEN.match(self._text, self._place)
        if token is None:
            return ""
        self._place = token.end()
        command, brace, letter, space, other = token.groups()
        if command:
            return self._command(command)
        if brace:
            return self._braces(brace)
        if letter:
            return f"<i>{letter}</i>"
        if space:
            return ""
        return {"=": " = ", "-": "\u2212", ":": " : ", ",": ", "}.get(other, escape(other))

    def _braces(self, brace: str) -> str:
        if brace == "{":
            return self.group()
        tag = {"_": "sub", "^": "sup"}.get(brace)
        return f"<{tag}>{self._next()}</{tag}>" if tag else ""

    def _command(self, command: str) -> str:
        if command in ("{", "}"):
            return command
        if command == "bar":
            return f'<span class="bar">{self._next()}</span>'
        if command == "mathrm":
            return re.sub(r"</?i>", "", self._next())
        if command == "frac":
            over, under = self._next(), self._next()
            return f'<span class="frac"><span>{over}</span><span>{under}</span></span>'
        if command not in _SIGNS:
            raise UserError(
                f"the page cannot show \\{command} in the formula {self._text!r}: add it to "
                "paper/output/formulas.py"
            )
        sign = _SIGNS[command]
        spaced = f" {sign} " if command in ("geq", "leq", "in", "min", "propto", "mid") else sign
        return spaced if command in _UPRIGHT else f"<i>{sign}</i>"
