"""What decides the weights of a training, written into its folder: no other goes on there."""

import json
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.files.durable import write_durably


def require_same(file: Path, declared: dict[str, Any]) -> None:
    """UserError if `file` declares another training than `declared`, or cannot be read."""
    if not file.exists():
        return
    try:
        begun: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{str(file)!r} cannot be read ({error}): use another folder") from error
    for key, value in declared.items():
        if begun.get(key) != value:
            raise UserError(
                f"{str(file.parent)!r} holds a training with another {key}: {begun.get(key)} "
                f"there, {value} here: use another folder"
            )


def declare(file: Path, declared: dict[str, Any]) -> None:
    """Writes what this training is, unless `file` says so already, and makes its folder. Only once
    the data are read, so that bad data leave no folder behind."""
    if file.exists():
        require_same(file, declared)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make {str(file.parent)!r} ({error.strerror}): choose another --out"
        ) from error
    write_durably(file, json.dumps(declared, indent=2).encode())
