"""Packs token ids and probabilities into text so small that a page can hold those of a large model.

Ids are indices into the tokens that occur, the most frequent first, in 16 bits. Probabilities take
8 bits: they are stored as square roots, which are finest where most of them lie, and as differences
from the layer before, which are small. All is compressed with deflate, which browsers undo
themselves, and written in base64.
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
"""Largest error of a probability that is shown: half a step of its square root, near probability
1."""


def vocabulary_of(token_ids: Iterable[Int[ndarray, "..."]]) -> Int[ndarray, " token"]:
    """The ids of the tokens that occur, the most frequent first. UserError for more than 65,536."""
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
    """The tokens' indices in the vocabulary, packed in the order rank, layer, place."""
    order = np.argsort(vocabulary)
    numbers = order[np.searchsorted(vocabulary, token_ids, sorter=order)].astype(np.uint16)
    return packed_numbers(numbers.T.ravel())


def packed_numbers(numbers: UInt16[ndarray, " number"]) -> str:
    """The numbers, packed with all low bytes first and then all high ones, which compresses better
    than alternating bytes."""
    return _text(np.concatenate([numbers & 0xFF, numbers >> 8]).astype(np.uint8))


def packed_probabilities(probabilities: Float[ndarray, "place layer rank"]) -> str:
    """The probabilities, packed in the order rank, layer, place; see `PROBABILITY_ERROR` for their
    error."""
    roots = np.round(_STEPS * np.sqrt(np.clip(probabilities, 0, 1))).astype(np.int16).T
    return _text((np.diff(roots, axis=1, prepend=0) % 256).astype(np.uint8).ravel())


def unpacked_numbers(text: str) -> UInt16[ndarray, " number"]:
    """The numbers that `packed_numbers` packed; the page's script does the same."""
    low, high = _bytes(text).reshape(2, -1).astype(np.uint16)
    return low + (high << 8)


def unpacked_probabilities(
    text: str, shape: tuple[int, int, int]
) -> Float[ndarray, "rank layer place"]:
    """The probabilities that `packed_probabilities` packed; the shape is (rank, layer, place)."""
    changes = _bytes(text).reshape(shape).astype(np.int64)
    return ((np.cumsum(changes, axis=1) % 256) / _STEPS) ** 2


def packed_texts(texts: Sequence[str]) -> str:
    """Packs any texts, even those with lone surrogates."""
    return _text(np.frombuffer(json.dumps(list(texts)).encode("ascii"), dtype=np.uint8))


def unpacked_texts(text: str) -> list[str]:
    """The texts that `packed_texts` packed."""
    return json.loads(_bytes(text).tobytes())


def _text(content: UInt8[ndarray, " byte"]) -> str:
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(content.tobytes()) + deflate.flush()).decode()


def _bytes(text: str) -> UInt8[ndarray, " byte"]:
    content = zlib.decompress(base64.b64decode(text), wbits=-zlib.MAX_WBITS)
    return np.frombuffer(content, dtype=np.uint8)
