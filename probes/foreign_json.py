"""JSON from elsewhere, read with bounds on its size, its nesting and its numbers."""

from pathlib import Path
from typing import Any

from data_prep.files.bounded import bounded_content
from data_prep.files.foreign_json import parsed_json

MOST_BYTES = 16 * 2**20
"""More than any configuration takes, and little enough to be parsed in the memory of a laptop."""
# Tokenizers say "no limit" by the integer of 1e30, which has 31 digits.
_MOST_DIGITS = 40
_LARGEST = 10**_MOST_DIGITS


def read_json_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in a file. ValueError that says what it is instead; OSError if there is none.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> read_json_object(BUNDLED_FOLDER / "config.json")["model_type"]
    'llava'
    >>> read_json_object(BUNDLED_FOLDER / "model.safetensors", most_bytes=100)
    Traceback (most recent call last):
        ...
    data_prep.files.bounded.TooLargeError: it has 11,969,064 bytes, and 100 are read at most
    """
    found = parsed_json(bounded_content(path, most_bytes))
    _require_small(found)
    if not isinstance(found, dict):
        raise ValueError(f"it must be a JSON object, got a {type(found).__name__}")
    return found


def _require_small(found: Any) -> None:
    """ValueError for an integer that no number of a computer holds, wherever it stands."""
    left = [found]
    while left:
        each = left.pop()
        if isinstance(each, (dict, list)):
            left += each.values() if isinstance(each, dict) else each
        elif isinstance(each, int) and abs(each) > _LARGEST:
            raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
