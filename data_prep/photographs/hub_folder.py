"""What is looked at in a folder in the Hub's layout before the library reads it: that it names no
files outside of itself, and that none brings down the process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import RepoCard, metadata_load

from data_prep.errors import UserError
from data_prep.files.nesting import require_flat_json
from data_prep.files.tree import leaves

_CARD, _STANDALONE = "README.md", ".huggingface.yaml"
_MOST_VALUES = 100_000


def require_harmless(folder: Path) -> None:
    """Raise UserError for a folder whose description names files elsewhere, or that holds JSON of
    which the library's reader would not return."""
    try:
        require_flat_json(folder)
        for file in (folder / _CARD, folder / _STANDALONE):
            if file.is_file():
                _require_inside(file)
    except OSError as error:
        raise unreadable_folder(folder, error) from error


def folder_state(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time of change (in ns) of every file of the folder. It identifies the
    state of the folder, so that rows kept from another state are not reused."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        states = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
    except OSError as error:
        raise unreadable_folder(folder, error) from error
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def unreadable_folder(folder: Path, error: OSError) -> UserError:
    """The error for a folder that cannot be looked through."""
    return UserError(
        f"the folder {str(folder)!r} cannot be read ({error.strerror or error}): give one with "
        "parquet files"
    )


def _require_inside(file: Path) -> None:
    try:
        if file.name == _CARD:
            told = metadata_load(file)
        else:
            told = RepoCard(f"---\n{file.read_text(encoding='utf-8')}\n---\n").data.to_dict()
    except OSError:
        raise
    except Exception as error:  # the reader of YAML has errors of its own
        raise UserError(
            f"{str(file)!r} must begin with YAML, got a broken one ({str(error)[:200]}): correct "
            "or remove it"
        ) from error
    _require_few(told, file)
    configs = told.get("configs") if isinstance(told, dict) else None
    for config in configs if isinstance(configs, list) else []:
        if isinstance(config, dict):
            for name in _texts([config.get("data_files"), config.get("data_dir")]):
                if leaves(name) or "://" in name:
                    raise UserError(
                        f"{str(file)!r}: data must lie inside the folder, got {name!r}: put it "
                        "there, or correct the file"
                    )


def _require_few(told: Any, file: Path) -> None:
    """UserError for YAML whose aliases stand for more than any description holds, or for
    themselves."""
    left, n_values = [told], 0
    while left:
        n_values += 1
        each = left.pop()
        if isinstance(each, list | dict):
            left += each.values() if isinstance(each, dict) else each
        if n_values + len(left) > _MOST_VALUES:
            raise UserError(
                f"{str(file)!r} must hold at most {_MOST_VALUES:,} values, got more, with all that "
                "its aliases stand for: shorten it"
            )


def _texts(value: Any) -> Iterator[str]:
    """All names of files in a list of names, or of splits with their paths."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list):
            left += reversed(each)
        elif isinstance(each, dict):
            left += reversed([inner for key, inner in each.items() if key != "split"])
