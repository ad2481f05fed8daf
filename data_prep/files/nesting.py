"""How deep JSON is nested, found without reading it: what others read may bring down the process.

The reader of tables in pyarrow goes down into every bracket until the stack of the process ends.
"""

import re
from pathlib import Path

from data_prep.errors import UserError

DEEPEST = 200
"""Deepest nesting that is handed on. Tables have a handful of levels."""
JSON_ENDINGS = frozenset((".json", ".jsonl", ".ndjson"))
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[][{}]")


def require_flat_json(folder: Path) -> None:
    """Raise UserError for a JSON file anywhere in the folder that is nested too deep."""
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in JSON_ENDINGS and file.is_file():
            _require_flat(file)


def _require_flat(file: Path) -> None:
    depth = 0
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                deepest, depth = _depths(line, depth)
                if deepest > DEEPEST:
                    raise UserError(
                        f"{str(file)!r}, line {number}: JSON must be nested at most {DEEPEST} "
                        f"deep, got {deepest:,}: correct or remove the file"
                    )
    except OSError as error:
        raise UserError(
            f"{str(file)!r} cannot be read ({error.strerror}): let it be read, or remove it"
        ) from error


def _depths(line: bytes, depth: int) -> tuple[int, int]:
    """The largest number of brackets that are open within a line, and that at its end. Brackets in
    texts do not count.

    >>> _depths(b'[["[["]]', 0), _depths(b"[[", 1)
    ((2, 0), (3, 3))
    """
    deepest = depth
    for sign in _BRACKET.findall(_TEXT.sub(b"", line)):
        depth = max(0, depth + (1 if sign in b"[{" else -1))
        deepest = max(deepest, depth)
    return deepest, depth
