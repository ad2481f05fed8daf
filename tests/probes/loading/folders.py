"""Model folders with one thing changed, and what is said when they are loaded."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from data_prep.errors import UserError
from probes import load_vlm


def refusal(folder: Path, **options: Any) -> str:
    """The one line with which a folder is refused."""
    with pytest.raises(UserError) as refused:
        load_vlm(folder, **options)
    message = str(refused.value)
    assert "\n" not in message
    return message


def edit(file: Path, **changes: Any) -> None:
    """Change entries of a JSON file; "a__b" is the entry b of a."""
    content = json.loads(file.read_text())
    for name, value in changes.items():
        *outer, last = name.split("__")
        place = content
        for each in outer:
            place = place[each]
        place[last] = value
    file.write_text(json.dumps(content))


def put_header(file: Path, header: Any, data: bytes = b"", length: int | None = None) -> None:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
