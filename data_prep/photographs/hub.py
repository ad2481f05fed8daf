"""Data sets of the Hugging Face Hub, or folders in the layout of its libraries, read by column.

Only as many rows are streamed as a study needs, and they are kept (see hub_cache). No code of a
data set is run: the library cannot do so, and the format of the files decides how they are read.
Links in a folder are followed, also out of it: the Hub's own cache is made of them.
"""

from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import datasets
from huggingface_hub import HfFileSystem

from data_prep.errors import UserError
from data_prep.files.tree import inside, leaves
from data_prep.files.typed_path import path_of
from data_prep.photographs.hub_cache import (
    KeptRows,
    Row,
    cache_folder,
    image_name,
    keep_rows,
    kept_rows,
)
from data_prep.photographs.hub_columns import IMAGE, chosen_columns
from data_prep.photographs.hub_folder import folder_state, require_harmless
from data_prep.photographs.hub_stream import columns_of, open_stream, rows_of
from data_prep.photographs.labels import (
    LabelQuestions,
    default_text,
    label_attribute,
    question_texts,
)
from data_prep.photographs.photograph_data import photograph_data
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph


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
    empty, the first column of images and all columns of class labels are used. A row without an
    image is a scene whose image is broken.
    """
    folder = _folder(name)
    identity = {
        "name": name if folder is None else str(folder.resolve()),
        "split": split,
        "columns": dict(columns),
        "files": None if folder is None else folder_state(folder),
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
    folder = path_of(name)
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
        if folder is not None:
            require_harmless(folder)
        stream = open_stream(name, identity["split"])
        chosen = chosen_columns(columns_of(stream, name), identity["columns"], name)
        # Left open, the library's threads may bring down the process at its end.
        with closing(_rows(stream, chosen, name, folder)) as rows:
            kept = keep_rows(place, rows, limit)
    if not kept.labels:
        raise UserError(f"need at least 1 row, got none in {name!r}: take another split")
    return kept


def _rows(
    stream: datasets.IterableDataset,
    chosen: Mapping[str, str],
    name: str,
    folder: Path | None,
) -> Generator[Row, None, None]:
    features = columns_of(stream, name)
    image = chosen[IMAGE]
    labels = {name: column for name, column in chosen.items() if name != IMAGE}
    with closing(rows_of(stream, image, list(chosen.values()), name)) as rows:
        for number, row in enumerate(rows):
            said = {
                name: _label(features[column], row[column], f"row {number}, column {column!r}")
                for name, column in labels.items()
            }
            yield Row(
                image=_encoded(row[image], number, folder, f"hf://datasets/{name}"),
                labels={name: label for name, label in said.items() if label is not None},
            )


def _label(kind: Any, value: Any, where: str) -> str | None:
    """A label as text; None if the row has no label."""
    if value is None or value == "":
        return None
    if isinstance(kind, datasets.ClassLabel):
        if value >= len(kind.names):
            raise UserError(
                f"{where}: a class is a number below {len(kind.names)}, the number of its names, "
                f"got {value}: correct the data set, or name another column"
            )
        return None if value < 0 else str(kind.names[value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() or None


def _encoded(value: Any, number: int, folder: Path | None, own: str | None = None) -> bytes:
    """The bytes of an image file, which the data set holds itself or refers to by a path. No
    bytes if it holds none, or refers to a file that is not there.

    Only what the data set itself holds is read: files inside of `folder`, or on the Hub below
    `own`. UserError for a path that leads elsewhere, and for what is no encoded image at all.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    held = value if isinstance(value, dict) else {}
    if isinstance(held.get("bytes"), bytes):
        return held["bytes"]
    path = held.get("path")
    if held.keys() & {"bytes", "path"} and not path:
        return b""
    if isinstance(path, str) and folder is None and own and path.startswith((f"{own}@", f"{own}/")):
        return _from_hub(path)
    if isinstance(path, str) and "://" not in path and not leaves(path):
        file = inside(folder, path) if folder is not None else None
        return _from_file(file) if file is not None and file.is_file() else b""
    got = f"the path {path!r}" if path else f"{type(value).__name__}"
    raise UserError(
        f"row {number} must hold an encoded image, got {got}: put the image into the data set, or "
        "name another column with --columns image=COLUMN"
    )


def _from_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(
            f"image {str(file)!r} cannot be read ({error.strerror}): let it be read, or remove it"
        ) from error


def _from_hub(path: str) -> bytes:
    try:
        with HfFileSystem().open(path, "rb") as file:
            return file.read()  # pyright: ignore[reportReturnType]
    except FileNotFoundError:
        return b""
    except OSError as error:  # of the network
        raise UserError(
            f"{path!r} cannot be fetched ({error.strerror or error}): try again later"
        ) from error
