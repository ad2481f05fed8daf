"""JSON from elsewhere, read with bounds on its size, its nesting and its numbers."""

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 2**20
"""More than any configuration takes, and little enough to be parsed in the memory of a laptop."""
# Tokenizers say "no limit" by the integer of 1e30, which has 31 digits.
_MOST_DIGITS = 40


def read_json_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in a file. ValueError that says what it is instead; OSError if there is none.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> read_json_object(BUNDLED_FOLDER / "config.json")["model_type"]
    'llava'
    >>> read_json_object(BUNDLED_FOLDER / "model.safetensors", most_bytes=100)
    Traceback (most recent call last):
        ...
    ValueError: it has 11,969,064 bytes, and 100 are read at most
    """
    # Not before it is opened: a named pipe has no size, and would be waited for without an end.
    if not path.is_file():
        raise OSError(f"no file {path.name}")
    size = path.stat().st_size
    if size > most_bytes:
        raise ValueError(f"it has {size:,} bytes, and {most_bytes:,} are read at most")
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_int=_bounded)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"it must be a JSON object, got a {type(found).__name__}")
    return found


def _bounded(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits, {_MOST_DIGITS} are read at most")
    return int(digits)
