"""Kullback-Leibler divergence through the unembedding, and its gradient, in bounded memory."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from probes.unembedding import Unembedding

# Rows of a block and tokens of a chunk: their logits, 8 MiB, stay near the processor.
BLOCK_ROWS = 512
_CHUNK_TOKENS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class OutputMap:
    """An unembedding whose products with the head are done in one number format."""

    unembedding: Unembedding
    head: Float[Tensor, "vocab d_model"]
    chunk: int = _CHUNK_TOKENS

    @classmethod
    def of(
        cls,
        unembedding: Unembedding,
        products: Literal["float32", "bfloat16"] = "float32",
        chunk: int = _CHUNK_TOKENS,
    ) -> "OutputMap":
        return cls(unembedding, unembedding.head.to(getattr(torch, products)), chunk)

    def slices(self) -> list[slice]:
        """Chunks of the vocabulary."""
        return [slice(s, s + self.chunk) for s in range(0, self.unembedding.n_vocab, self.chunk)]

    def logits(
        self, normed: Float[Tensor, "*batch d_model"], tokens: slice
    ) -> Float[Tensor, "*batch chosen"]:
        """Logits of some tokens, of residuals already normed."""
        unembedding = self.unembedding
        logits = (normed.to(self.head.dtype) @ self.head[tokens].T).float()
        if unembedding.bias is not None:
            logits += unembedding.bias[tokens].float()
        if unembedding.scale != 1:
            logits *= unembedding.scale
        if unembedding.soft_cap is not None:
            logits = unembedding.soft_cap * torch.tanh(logits / unembedding.soft_cap)
        return logits

    def slope(self, logits: Float[Tensor, "row chosen"]) -> Float[Tensor, "row chosen"] | None:
        """Derivative of the soft cap at its output; None without a cap."""
        cap = self.unembedding.soft_cap
        return None if cap is None else 1 - (logits / cap).square()

    def pulled(
        self, weights: Float[Tensor, "row chosen"], tokens: slice
    ) -> Float[Tensor, "row d_model"]:
        """The head's rows summed with `weights`: from the vocabulary back to the normed space."""
        return (weights.to(self.head.dtype) @ self.head[tokens]).float()

    def log_normaliser(self, normed: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch"]:
        """log of the sum of exp(logits) over the vocabulary."""
        parts = [self.logits(normed, tokens).logsumexp(-1) for tokens in self.slices()]
        return torch.stack(parts).logsumexp(0)


def kl_nats(
    translated: Float[Tensor, "layer row d_model"],
    final: Float[Tensor, "row d_model"],
    output: OutputMap,
) -> Float[Tensor, "layer row"]:
    """D(final || translated) over the whole vocabulary, in nats; both are raw residuals."""
    return _Pass(translated, final, output, pull=False).kl()


def kl_with_gradient(
    translated: Float[Tensor, "layer row d_model"],
    final: Float[Tensor, "row d_model"],
    output: OutputMap,
) -> tuple[Float[Tensor, "layer row"], Float[Tensor, "layer row d_model"]]:
    """The same with its derivative by `translated`; logits are never kept, not even one chunk's.

    The derivative by a logit is q - p, so what is carried from chunk to chunk is the head's mean
    under p and, relative to the largest logit so far, under q.
    """
    done = _Pass(translated, final, output, pull=True)
    return done.kl(), done.gradient()


class _Pass:
    """One pass over the vocabulary for all layers of a block of rows."""

    @torch.no_grad()
    def __init__(
        self,
        translated: Float[Tensor, "layer row d_model"],
        final: Float[Tensor, "row d_model"],
        output: OutputMap,
        *,
        pull: bool,
    ) -> None:
        norm = output.unembedding.norm
        self._output, self._pull = output, pull
        self._leaf = translated.detach().requires_grad_(pull)
        with torch.set_grad_enabled(pull):
            self._graph = norm(self._leaf)
        self._normed = self._graph.detach()
        n_layers, n_rows, _ = translated.shape
        self._peak = translated.new_full((n_layers, n_rows), -math.inf)
        self._mass = translated.new_zeros((n_layers, n_rows))
        self._cross = translated.new_zeros((n_layers, n_rows))
        self._own = translated.new_zeros(n_rows)
        if pull:
            self._pulled_q = torch.zeros_like(self._normed)
            # Without a cap the head's mean under p is the same for all layers.
            capped = output.unembedding.soft_cap is not None
            self._pulled_p = torch.zeros_like(self._normed if capped else self._normed[:1])
        final_normed = norm(final)
        self._log_mass = output.log_normaliser(final_normed)[:, None]
        for tokens in output.slices():
            log_p = output.logits(final_normed, tokens) - self._log_mass
            p = log_p.exp()
            self._own += (p * log_p).sum(-1)
            if pull and not capped:
                self._pulled_p[0] += output.pulled(p, tokens)
            for layer in range(n_layers):
                self._add(layer, p, tokens)

    def _add(self, layer: int, p: Float[Tensor, "row chosen"], tokens: slice) -> None:
        output = self._output
        logits = output.logits(self._normed[layer], tokens)
        slope = output.slope(logits) if self._pull else None
        # A shift of all logits changes nothing; this one keeps what is summed small, so that
        # small divergences are exact.
        logits -= self._log_mass
        peak = torch.maximum(self._peak[layer], logits.amax(-1))
        shrink = (self._peak[layer] - peak).exp()
        self._peak[layer] = peak
        self._cross[layer] += torch.einsum("rv,rv->r", p, logits)
        q = logits.sub_(peak[:, None]).exp_()
        self._mass[layer].mul_(shrink).add_(q.sum(-1))
        if not self._pull:
            return
        if slope is not None:
            self._pulled_p[layer] += output.pulled(p * slope, tokens)
            q *= slope
        self._pulled_q[layer].mul_(shrink[:, None]).add_(output.pulled(q, tokens))

    def kl(self) -> Float[Tensor, "layer row"]:
        # By rounding it can fall below 0, which it never is.
        return (self._own - self._cross + self._peak + self._mass.log()).clamp(min=0)

    def gradient(self) -> Float[Tensor, "layer row d_model"]:
        pulled = self._pulled_q / self._mass[..., None] - self._pulled_p
        pulled *= self._output.unembedding.scale
        return torch.autograd.grad(self._graph, self._leaf, pulled.to(self._graph.dtype))[0]
