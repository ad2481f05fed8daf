"""How well a lens tells the model's final distribution, row by row and layer by layer.

The measures of Belrose et al. (2023), arXiv:2303.08112: divergence, cross-entropy, bias, and
prediction depth (Baldock et al. 2021, arXiv:2106.09647).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.divergence import kl_bits
from probes.translators.affine import Translators
from probes.translators.output_map import BLOCK_ROWS, Divergence, OutputMap
from probes.translators.rows import ResidualRows
from probes.unembedding import Unembedding
from probes.vocabulary import ProbabilitySums, TopToken, stream

_BITS = math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LensQuality:
    """Layers 0..L; the last one is the model itself."""

    kl_bits: Float[ndarray, "row layer"]
    """D(final || lens): the bits still missing. 0 at the last layer."""
    cross_entropy_bits: Float[ndarray, "row layer"] | None
    """-log2 of the probability, over the whole vocabulary, of the row's right tokens together;
    None where rows have none."""
    top_token: Int[ndarray, "row layer"]
    """The most probable token."""
    bias_bits: Float[ndarray, " layer"]
    """D(mean of final || mean of lens), the means over rows: what the lens over- and understates
    whatever the input. 0 at the last layer."""

    def prediction_depth(self) -> Int[ndarray, " row"]:
        """First layer from which the top token is the model's own, and stays it."""
        agrees = self.top_token == self.top_token[:, -1:]
        n_layers = agrees.shape[1]
        last_disagreement = np.where(~agrees, np.arange(n_layers), -1).max(axis=1)
        return last_disagreement + 1


@torch.no_grad()
def lens_quality(
    rows: ResidualRows,
    translators: Translators,
    unembedding: Unembedding,
    right_tokens: Sequence[tuple[int, ...]] | None,
) -> LensQuality:
    """The measures of a lens on `rows`; `right_tokens` are those of each row's right answer, None
    at positions where no answer is due.

    Memory is bounded by a block of rows, a chunk of the vocabulary, and two means over rows of
    the whole vocabulary per layer. ValueError if a row lacks right tokens while others have some.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[99.0, 0.0], [0.0, 99.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    >>> layers = torch.tensor([[[3.0, 3.0], [5.0, 0.0]]])  # one row; undecided, then decided
    >>> rows, nothing = ResidualRows.of(layers, ["scene"]), Translators.zero(1, 2)
    >>> found = lens_quality(rows, nothing, unembedding, [(0,)])
    >>> found.kl_bits.round(3).tolist(), found.prediction_depth().tolist()
    ([[1.0, 0.0]], [0])
    """
    if right_tokens is not None and (len(right_tokens) != len(rows) or not all(right_tokens)):
        raise ValueError(f"need right tokens for each of {len(rows)} rows, got {len(right_tokens)}")
    output, translators = OutputMap.of(unembedding), translators.on(unembedding.device)
    n_rows, n_layers = len(rows), rows.n_layers + 1
    kl = np.zeros((n_rows, n_layers))
    cross_entropy = None if right_tokens is None else np.empty_like(kl)
    top = np.empty((n_rows, n_layers), dtype=np.int64)
    marginal = torch.zeros(n_layers, unembedding.n_vocab, dtype=torch.float64)
    start = 0
    for block in rows.blocks(BLOCK_ROWS):
        here = slice(start, start + len(block))
        start = here.stop
        block = block.to(unembedding.head.device)
        translated = torch.cat([block[None, :, -1], translators.apply(block)])
        found = _Distributions(translated, output)
        kl[here, :-1] = (found.divergence.kl().T / _BITS).cpu().numpy()
        if cross_entropy is not None and right_tokens is not None:
            missed = found.missed_bits(right_tokens[here])
            cross_entropy[here] = _last_layer_last(missed).T.cpu().numpy()
        top[here] = _last_layer_last(found.top.ids).T.cpu().numpy()
        marginal += _last_layer_last(found.sums.value)
    log_marginal = (marginal / n_rows).log()
    bias = kl_bits(log_marginal[-1:].expand_as(log_marginal), log_marginal)
    return LensQuality(
        kl_bits=kl, cross_entropy_bits=cross_entropy, top_token=top, bias_bits=bias.numpy()
    )


def _last_layer_last(by_part: Tensor) -> Tensor:
    """The final layer comes first in a pass, since the others are compared with it."""
    return by_part.roll(-1, 0)


class _Distributions:
    """A block's distributions over the vocabulary, summed up in two passes.

    The first finds the normalisers, which the second needs from its first token on.
    """

    def __init__(self, raw: Float[Tensor, "part row d_model"], output: OutputMap) -> None:
        """`raw` are the residuals of the final layer, then those of layers 0..L-1."""
        self._raw, self._output = raw, output
        normed = output.unembedding.norm(raw)
        self._log_mass = torch.stack(output.log_normalisers([*normed]))
        self.top = TopToken(len(raw), raw.shape[1], raw.device)
        self.sums = ProbabilitySums(self._log_mass, output.unembedding.n_vocab)
        self.divergence = Divergence(output.projection, self._log_mass[0], normed[1:], pull=False)
        reducers = [self.top, self.sums, self.divergence]
        stream(output.projection, [*normed], reducers, chunk=output.chunk)

    def missed_bits(self, right: Sequence[tuple[int, ...]]) -> Float[Tensor, "part row"]:
        """-log2 of the rows' right tokens' probability, added."""
        ids = sorted({token for tokens in right for token in tokens})
        place = {token: column for column, token in enumerate(ids)}
        wrong = torch.ones(len(right), len(ids), dtype=torch.bool)
        for row, tokens in enumerate(right):
            wrong[row, [place[token] for token in tokens]] = False
        logits = self._output.unembedding.logits_of_tokens(self._raw, torch.tensor(ids))
        together = logits.masked_fill(wrong.to(logits.device), -math.inf).logsumexp(-1)
        return (self._log_mass - together) / _BITS
