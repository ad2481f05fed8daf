"""Compares tuned lens and logit lens on held-out scenes: means over scenes, intervals and tests."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.streams import Stream
from analysis.tuned_lens.found import ByLens, ComparedLenses, LensLayer
from data_prep.errors import UserError
from stats import cluster_bootstrap, sign_flip_max_t
from stats.scenes import scene_rows

if TYPE_CHECKING:
    from probes.lens_quality import LensQuality

_MIN_SCENES = 10


def compare_lenses(
    logit_lens: "LensQuality",
    tuned_lens: Sequence["LensQuality"],
    scene_ids: Sequence[str],
    *,
    rng: Callable[[Stream], np.random.Generator],
    level: float,
    n_resamples: int,
) -> ComparedLenses:
    """Both lenses on the same rows, layers 0..L.

    `tuned_lens` has one quality per training seed: the first is reported, the others show the
    spread. Divergences, cross-entropies and biases are in bits. The gain is the divergence of the
    logit lens minus that of the tuned lens; its p is one-sided, from sign flips per scene,
    adjusted over the layers below the last. `rng` gives the generator of a
    stream. UserError for too few scenes.
    """
    n_scenes = len(set(scene_ids))
    if n_scenes < _MIN_SCENES:
        raise UserError(
            f"need at least {_MIN_SCENES} test scenes to judge a lens, got {n_scenes}: use more"
        )
    tuned = tuned_lens[0]
    gain = logit_lens.kl_bits - tuned.kl_bits

    def interval(values: Float[ndarray, "row *column"], stream: Stream) -> list[Interval]:
        found = cluster_bootstrap(
            values, list(scene_ids), rng=rng(stream), level=level, n_resamples=n_resamples
        )
        ends = (np.atleast_1d(x).tolist() for x in (found.estimate, found.low, found.high))
        return [
            Interval(estimate=estimate, low=low, high=high)
            for estimate, low, high in zip(*ends, strict=True)
        ]

    both = [interval(each.kl_bits, Stream.LENS_KL) for each in (logit_lens, tuned)]
    test = sign_flip_max_t(
        scene_rows(gain[:, :-1], scene_ids), rng=rng(Stream.LENS_TEST), n_resamples=n_resamples
    )
    layers = _layer_rows(
        (logit_lens, *tuned_lens),
        scene_ids,
        kl=[ByLens(logit_lens=one, tuned_lens=other) for one, other in zip(*both, strict=True)],
        gains=interval(gain, Stream.LENS_GAIN),
        p=test.p,
    )
    depths = [
        interval(each.prediction_depth().astype(float), Stream.LENS_DEPTH)[0]
        for each in (logit_lens, tuned)
    ]
    return ComparedLenses(
        layers=layers,
        prediction_depth=ByLens(logit_lens=depths[0], tuned_lens=depths[1]),
        omnibus_p=test.omnibus_p,
        n_scenes=n_scenes,
        n_rows=len(scene_ids),
        n_seeds=len(tuned_lens),
        level=level,
        n_resamples=n_resamples,
    )


def _layer_rows(
    qualities: "Sequence[LensQuality]",
    scene_ids: Sequence[str],
    *,
    kl: Sequence[ByLens[Interval]],
    gains: Sequence[Interval],
    p: Float[ndarray, " below"],
) -> tuple[LensLayer, ...]:
    """A row per layer; `qualities` are that of the logit lens and those of each training seed."""
    logit_lens, tuned = qualities[:2]
    entropies = [_cross_entropy(each, scene_ids, len(gains)) for each in (logit_lens, tuned)]
    seeds = np.array([scene_rows(each.kl_bits, scene_ids).mean(0) for each in qualities[1:]])
    spread = seeds.std(axis=0, ddof=1) if len(seeds) > 1 else np.zeros(seeds.shape[1])
    return tuple(
        LensLayer(
            layer=layer,
            kl_bits=kl[layer],
            gain_bits=gains[layer],
            p=p[layer].item() if layer < len(p) else None,
            seed_spread_bits=spread[layer].item(),
            cross_entropy_bits=ByLens(
                logit_lens=entropies[0][layer], tuned_lens=entropies[1][layer]
            ),
            bias_bits=ByLens(
                logit_lens=logit_lens.bias_bits[layer].item(),
                tuned_lens=tuned.bias_bits[layer].item(),
            ),
        )
        for layer in range(len(gains))
    )


def _cross_entropy(
    quality: "LensQuality", scene_ids: Sequence[str], n_layers: int
) -> Sequence[float | None]:
    """The cross-entropy by layer, as mean over scenes; None where no answer is due."""
    if quality.cross_entropy_bits is None:
        return [None] * n_layers
    return scene_rows(quality.cross_entropy_bits, scene_ids).mean(0).tolist()
