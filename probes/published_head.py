"""Is the head that a published tuned lens was made for ours, or the first rows of ours?

The `tuned-lens` package names a model by a hash of its head. A vision-language model often has the
decoder's head with more rows: for the image token, and up to a round number.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from probes.vlm import VLM

# numpy prints an array of more than 1000 numbers by its corners, of three rows and columns each.
_PRINTED_WHOLE = 1000
_ROUND, _ROUND_STEPS = 64, 16


def head_hash(head: Float[Tensor, "row d_model"]) -> str:
    """The package's unembed_hash of a head: the sha256 of its summary as numpy prints it.

    The summary is of one digit after the point, and of a large head it shows the first and last
    three entries of the first and last three rows. So the hash tells another model from ours, and
    another number of rows by the rows at the end; it does not see rows in between, changes in
    digits that are not printed (it is meant to survive a change of number format, though bfloat16
    may round a printed digit), or how many rows there are.

    >>> head = torch.tensor([[0.5, 1.5], [2.5, 3.5]])
    >>> head_hash(head) == head_hash(head + 0.001), head_hash(head) == head_hash(head + 0.1)
    (True, False)
    """
    printed = np.array_str(_ends(head).detach().cpu().float().numpy(), precision=1)
    return hashlib.sha256(printed.encode()).hexdigest()


def rows_with_hash(vlm: "VLM", unembed_hash: str) -> int | None:
    """How many of the first rows of the model's head have this hash; None if no number tried does.

    The hash does not tell the number of rows, and a vocabulary has too many to try them all, so
    those of `candidate_rows` are tried in their order. A match vouches for what `head_hash` sees,
    the first and last rows of that part; a decoder whose head was trained further has no match.

    >>> rows_with_hash(vlm, head_hash(vlm.unembedding.head[:512]))
    512
    >>> rows_with_hash(vlm, head_hash(torch.zeros(512, vlm.d_model))) is None
    True
    """
    head = vlm.unembedding.head
    tried = (n for n in candidate_rows(vlm) if head_hash(head[:n]) == unembed_hash)
    return next(tried, None)


def candidate_rows(vlm: "VLM") -> Iterator[int]:
    """Numbers of rows that the decoder's own head may have had, each once.

    They are all rows; the tokenizer's words without the added ones, and with them; what the text
    configuration says; and the 16 multiples of 64 at or below all rows, to which heads are padded.

    >>> list(candidate_rows(vlm))
    [561, 512, 448, 384, 320, 256, 192, 128, 64]
    """
    n_rows = vlm.unembedding.n_vocab
    text = vlm.model.config.get_text_config()
    below = n_rows // _ROUND
    wanted = (
        n_rows,
        vlm.tokenizer.vocab_size,
        len(vlm.tokenizer),
        getattr(text, "vocab_size", None),
        *(_ROUND * (below - step) for step in range(_ROUND_STEPS)),
    )
    return iter(dict.fromkeys(n for n in wanted if n is not None and 0 < n <= n_rows))


def _ends(head: Float[Tensor, "row d_model"]) -> Float[Tensor, "some d_model"]:
    """Rows enough to print the same: a head of 32,000 rows is not widened for 6 that are shown."""
    half = _PRINTED_WHOLE // 2 + 1
    return head if len(head) <= 2 * half else torch.cat([head[:half], head[-half:]])
