"""The head itself: its numbers are finite, and it is the embeddings where they are said to be tied.

A vocabulary of a quarter of a million tokens has a head of gigabytes: it is looked at in pieces,
so that no second one is made of it.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from probes.families import head_is_tied
from probes.gate.check import Check, judged, shares
from probes.vlm import VLM
from probes.vocabulary import slices

# 64 MiB of a copy in float32.
_PIECE_NUMBERS = 2**24


def finite_head(vlm: VLM) -> Check:
    """That every row of the head is finite.

    One that is not, be it of a token that no one uses, makes every probability NaN.

    >>> finite_head(vlm).passed
    True
    """
    head = vlm.unembedding.head
    # By sums, which need no table of flags; in float32, lest they overflow.
    bad: list[int] = []
    for rows in _pieces(head):
        sums = head[rows].sum(-1, dtype=torch.float32)
        bad += [rows.start + row for row in torch.nonzero(~torch.isfinite(sums)).flatten().tolist()]
    if not bad:
        return Check(name="rows of the head are finite", passed=True)
    return Check(
        name="rows of the head are finite",
        passed=False,
        fault=_not_finite(vlm, bad),
        remedy="; every probability over the vocabulary would be NaN. Fill such rows with numbers, "
        "as with the mean of the others (model.resize_token_embeddings does so for rows that it "
        "adds), and save the model again",
    )


def _not_finite(vlm: VLM, rows: list[int]) -> str:
    first, last, n_tokens = rows[0], rows[-1], len(vlm.tokenizer)
    value = "NaN" if bool(vlm.unembedding.head[first].isnan().any()) else "infinite"
    if len(rows) == 1:
        which = f"row {first} of the head is"
    elif last - first + 1 == len(rows):
        which = f"rows {first} to {last} of the head are"
    else:
        which = f"{len(rows):,} rows of the head, {first} to {last}, are"
    whose = (
        f"no token has them, the tokenizer ends at {n_tokens - 1}"
        if first >= n_tokens
        else f"the first is that of the token {vlm.tokenizer.convert_ids_to_tokens(first)!r}"
    )
    return f"{which} not finite ({value}): {whose}"


def tied_head(vlm: VLM) -> Check | None:
    """That the head is the table of embeddings, if the configuration says so; None if it does not.

    >>> tied_head(vlm).difference  # of the bundled model they are the same memory
    0.0
    """
    embeddings: Any = vlm.model.get_input_embeddings()
    if not head_is_tied(vlm.model.config) or embeddings is None:
        return None
    name, head, table = "head tied to the embeddings", vlm.unembedding.head, embeddings.weight
    if head.shape != table.shape:
        return Check(
            name=name,
            passed=False,
            allowed=0.0,
            fault=f"the configuration ties head and embeddings, but their shapes are "
            f"{tuple(head.shape)} and {tuple(table.shape)}",
        )
    row, difference = _first_other_row(head, table)
    return judged(name, "the head is not tied to the embeddings", difference, 0.0, row, along="row")


def _first_other_row(
    head: Float[Tensor, "row d_model"], table: Float[Tensor, "row d_model"]
) -> tuple[int | None, float]:
    """The row of the largest difference in the first piece that has one, and this difference."""
    if _is_same(head, table):
        return None, 0.0
    for rows in _pieces(head):
        own, other = head[rows], table[rows].to(head.device)
        if own.dtype == other.dtype and torch.equal(own, other):
            continue
        share = shares(own[None], other[None], other[None])
        worst = int(share.argmax())
        if share[worst] > 0:
            return rows.start + worst, float(share[worst])
    return None, 0.0


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape are the same memory, in the same order."""
    return (
        not one.is_meta
        and one.device == other.device
        and one.data_ptr() == other.data_ptr()
        and one.dtype == other.dtype
        and one.stride() == other.stride()
    )


def _pieces(head: Float[Tensor, "row d_model"]) -> Iterator[slice]:
    n_rows, width = head.shape
    yield from slices(n_rows, max(1, _PIECE_NUMBERS // width))
