"""Kullback-Leibler divergence through the unembedding, and its gradient, in bounded memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from probes.unembedding import Unembedding
from probes.vocabulary import LogNormaliser, Peak, Projection, stream

# Rows of a block and tokens of a chunk: their logits, 8 MiB, stay near the processor.
BLOCK_ROWS = 512
_CHUNK_TOKENS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class OutputMap:
    """An unembedding with its projection in one number format, for many passes in chunks."""

    unembedding: Unembedding
    projection: Projection
    chunk: int = _CHUNK_TOKENS

    @classmethod
    def of(
        cls,
        unembedding: Unembedding,
        products: Literal["float32", "bfloat16"] = "float32",
        chunk: int = _CHUNK_TOKENS,
    ) -> "OutputMap":
        """The output map of an unembedding.

        With products in float32 it is exact, and holds the head in that format.
        """
        way = "widened" if products == "float32" else "bfloat16"
        return cls(unembedding, unembedding.projection(way), chunk)

    @property
    def head(self) -> Float[Tensor, "vocab d_model"]:
        """The head in the format of the products."""
        return self.projection.head

    def log_normalisers(
        self, parts: Sequence[Float[Tensor, "row d_model"]]
    ) -> list[Float[Tensor, " row"]]:
        """Natural log of the sum of exp(logit) over the vocabulary; of normed residuals."""
        total = LogNormaliser()
        stream(self.projection, parts, [total], chunk=self.chunk)
        return [total.value(part) for part in range(len(parts))]


def kl_nats(
    translated: Float[Tensor, "layer row d_model"],
    final: Float[Tensor, "row d_model"],
    output: OutputMap,
) -> Float[Tensor, "layer row"]:
    """D(final || translated) over the whole vocabulary, in nats; both are raw residuals.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[99.0, 0.0], [0.0, 99.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    >>> undecided, decided = torch.tensor([[[3.0, 3.0]]]), torch.tensor([[5.0, 0.0]])
    >>> kl_nats(undecided, decided, OutputMap.of(unembedding))
    tensor([[0.6931]])
    """
    with torch.no_grad():
        norm = output.unembedding.norm
        return _passed(norm(translated), norm(final), output, pull=False).kl()


def kl_with_gradient(
    translated: Float[Tensor, "layer row d_model"],
    final: Float[Tensor, "row d_model"],
    output: OutputMap,
) -> tuple[Float[Tensor, "layer row"], Float[Tensor, "layer row d_model"]]:
    """D(final || translated) as `kl_nats` gives it, and its derivative by `translated`.

    Logits are never kept, not even one chunk's.

    The derivative by a logit is q - p, so what is carried from chunk to chunk is the head's mean
    under p and, relative to the largest logit so far, under q.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> unembedding = Unembedding(
    ...     norm=norm, head=torch.eye(2), bias=None, scale=1.0, soft_cap=None
    ... )
    >>> final = torch.tensor([[5.0, 0.0]])
    >>> kl, slope = kl_with_gradient(final[None], final, OutputMap.of(unembedding))
    >>> kl.abs().max() < 1e-6, slope.abs().max() < 1e-6
    (tensor(True), tensor(True))
    """
    norm = output.unembedding.norm
    with torch.enable_grad():
        leaf = translated.detach().requires_grad_()
        graph = norm(leaf)
    with torch.no_grad():
        done = _passed(graph.detach(), norm(final), output, pull=True)
        slope = done.gradient_of_normed().to(graph.dtype)
    return done.kl(), torch.autograd.grad(graph, leaf, slope)[0]


def _passed(
    normed: Float[Tensor, "layer row d_model"],
    final: Float[Tensor, "row d_model"],
    output: OutputMap,
    *,
    pull: bool,
) -> "Divergence":
    (log_mass,) = output.log_normalisers([final])
    found = Divergence(output.projection, log_mass, normed, pull=pull)
    stream(output.projection, [final, *normed], [found], chunk=output.chunk)
    return found


class Divergence:
    """Divergence of every part from the first, whose normalisers are known; a reducer.

    The parts are the final residuals, then those of the layers, all [row, d_model] and normed.
    With `pull` the derivative by the normed residuals is summed up, too. It overwrites the logits,
    so among several reducers it comes last.
    """

    def __init__(
        self,
        projection: Projection,
        log_mass: Float[Tensor, " row"],
        normed: Float[Tensor, "layer row d_model"],
        *,
        pull: bool,
    ) -> None:
        n_layers, n_rows, _ = normed.shape
        self._projection, self._pull = projection, pull
        self._log_mass = log_mass[:, None]
        self._peaks = [Peak((n_rows,), normed.device) for _ in range(n_layers)]
        self._mass = log_mass.new_zeros((n_layers, n_rows))
        self._cross, self._own = torch.zeros_like(self._mass), torch.zeros_like(log_mass)
        if pull:
            self._pulled_q = torch.zeros_like(normed)
            # Without a cap the head's mean under p is the same for all layers.
            capped = projection.soft_cap is not None
            self._pulled_p = torch.zeros_like(normed if capped else normed[:1])

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        """Take in a chunk, and overwrite it."""
        if part:
            self._add(part - 1, tokens, logits)
            return
        logits -= self._log_mass
        self._p = logits.exp()
        self._own += (self._p * logits).sum(-1)
        if self._pull and self._projection.soft_cap is None:
            self._pulled_p[0] += self._projection.pulled(self._p, tokens)

    def _add(self, layer: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        slope = self._projection.slope(logits) if self._pull else None
        # A shift of all logits changes nothing; this one keeps what is summed small, so that
        # small divergences are exact.
        logits -= self._log_mass
        shrink = self._peaks[layer].raised(logits.amax(-1)).exp()
        self._cross[layer] += torch.einsum("rv,rv->r", self._p, logits)
        q = logits.sub_(self._peaks[layer].value[:, None]).exp_()
        self._mass[layer].mul_(shrink).add_(q.sum(-1))
        if not self._pull:
            return
        if slope is not None:
            self._pulled_p[layer] += self._projection.pulled(self._p * slope, tokens)
            q *= slope
        self._pulled_q[layer].mul_(shrink[:, None]).add_(self._projection.pulled(q, tokens))

    def kl(self) -> Float[Tensor, "layer row"]:
        """D(first || part) in nats of every later part."""
        peak = torch.stack([each.value for each in self._peaks])
        # By rounding it can fall below 0, which it never is.
        return (self._own - self._cross + peak + self._mass.log()).clamp(min=0)

    def gradient_of_normed(self) -> Float[Tensor, "layer row d_model"]:
        """The derivative of the divergence by the normed residuals."""
        pulled = self._pulled_q / self._mass[..., None] - self._pulled_p
        return pulled * self._projection.scale
