"""Token ids and probabilities as text, small enough that a page holds a large model's.

Ids count the tokens that occur, the most frequent first, in 16 bits; probabilities take 8, as
their roots, which is finest where most of them lie, and as differences from the layer before, which
are small. All is deflated, which browsers undo themselves, and written in base64.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt16
from numpy import ndarray

from data_prep.errors import UserError

_MOST_TOKENS = 2**16
_STEPS = 255
PROBABILITY_ERROR = 1 / _STEPS
"""A probability is shown with at most this error: half a step of its root, where that is 1."""


def vocabulary_of(token_ids: Iterable[Int[ndarray, "..."]]) -> Int[ndarray, " token"]:
    """The tokens that occur, the most frequent first. UserError for more than 65,536."""
    every = [each.ravel() for each in token_ids]
    found, counts = np.unique(np.concatenate(every), return_counts=True)
    if len(found) > _MOST_TOKENS:
        raise UserError(
            f"a page holds at most {_MOST_TOKENS:,} different tokens, got {len(found):,}: show "
            "fewer items or fewer --tokens"
        )
    return found[np.lexsort((found, -counts))]


def packed_ids(
    token_ids: Int[ndarray, "place layer rank"], vocabulary: Int[ndarray, " token"]
) -> str:
    """Places in the vocabulary, by rank, layer and then place."""
    order = np.argsort(vocabulary)
    numbers = order[np.searchsorted(vocabulary, token_ids, sorter=order)].astype(np.uint16)
    return packed_numbers(numbers.T.ravel())


def packed_numbers(numbers: UInt16[ndarray, " number"]) -> str:
    """All low bytes and then all high ones, which deflates better than in turns."""
    return _text(np.concatenate([numbers & 0xFF, numbers >> 8]).astype(np.uint8))


def packed_probabilities(probabilities: Float[ndarray, "place layer rank"]) -> str:
    """By rank, layer and then place; see `PROBABILITY_ERROR`."""
    roots = np.round(_STEPS * np.sqrt(np.clip(probabilities, 0, 1))).astype(np.int16).T
    return _text((np.diff(roots, axis=1, prepend=0) % 256).astype(np.uint8).ravel())


def unpacked_numbers(text: str) -> UInt16[ndarray, " number"]:
    """What `packed_numbers` wrote; the page does the same."""
    low, high = _bytes(text).reshape(2, -1).astype(np.uint16)
    return low + (high << 8)


def unpacked_probabilities(
    text: str, shape: tuple[int, int, int]
) -> Float[ndarray, "rank layer place"]:
    """What `packed_probabilities` wrote; the shape is (rank, layer, place)."""
    changes = _bytes(text).reshape(shape).astype(np.int64)
    return ((np.cumsum(changes, axis=1) % 256) / _STEPS) ** 2


def packed_texts(texts: Sequence[str]) -> str:
    """Texts of any kind, lone surrogates among them."""
    return _text(np.frombuffer(json.dumps(list(texts)).encode("ascii"), dtype=np.uint8))


def unpacked_texts(text: str) -> list[str]:
    """What `packed_texts` wrote."""
    return json.loads(_bytes(text).tobytes())


def _text(content: UInt8[ndarray, " byte"]) -> str:
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(content.tobytes()) + deflate.flush()).decode()


def _bytes(text: str) -> UInt8[ndarray, " byte"]:
    content = zlib.decompress(base64.b64decode(text), wbits=-zlib.MAX_WBITS)
    return np.frombuffer(content, dtype=np.uint8)
