"""Divergence and gradient from a part of the vocabulary, where heads are so large that all of it
would be waste.

The final distributions never change: what they ask of the head is computed over all tokens, once.
What a layer says is estimated from tokens drawn anew at each step: each has a chance of its own of
being among them, and counts by 1 / chance (Horvitz & Thompson 1952, JASA 47:663), so that the sum
of exp(logit) over the vocabulary is estimated without bias. Likely tokens are certain to be drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.translators.affine import Translators
from probes.translators.output_map import BLOCK_ROWS, OutputMap
from probes.translators.rows import ResidualRows
from probes.vocabulary import Projection, stream

# Rows on which it is found what each layer's start says.
_TRIED_ROWS = 256
# Share of the chances that all tokens have alike: what nothing hinted at is met as well.
_ALIKE = 0.2
# What is known of the final distribution of every row is kept while it takes no more than this.
_KEPT_BYTES = 2**29


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinalSide:
    """What the final distributions p of some rows ask of the head, over the whole vocabulary."""

    log_mass: Float[Tensor, " row"]
    pulled: Float[Tensor, "row d_model"]
    """Sum over tokens of p times the derivative of a logit by the normed residual, without cap."""
    mean_square: Float[Tensor, " vocab"]
    """Mean over the rows of p^2."""

    def of(self, rows: Int[Tensor, " chosen"]) -> "FinalSide":
        """That of some of the rows."""
        rows = rows.to(self.pulled.device)
        return FinalSide(
            log_mass=self.log_mass[rows],
            pulled=self.pulled[rows],
            mean_square=self.mean_square,
        )


def final_side(rows: ResidualRows, output: OutputMap) -> FinalSide:
    """The final side of all of these rows, in two passes over the vocabulary.

    >>> rows = ResidualRows.of(torch.randn(3, 2, vlm.d_model), ["a", "b", "c"])
    >>> side = final_side(rows, OutputMap.of(vlm.unembedding))
    >>> side.pulled.shape == (3, vlm.d_model), side.mean_square.shape == (vlm.unembedding.n_vocab,)
    (True, True)
    """
    last, parts = rows.of_layers(range(0)), []
    for block in last.blocks(BLOCK_ROWS):
        normed = output.unembedding.norm(block[:, -1].to(output.head.device))
        (log_mass,) = output.log_normalisers([normed])
        found = _Pulled(output.projection, log_mass, normed)
        stream(output.projection, [normed], [found], chunk=output.chunk)
        parts.append((log_mass, found.pulled, found.squares))
    log_masses, pulled, squares = zip(*parts, strict=True)
    return FinalSide(
        log_mass=torch.cat(log_masses),
        pulled=torch.cat(pulled),
        mean_square=torch.stack(squares).sum(0) / len(rows),
    )


class _Pulled:
    """Sums over the vocabulary of the final distributions: a reducer."""

    def __init__(
        self,
        projection: Projection,
        log_mass: Float[Tensor, " row"],
        normed: Float[Tensor, "row d_model"],
    ) -> None:
        self._projection, self._log_mass = projection, log_mass[:, None]
        self.pulled = torch.zeros_like(normed)
        self.squares = torch.zeros(projection.n_vocab, device=normed.device)

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        """Take in a chunk, and overwrite it."""
        p = logits.sub_(self._log_mass).exp_()
        self.pulled += self._projection.scale * self._projection.pulled(p, tokens)
        self.squares[tokens] = p.square_().sum(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledVocabulary:
    """Which tokens are likely at each layer, and what all rows ask of the head."""

    output: OutputMap
    mean_square: Float[Tensor, "layer vocab"]
    """Of each layer's distributions at the start, over some rows."""
    layers: range
    """The number of each layer, as the model counts: draws do not depend on which are together."""
    n_tokens: int
    seed: int
    side: FinalSide | None
    """That of all training rows; None where it is too large to be kept."""

    @classmethod
    def of(
        cls,
        rows: ResidualRows,
        start: Translators,
        output: OutputMap,
        *,
        n_tokens: int,
        seed: int,
        side: FinalSide | None,
    ) -> "SampledVocabulary":
        """For rows whose translators start there."""
        return cls(
            output=output,
            mean_square=_mean_square(rows.thinned(_TRIED_ROWS), start, output),
            layers=rows.layers,
            n_tokens=n_tokens,
            seed=seed,
            side=side,
        )

    def drawn(
        self, step: int, place: int, side: FinalSide
    ) -> tuple[Int[Tensor, " drawn"], Float[Tensor, " drawn"]]:
        """The tokens of a step at one layer, and what is added to their logits: -log(chance)."""
        likely = (self.mean_square[place] + side.mean_square).cpu().double().sqrt()
        chances = inclusion_chances(likely, self.n_tokens)
        generator = torch.Generator().manual_seed(
            ((self.seed * 1_000_003 + step) * 1_009 + self.layers[place]) % 2**63
        )
        ids = systematic_sample(chances, generator)
        device = self.output.head.device
        return ids.to(device), -chances[ids].log().float().to(device)

    def kl_with_gradient(
        self,
        translated: Float[Tensor, "layer row d_model"],
        final: Float[Tensor, "row d_model"],
        side: FinalSide,
        drawn: Sequence[tuple[Int[Tensor, " drawn"], Float[Tensor, " drawn"]]],
    ) -> tuple[Float[Tensor, "layer row"], Float[Tensor, "layer row d_model"]]:
        """Estimates of what `output_map.kl_with_gradient` gives; `side` is that of these rows."""
        norm = self.output.unembedding.norm
        with torch.enable_grad():
            leaf = translated.detach().requires_grad_()
            graph = norm(leaf)
        found = []
        with torch.no_grad():
            normed, normed_final = graph.detach(), norm(final)
            for place, (ids, added) in enumerate(drawn):
                part = self.output.projection.of_tokens(ids)
                one = _without_cap if part.soft_cap is None else _with_cap
                found.append(one(part, added, normed[place], normed_final, side))
        slope = torch.stack([each for _, each in found]).to(graph.dtype)
        return torch.stack([kl for kl, _ in found]), torch.autograd.grad(graph, leaf, slope)[0]


def kept_side(rows: ResidualRows, output: OutputMap) -> FinalSide | None:
    """The final side of all training rows; None where a step has to find that of its own rows.

    >>> output = OutputMap.of(vlm.unembedding)
    >>> rows = ResidualRows.of(torch.randn(3, 2, vlm.d_model), ["a", "b", "c"])
    >>> kept_side(rows, output).pulled.shape == (3, vlm.d_model)
    True
    """
    return final_side(rows, output) if 4 * len(rows) * rows.d_model <= _KEPT_BYTES else None


def _without_cap(
    part: Projection,
    added: Float[Tensor, " drawn"],
    normed: Float[Tensor, "row d_model"],
    final: Float[Tensor, "row d_model"],
    side: FinalSide,
) -> tuple[Float[Tensor, " row"], Float[Tensor, "row d_model"]]:
    """Here a logit's derivative is a row of the head, so the final side is known exactly."""
    every = slice(0, part.n_vocab)
    weighted = part(normed, every).add_(added)
    log_mass = weighted.logsumexp(-1)
    q = weighted.sub_(log_mass[:, None]).exp_()
    slope = part.scale * part.pulled(q, every) - side.pulled
    # What a logit has beside its product with the head is the same in both, and so drops out.
    return (side.pulled * (final - normed)).sum(-1) + log_mass - side.log_mass, slope


def _with_cap(
    part: Projection,
    added: Float[Tensor, " drawn"],
    normed: Float[Tensor, "row d_model"],
    final: Float[Tensor, "row d_model"],
    side: FinalSide,
) -> tuple[Float[Tensor, " row"], Float[Tensor, "row d_model"]]:
    """A cap's slope differs by layer: the final side, too, is estimated from what was drawn."""
    every = slice(0, part.n_vocab)
    logits = part(normed, every)
    bend = part.slope(logits)
    if bend is None:
        raise ValueError("need an output map with a soft cap")
    log_p = part(final, every) - side.log_mass[:, None]
    p = (log_p + added).softmax(-1)
    log_q = logits - (logits + added).logsumexp(-1)[:, None]
    slope = ((log_q + added).exp() - p) * bend
    return (p * (log_p - log_q)).sum(-1), part.scale * part.pulled(slope, every)


def inclusion_chances(likely: Float[Tensor, " vocab"], n_tokens: int) -> Float[Tensor, " vocab"]:
    """Each token's chance of being drawn, about in proportion to `likely`; together `n_tokens`.

    What would have more than 1 is certain, and the others share what is left.

    >>> inclusion_chances(torch.tensor([8.0, 1.0, 1.0, 0.0], dtype=torch.float64), 2)
    tensor([1.0000, 0.4194, 0.4194, 0.1613], dtype=torch.float64)
    """
    n_vocab = len(likely)
    if n_tokens >= n_vocab:
        return torch.ones_like(likely)
    total = likely.sum()
    share = likely / total if total > 0 else torch.zeros_like(likely)
    share = (1 - _ALIKE) * share + _ALIKE / n_vocab
    ranked = share.sort(descending=True).values
    # With the first k certain, the rest has the factor (n_tokens - k) / (sum of the rest); k is
    # the least for which that leaves nobody above 1.
    certain = torch.arange(n_tokens, dtype=ranked.dtype)
    rest = ranked.sum() - torch.cat([ranked.new_zeros(1), ranked.cumsum(0)])[:n_tokens]
    factors = (n_tokens - certain) / rest.clamp(min=torch.finfo(ranked.dtype).tiny)
    fits = ranked[:n_tokens] * factors <= 1
    least = int(fits.nonzero()[0]) if bool(fits.any()) else n_tokens - 1
    return (share * factors[least]).clamp(max=1)


def systematic_sample(
    chances: Float[Tensor, " vocab"], generator: torch.Generator
) -> Int[Tensor, " drawn"]:
    """Tokens, each drawn with its own chance, and as many of them as the chances add up to.

    Madow (1949), Annals of Mathematical Statistics 20:333: equally spaced marks from a random
    start, and every token on whose stretch one falls.

    >>> chances = torch.tensor([1.0, 0.5, 0.5, 1.0], dtype=torch.float64)
    >>> found = systematic_sample(chances, torch.Generator().manual_seed(0))
    >>> len(found), found[0].item(), found[-1].item()
    (3, 0, 3)
    """
    start = torch.rand(1, generator=generator, dtype=chances.dtype)
    marks = torch.floor(torch.cat([chances.new_zeros(1), chances.cumsum(0)]) + start)
    return ((marks.diff() > 0) | (chances >= 1)).nonzero()[:, 0]


@torch.no_grad()
def _mean_square(
    rows: ResidualRows, start: Translators, output: OutputMap
) -> Float[Tensor, "layer vocab"]:
    """Mean over rows of the square of each token's probability, at each layer."""
    sums = torch.zeros(rows.n_layers, output.projection.n_vocab, device=output.head.device)
    for block in rows.blocks(BLOCK_ROWS):
        normed = [*output.unembedding.norm(start.apply(block))]
        log_mass = output.log_normalisers(normed)
        stream(output.projection, normed, [_Squares(sums, log_mass)], chunk=output.chunk)
    return sums / len(rows)


class _Squares:
    """Adds the squares of probabilities to `sums`: a reducer."""

    def __init__(
        self, sums: Float[Tensor, "layer vocab"], log_mass: Sequence[Float[Tensor, " row"]]
    ) -> None:
        self._sums, self._log_mass = sums, log_mass

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        p = (logits - self._log_mass[part][:, None]).exp()
        self._sums[part, tokens] += p.square().sum(0)
