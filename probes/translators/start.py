"""The start of refinement: the logit lens, or where that is better a ridge regression."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap
from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows
from probes.translators.second_moments import SecondMoments, second_moments

LOGIT_LENS, RIDGE, REFINED = "logit_lens", "ridge", "refined"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Translators with what they were chosen by; divergences in nats."""

    translators: Translators
    kept: tuple[str, ...]
    """What was best at each layer: logit_lens, ridge or refined."""
    validation: Float[Tensor, " layer"]
    guard: Float[Tensor, " layer"]
    """Mean divergence on the training rows that guard against getting worse."""

    def improved(
        self,
        candidate: Translators,
        kind: str,
        guard: ResidualRows,
        validation: Float[Tensor, " layer"],
        output: OutputMap,
    ) -> "Chosen":
        """The candidate at the layers where it is better on validation rows and no worse on the
        training rows; at the others what was chosen before."""
        on_training = kl_by_layer(guard, candidate, output)
        better = (validation < self.validation) & (on_training <= self.guard)
        return Chosen(
            translators=self.translators.where(better.to(output.head.device), candidate),
            kept=tuple(
                kind if new else old for new, old in zip(better.tolist(), self.kept, strict=True)
            ),
            validation=torch.where(better, validation, self.validation),
            guard=torch.where(better, on_training, self.guard),
        )


def closed_form_start(
    train: ResidualRows, validation: ResidualRows, output: OutputMap, recipe: Recipe
) -> tuple[Chosen, SecondMoments]:
    """The best of the logit lens and the ridge path at each layer, and the moments of the rows.

    >>> final = torch.randn(40, 1, vlm.d_model, generator=torch.Generator().manual_seed(0))
    >>> rows = ResidualRows.of(torch.cat([final - 1, final], dim=1), [str(n) for n in range(40)])
    >>> output = OutputMap.of(vlm.unembedding)
    >>> start, _ = closed_form_start(rows, rows, output, Recipe())  # an offset of 1 mends it
    >>> start.kept, start.validation.max().item() < 0.001
    (('ridge',), True)
    """
    moments = second_moments(train, moments_device(output.head.device))
    guard = train.thinned(recipe.guard_rows)
    nothing = Translators.zero(train.n_layers, train.d_model).on(output.head.device)
    start = Chosen(
        translators=nothing,
        kept=(LOGIT_LENS,) * train.n_layers,
        validation=kl_by_layer(validation, nothing, output),
        guard=kl_by_layer(guard, nothing, output),
    )
    if not recipe.ridge:
        return start, moments
    best, least = nothing, torch.full_like(start.validation, torch.inf)
    for strength in recipe.ridge:
        maps, offsets = moments.ridge(strength)
        if recipe.rank is not None:
            maps, offsets = _reduced(moments, maps, recipe.rank)
        candidate = Translators(maps=maps, offsets=offsets).on(output.head.device)
        found = kl_by_layer(validation, candidate, output)
        best = best.where((found < least).to(output.head.device), candidate)
        least = torch.minimum(found, least)
    return start.improved(best, RIDGE, guard, least, output), moments


def moments_device(device: torch.device) -> torch.device:
    """Where moments are made, which need float64: there, or on the CPU beside Apple's GPUs.

    >>> moments_device(torch.device("mps")), moments_device(torch.device("cuda:1"))
    (device(type='cpu'), device(type='cuda', index=1))
    """
    return torch.device("cpu") if device.type == "mps" else device


def _reduced(
    moments: SecondMoments, maps: Float[Tensor, "layer d_model d_model"], rank: int
) -> tuple[Float[Tensor, "layer d_model d_model"], Float[Tensor, "layer d_model"]]:
    """The nearest maps of that rank, near as the data see it: what they put out differs least."""
    whitener = moments.whitener()
    outputs = torch.linalg.solve(whitener.mT, maps.mT).mT  # maps = outputs @ whitener
    left = torch.linalg.svd(outputs, full_matrices=False)[0][:, :, :rank]
    maps = left @ (left.mT @ maps)
    shift = torch.einsum("loi,li->lo", maps.double(), moments.mean)
    return maps, (moments.target_mean - moments.mean - shift).float()
