"""The last layer's logits by every way in which an output map is used, for the gate to compare.

A model's view can be faithful, and one of its uses not: with a scale forgotten where rows are
widened into a buffer, or a cap that is not saved. Memory stays bounded, whatever the vocabulary.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from probes.kept_logits import KeptLogits
from probes.translators.affine import Translators
from probes.tuned_lens import TunedLens
from probes.unembedding import Unembedding
from probes.vocabulary import Way, slices, stream

# Rows of the head that are looked at together: a copy of more, in float32, may not fit.
CHECKED_ROWS = 8192
# No divisor of CHECKED_ROWS, so that the last chunk is a short one.
_CHUNK = 1000
# Rows that are written and read back: the file of a whole head can be larger than the memory.
_SAVED_ROWS = 4096

Use = Callable[[Unembedding, Float[Tensor, "item d_model"]], Float[Tensor, "item token"]]


@torch.no_grad()
def logits_by_use(
    unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
) -> Iterator[tuple[str, Float[Tensor, "item token"], slice]]:
    """What each use is called in a message, its logits in float32, and of which tokens these are.

    `residual` is raw, of any layer. The tokens are those of the whole vocabulary, but for saving.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> unembedding = Unembedding(
    ...     norm=norm, head=torch.eye(2), bias=None, scale=1.0, soft_cap=None
    ... )
    >>> found = [(what, logits.tolist()) for what, logits, _ in
    ...          logits_by_use(unembedding, torch.tensor([[3.0, -3.0]]))]
    >>> found[0]
    ('taken in chunks', [[1.0, -1.0]])
    >>> len(found), all(logits == [[1.0, -1.0]] for _, logits in found)
    (8, True)
    """
    residual = residual.to(unembedding.head.device)
    uses: dict[str, Use] = {
        "taken in chunks": _in_chunks("plain"),
        "of chosen tokens": _of_tokens,
        "kept in buffers": _kept,
        "through a head widened once": _in_chunks("widened"),
        "with products in bfloat16": _in_chunks("bfloat16"),
        "through a tuned lens that changes nothing": _tuned,
        "through translators that change nothing": _translated,
    }
    everything = slice(0, unembedding.n_vocab)
    for what, use in uses.items():
        yield what, use(unembedding, residual), everything
    step = -(-unembedding.n_vocab // _SAVED_ROWS)
    some = slice(0, unembedding.n_vocab, step)
    loaded = Unembedding.unpacked(*unembedding.of_rows(some).packed())
    yield "saved and loaded", loaded.logits(residual.cpu()), some


class _Everything:
    """A reducer that keeps all logits of the one part."""

    def __init__(self) -> None:
        self._chunks: list[Tensor] = []

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "item chosen"]) -> None:
        self._chunks.append(logits)

    def value(self) -> Float[Tensor, "item token"]:
        return torch.cat(self._chunks, dim=-1)


def _in_chunks(way: Way) -> Use:
    """Part by part of the head, for some ways make a copy of all that they are given."""

    def use(
        unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
    ) -> Float[Tensor, "item token"]:
        normed, found = unembedding.norm(residual), _Everything()
        for rows in slices(unembedding.n_vocab, CHECKED_ROWS):
            stream(unembedding.of_rows(rows).projection(way), [normed], [found], chunk=_CHUNK)
        return found.value()

    return use


def _of_tokens(
    unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
) -> Float[Tensor, "item token"]:
    backwards = torch.arange(unembedding.n_vocab).flip(0)
    chosen = [unembedding.logits_of_tokens(residual, ids) for ids in backwards.split(CHECKED_ROWS)]
    return torch.cat(chosen, dim=-1).flip(-1)


def _kept(
    unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
) -> Float[Tensor, "item token"]:
    kept, found = KeptLogits(unembedding, n_rows=len(residual), chunk=_CHUNK), _Everything()
    kept.fill(residual)
    kept.pass_again(found)
    return found.value()[:, : unembedding.n_vocab]


def _tuned(
    unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
) -> Float[Tensor, "item token"]:
    nothing = Translators.zero(1, residual.shape[-1])
    lens = TunedLens(unembedding=unembedding, translators=nothing, model="", revision="")
    return lens(residual, layer=0)


def _translated(
    unembedding: Unembedding, residual: Float[Tensor, "item d_model"]
) -> Float[Tensor, "item token"]:
    """Logits as while translators are trained and judged: in float32 from the translators on."""
    nothing = Translators.zero(1, residual.shape[-1])
    here = Translators(
        maps=nothing.maps.to(residual.device), offsets=nothing.offsets.to(residual.device)
    )
    below_and_last = torch.stack([residual, residual], dim=1).float()
    return unembedding.logits(here.apply(below_and_last)[0])
