"""The library that streams data sets, kept at arm's length.

What it raises on files from elsewhere, of whatever kind, is one line; what it holds open is closed
before that line is said. A reader of parquet that is still open when the process ends may abort it
(huggingface/datasets 7566, apache/arrow 45214).
"""

import gc
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import datasets
from datasets.utils import logging as said_by_library

from data_prep.errors import UserError

_LONGEST = 400


def open_stream(name: str, split: str | None) -> datasets.IterableDataset:
    """The rows of one split of a data set, of which none is read yet. UserError if there is no such
    data set or split, or if its files cannot be read."""
    with _one_line(name):
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


def columns_of(stream: datasets.IterableDataset, name: str) -> Mapping[str, Any]:
    """What each column holds. UserError for data whose columns cannot be told from its files."""
    if not stream.features:
        raise UserError(
            f"the data set {name!r} cannot be read (its files tell no columns): give a folder with "
            "parquet files, or repair them"
        )
    return stream.features


def rows_of(
    stream: datasets.IterableDataset, image: str, columns: Sequence[str], name: str
) -> Generator[dict[str, Any], None, None]:
    """The rows, with these columns only; that of the images is not decoded. UserError if a row
    cannot be read. Closing the generator closes what the library reads from."""
    with _one_line(name):
        if isinstance(columns_of(stream, name)[image], datasets.Image):
            stream = stream.cast_column(image, datasets.Image(decode=False))
        rows = iter(stream.select_columns(list(dict.fromkeys(columns))))
    try:
        while True:
            with _one_line(name):
                row = next(rows, None)
            if row is None:
                return
            yield row
    finally:
        # The library's own generators hold the files: the outermost closes the others.
        if isinstance(rows, Generator):
            rows.close()
        del rows, stream
        gc.collect()


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turns what the library raises into a UserError, and lets it write no report of its own."""
    loud = said_by_library.get_verbosity()
    said_by_library.set_verbosity(said_by_library.CRITICAL)
    try:
        yield
    # Nobody lists what the readers of six formats raise on damaged files.
    except Exception as error:
        message = str(error) or "its reader fails without a reason"
        _let_go(error)
        if len(message) > _LONGEST:
            message = f"{message[:_LONGEST]}..."
        raise UserError(
            f"the data set {name!r} cannot be read ({message}): give a name of the Hub, or a "
            "folder with parquet files"
        ) from error
    finally:
        said_by_library.set_verbosity(loud)


def _let_go(error: BaseException | None) -> None:
    """Frees what the frames of an error, and of those that led to it, hold: open readers."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()
