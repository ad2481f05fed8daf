"""Data sets of the Hugging Face Hub, or folders in the layout of its libraries, read by column.

Only as many rows are streamed as a study needs, and they are kept (see hub_cache). No code of a
data set is run: the library cannot do so, and the format of the files decides how they are read.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetsError

from data_prep.errors import UserError
from data_prep.files.tree import inside
from data_prep.photographs.hub_cache import (
    KeptRows,
    Row,
    cache_folder,
    image_name,
    keep_rows,
    kept_rows,
)
from data_prep.photographs.labels import (
    LabelQuestions,
    attribute_name,
    default_text,
    label_attribute,
    question_texts,
)
from data_prep.photographs.photograph_data import photograph_data
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph

IMAGE = "image"
"""The key of `columns` that stands for the column of images. Every other key is an attribute."""
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, DatasetsError)


def open_hub(
    name: str,
    split: str | None,
    columns: Mapping[str, str],
    *,
    limit: int | None = None,
    ask: Mapping[str, str] | None = None,
) -> SceneData:
    """The first `limit` rows, or all if it is None, of the data set `name`: a name on the Hub, or a
    folder.

    `columns` gives the column of each attribute, and under "image" that of the images. If it is
    empty, the first column of images and all columns of class labels are used.
    """
    folder = _folder(name)
    identity = {
        "name": name if folder is None else str(folder.resolve()),
        "split": split,
        "columns": dict(columns),
        "files": None if folder is None else _state(folder),
    }
    kept = _kept(identity, folder, limit)
    names = list(dict.fromkeys(each for labels in kept.labels for each in labels))
    attributes = {
        name: label_attribute(name, (row[name] for row in kept.labels if name in row))
        for name in names
    }
    texts = question_texts({name: default_text(name) for name in names}, ask or {})
    photographs = [
        Photograph(
            scene_id=image_name(number), image=image_name(number), split=split or "", labels=labels
        )
        for number, labels in enumerate(kept.labels)
    ]
    shown = name if folder is None else folder.resolve().name
    return photograph_data(
        photographs,
        LabelQuestions(attributes=attributes, texts=texts),
        kept.tree,
        name=f"hub:{shown}" + (f":{split}" if split else ""),
    )


def _folder(name: str) -> Path | None:
    """The folder called `name`; None if it is a name on the Hub. UserError if it looks like a path
    but is not a folder."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists() or name.startswith((".", "/", "~")):
        raise UserError(f"no folder {name!r}: give one with parquet files, or a name of the Hub")
    return None


def _kept(identity: Mapping[str, Any], folder: Path | None, limit: int | None) -> KeptRows:
    """The rows of the data set from the cache, or streamed now and then kept."""
    place = cache_folder(identity)
    name = identity["name"]
    if (kept := kept_rows(place, limit)) is None:
        try:
            stream = _stream(name, identity["split"])
            chosen = _columns(stream.features or {}, identity["columns"], name)
            rows = _rows(stream, chosen, folder)
            keep_rows(place, rows, limit)
        except UserError:
            raise
        except _FAULTS as error:
            raise UserError(
                f"the data set {name!r} cannot be read ({error}): give a name of the Hub, or a "
                "folder with parquet files"
            ) from error
        kept = kept_rows(place, limit)
    if kept is None or not kept.labels:
        raise UserError(f"need at least 1 row, got none in {name!r}: take another split")
    return kept


def _stream(name: str, split: str | None) -> datasets.IterableDataset:
    splits = datasets.load_dataset(name, streaming=True)
    known = [str(each) for each in splits]
    if split is None and len(known) == 1:
        split = known[0]
    if split is None or split not in known:
        got = "none" if split is None else repr(split)
        raise UserError(
            f"the data set {name!r} has the splits {', '.join(known)}, got {got}: choose one with "
            f"hub:{name}:SPLIT"
        )
    return splits[split]


def _columns(features: Mapping[str, Any], asked: Mapping[str, str], name: str) -> dict[str, str]:
    """The column of each attribute and of the images. UserError for a column that cannot be
    used."""
    images = [column for column, kind in features.items() if isinstance(kind, datasets.Image)]
    chosen = {(key if key == IMAGE else attribute_name(key)): own for key, own in asked.items()}
    chosen.setdefault(IMAGE, images[0] if images else IMAGE)
    if len(chosen) == 1:
        for column, kind in features.items():
            if isinstance(kind, datasets.ClassLabel):
                chosen[attribute_name(column)] = column
    for column in chosen.values():
        if column not in features:
            raise UserError(
                f"the data set {name!r} has no column {column!r}: choose from "
                f"{', '.join(features) or 'none'} with --columns image=COLUMN NAME=COLUMN"
            )
    if len(chosen) == 1:
        raise UserError(
            f"the data set {name!r} has no column of classes: name one of "
            f"{', '.join(set(features) - set(images)) or 'none'} with --columns NAME=COLUMN"
        )
    for attribute, column in chosen.items():
        if attribute != IMAGE:
            _require_labels(features[column], column)
    return chosen


def _require_labels(kind: Any, column: str) -> None:
    if isinstance(kind, datasets.ClassLabel):
        return
    dtype = str(getattr(kind, "dtype", "")) if isinstance(kind, datasets.Value) else ""
    if dtype.startswith(("float", "double", "decimal")):
        raise UserError(
            f"a label must be a name or a whole number, column {column!r} holds {dtype}: add a "
            "column of classes to the data, such as low and high, and name that one"
        )
    if not dtype.startswith(("string", "large_string", "int", "uint", "bool")):
        raise UserError(
            f"a label must be a name or a whole number, column {column!r} holds "
            f"{dtype or type(kind).__name__}: name another one"
        )


def _rows(
    stream: datasets.IterableDataset, chosen: Mapping[str, str], folder: Path | None
) -> Iterator[Row]:
    features = stream.features or {}
    image = chosen[IMAGE]
    if isinstance(features[image], datasets.Image):
        stream = stream.cast_column(image, datasets.Image(decode=False))
    labels = {name: column for name, column in chosen.items() if name != IMAGE}
    for number, row in enumerate(stream.select_columns(list(dict.fromkeys(chosen.values())))):
        said = {name: _label(features[column], row[column]) for name, column in labels.items()}
        yield Row(
            image=_encoded(row[image], number, folder),
            labels={name: label for name, label in said.items() if label is not None},
        )


def _label(kind: Any, value: Any) -> str | None:
    """A label as text; None if the row has no label."""
    if value is None or value == "":
        return None
    if isinstance(kind, datasets.ClassLabel):
        return None if value < 0 else kind.names[value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() or None


def _encoded(value: Any, number: int, folder: Path | None) -> bytes:
    """The bytes of an image file, which the data set holds itself or refers to by a path. UserError
    if there is no encoded image."""
    if isinstance(value, bytes):
        return value
    held = value if isinstance(value, dict) else {}
    if isinstance(held.get("bytes"), bytes):
        return held["bytes"]
    path = held.get("path")
    # What a row refers to is read from the data set's own place only.
    if isinstance(path, str) and folder is not None:
        file = inside(folder, path)
        if file is not None and file.is_file():
            return file.read_bytes()
    if isinstance(path, str) and folder is None and path.startswith("hf://"):
        stream = io.BytesIO()
        datasets.Image().decode_example({"path": path, "bytes": None}).save(stream, format="PNG")
        return stream.getvalue()
    raise UserError(
        f"row {number} must hold an encoded image, got {type(value).__name__}: name another column "
        "with --columns image=COLUMN"
    )


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time of change (in ns) of every file of the folder. It identifies the
    state of the folder, so that rows kept from another state are not reused."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    states = ((path.relative_to(folder).as_posix(), path.stat()) for path in files)
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]
