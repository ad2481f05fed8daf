"""Files with a seal, changed by a test so that the seal is still whole: what a hostile user or an
error of ours could write, and no damage."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from numpy import ndarray
from safetensors.numpy import load_file, save

from data_prep.files.sealed import (
    KEY,
    read_sealed_json,
    sealed_json,
    sealed_parquet,
    sealed_safetensors,
)


def write_sealed(file: Path, content: dict[str, Any]) -> Path:
    """Writes a JSON object with its seal."""
    file.write_bytes(sealed_json({key: each for key, each in content.items() if key != KEY}))
    return file


def edit_sealed(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the content of a file of JSON in place and seals it anew."""
    content = read_sealed_json(file)
    change(content)
    write_sealed(file, content)


def unsealed(file: Path) -> dict[str, Any]:
    """The content of a file of JSON as an earlier version wrote it, without a seal."""
    return {key: each for key, each in json.loads(file.read_bytes()).items() if key != KEY}


def write_sealed_tensors(file: Path, tensors: dict[str, ndarray]) -> None:
    """Writes arrays as safetensors with their seal."""
    file.write_bytes(sealed_safetensors(save(tensors)))


def edit_sealed_tensors(
    file: Path, change: Callable[[dict[str, ndarray]], dict[str, ndarray]]
) -> None:
    """Replaces the arrays of a file by what `change` makes of them, sealed anew."""
    write_sealed_tensors(file, change(load_file(file)))


def edit_sealed_table(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Replaces a table by what `change` makes of it, sealed anew."""
    file.write_bytes(sealed_parquet(change(pd.read_parquet(file))))


def leave_unfinished(folder: Path) -> Path:
    """A file in a folder as a process leaves it that is killed while it writes."""
    folder.mkdir(parents=True, exist_ok=True)
    writing = "import pathlib, sys; from data_prep.files.unfinished import unfinished_name; "
    writing += "path = pathlib.Path(sys.argv[1], unfinished_name()); "
    writing += "path.write_text('half'); print(path)"
    line = [sys.executable, "-c", writing, str(folder)]
    return Path(subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip())
