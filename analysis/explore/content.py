"""The content of a page: everything that it shows about its items, as data that JSON can hold."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt16
from numpy import ndarray
from PIL import Image

from analysis.causes.wording import KIND_NAMES
from analysis.explore.packing import (
    packed_ids,
    packed_numbers,
    packed_probabilities,
    packed_texts,
    vocabulary_of,
)
from analysis.explore.places import Grid
from analysis.explore.reading import Tops
from analysis.explore.subjects import Followed, Subject

# On a page an image is half a screen wide.
_MOST_PIXELS = 640
_BOX_STEPS = 2**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadCondition:
    """One image as it was shown to the model, and what was read from it."""

    image: Image.Image
    grid: Grid | str
    """Where the image's tokens lie; or a text that says why this is not known."""
    tops: Mapping[str, Tops]
    """The most probable tokens, by lens."""
    trajectory: Mapping[str, Float[ndarray, "layer answer"]]
    """The probabilities of the followed answers at every layer, by lens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadSubject:
    """An item, and what was read from it."""

    subject: Subject
    followed: Followed
    conditions: Mapping[str, ReadCondition]


def page_content(
    read: Sequence[ReadSubject], about: Mapping[str, Any], text_of: Mapping[int, str]
) -> dict[str, Any]:
    """The whole content, as yet without pairs. `about` is copied as it is; `text_of` gives the text
    of each token.

    UserError if there are more different tokens than a page can hold.
    """
    ids = [tops.token_ids for each in read for tops in _tops(each)]
    vocabulary = vocabulary_of(ids)
    images: dict[str, int] = {}
    items = [_item(each, vocabulary, images) for each in read]
    return {
        **about,
        "tops": ids[0].shape[2],
        "layers": ids[0].shape[1],
        "vocabulary": packed_texts([text_of[token] for token in vocabulary.tolist()]),
        "items": items,
        "images": list(images),
        "kindNames": dict(KIND_NAMES),
        "pairs": [],
    }


def _tops(read: ReadSubject) -> list[Tops]:
    return [tops for each in read.conditions.values() for tops in each.tops.values()]


def _item(
    read: ReadSubject, vocabulary: Int[ndarray, " token"], images: dict[str, int]
) -> dict[str, Any]:
    subject, followed = read.subject, read.followed
    return {
        "id": subject.item_id,
        "question": subject.question,
        "attribute": subject.attribute,
        "answer": followed.right,
        "answerTokens": _answer_tokens(followed, vocabulary),
        "followed": list(followed.tree.answers),
        "amongAnswers": followed.among_answers,
        "emergence": {lens: dict(found) for lens, found in subject.emergence.items()},
        "conditions": {
            name: _condition(each, vocabulary, images) for name, each in read.conditions.items()
        },
    }


def _answer_tokens(followed: Followed, vocabulary: Int[ndarray, " token"]) -> list[int]:
    """The tokens with which the first followed answer or the right one begins, if they occur, as
    indices into the vocabulary."""
    answers = followed.tree.answers
    own = followed.tree.beginnings(answers.index(followed.right) if followed.right else 0)
    return np.flatnonzero(np.isin(vocabulary, own)).tolist()


def _condition(
    read: ReadCondition, vocabulary: Int[ndarray, " token"], images: dict[str, int]
) -> dict[str, Any]:
    url = image_url(read.image)
    grid = read.grid if isinstance(read.grid, Grid) else None
    return {
        "image": images.setdefault(url, len(images)),
        "width": read.image.width,
        "height": read.image.height,
        "boxes": packed_numbers(_box_numbers(grid)) if grid else None,
        "levels": grid.levels.tolist() if grid and grid.levels.any() else None,
        "noGrid": None if grid else read.grid,
        "lenses": {
            name: {
                "ids": packed_ids(tops.token_ids, vocabulary),
                "probabilities": packed_probabilities(tops.probabilities),
                "trajectory": [[float(f"{p:.4g}") for p in row] for row in read.trajectory[name].T],
            }
            for name, tops in read.tops.items()
        },
    }


def image_url(image: Image.Image, most: int = _MOST_PIXELS) -> str:
    """The image as a data: URL, at most so many pixels wide or high, in whichever format is
    smaller."""
    shown = image.convert("RGB")
    shown.thumbnail((most, most), Image.Resampling.LANCZOS)
    written = {}
    for kind, options in (("jpeg", {"quality": 85}), ("png", {"optimize": True})):
        stream = io.BytesIO()
        shown.save(stream, format=kind, **options)
        written[kind] = stream.getvalue()
    kind = min(written, key=lambda name: len(written[name]))
    return f"data:image/{kind};base64,{base64.b64encode(written[kind]).decode()}"


def _box_numbers(grid: Grid) -> UInt16[ndarray, " number"]:
    """The left ends of all tokens' boxes, then the tops, right ends and bottoms; a token that shows
    nothing has a box with no width."""
    shares = np.nan_to_num(grid.boxes, nan=0.0)
    return np.round(_BOX_STEPS * shares).astype(np.uint16).T.ravel()
