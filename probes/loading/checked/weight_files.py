"""The files that a model's weights are read from: named before any library looks for them.

What is read is thereby safetensors unless pickles are allowed, lies in the model's folder, and
counts in its identity.
"""

from collections.abc import Sequence
from pathlib import Path

from data_prep.errors import UserError
from probes.foreign_json import read_json_object

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"


def weight_files(folder: Path, source: str, *, allow_pickle: bool = False) -> list[Path]:
    """The files that hold the weights of the model in a folder, in the order of their names.

    `source` is what the user calls the model. UserError unless all are there and lie in the folder.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> [path.name for path in weight_files(BUNDLED_FOLDER, "bundled")]
    ['model.safetensors']
    """
    names = named_files(folder, source, allow_pickle=allow_pickle)
    for name in names:
        _require_inside(folder, name, source)
    return [folder / name for name in names]


def named_files(folder: Path, source: str, *, allow_pickle: bool = False) -> list[str]:
    """The names of these files, which need not be there yet. UserError for a name that is none.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> named_files(BUNDLED_FOLDER, "bundled")
    ['model.safetensors']
    """
    # In the order in which transformers looks for them.
    if (folder / WHOLE).exists() or (folder / WHOLE).is_symlink():
        return [WHOLE]
    if (folder / INDEX).exists():
        return _of_index(folder, INDEX, source, [".safetensors", *([".bin"] * allow_pickle)])
    if allow_pickle and (folder / PICKLED).exists():
        return [PICKLED]
    if allow_pickle and (folder / PICKLED_INDEX).exists():
        return _of_index(folder, PICKLED_INDEX, source, [".bin", ".safetensors"])
    if any(folder.glob("*.bin")) and not allow_pickle:
        raise UserError(
            f"{source} has no weights in safetensors (pickled weights can run code and are not "
            "read): save the model again with save_pretrained, or allow them with --allow-pickle "
            "(they are then read without running code)"
        )
    raise UserError(
        f"cannot load the weights of {source}, for it has neither {WHOLE} nor {INDEX}: fetch or "
        "save it again"
    )


def _of_index(folder: Path, index: str, source: str, endings: Sequence[str]) -> list[str]:
    if (folder / index).is_symlink():
        _require_inside(folder, index, source)
    try:
        places = read_json_object(folder / index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise ValueError("it has no weight_map")
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read {index} of {source} ({error}): fetch or save it again"
        ) from error
    for tensor, name in places.items():
        # A name on Windows may hide a folder behind a backslash or a drive behind a colon.
        plain = (
            isinstance(name, str)
            and name == Path(name).name
            and name not in ("", ".", "..")
            and not set("\\:\0") & set(name)
        )
        if not plain:
            raise UserError(
                f"{index} of {source} must name files in the model's own folder, got "
                f"{str(name)[:200]!r} for {tensor[:200]!r}: fetch or save it again"
            )
        if not name.endswith(tuple(endings)):
            raise UserError(
                f"{index} of {source} must name files that end in {' or '.join(endings)}, got "
                f"{name[:200]!r}: save the model again with save_pretrained"
                + ("" if ".bin" in endings else ", or allow pickled weights with --allow-pickle")
            )
    return sorted(set(places.values()))


def _require_inside(folder: Path, name: str, source: str) -> None:
    """UserError unless a file is there and lies in the folder, links followed.

    A snapshot in the Hub's cache is made of links into the folder of contents beside it.
    """
    try:
        path, home = (folder / name).resolve(strict=True), folder.resolve(strict=True)
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError):
        is_file, path, home = False, folder, folder
    if not is_file:
        raise UserError(
            f"cannot load the weights of {source}, for the file {name} is not there: fetch or save "
            "it again"
        )
    contents = home.parents[1] / "blobs" if home.parent.name == "snapshots" else home
    if not (path.is_relative_to(home) or path.is_relative_to(contents)):
        raise UserError(
            f"the file {name} of {source} is a link out of the model's folder, to {path}: put the "
            "file itself there"
        )
