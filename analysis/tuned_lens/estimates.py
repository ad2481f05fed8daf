"""Tuned lens against logit lens on held-out scenes: means over scenes, intervals and tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.streams import Stream
from data_prep.errors import UserError
from stats import cluster_bootstrap, sign_flip_max_t
from stats.scenes import scene_rows

if TYPE_CHECKING:
    from probes.lens_quality import LensQuality

LENSES = ("logit_lens", "tuned_lens")
_MIN_SCENES = 10


def compare_lenses(
    logit_lens: "LensQuality",
    tuned_lens: Sequence["LensQuality"],
    scene_ids: Sequence[str],
    *,
    rng: Callable[[Stream], np.random.Generator],
    level: float,
    n_resamples: int,
) -> dict[str, Any]:
    """Both lenses on the same rows, layers 0..L, as plain numbers.

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

    def interval(values: Float[ndarray, "row *column"], stream: Stream) -> list[dict[str, float]]:
        found = cluster_bootstrap(
            values, list(scene_ids), rng=rng(stream), level=level, n_resamples=n_resamples
        )
        ends = (np.atleast_1d(x).tolist() for x in (found.estimate, found.low, found.high))
        return [
            {"estimate": estimate, "low": low, "high": high}
            for estimate, low, high in zip(*ends, strict=True)
        ]

    kl = dict(
        zip(LENSES, (interval(q.kl_bits, Stream.LENS_KL) for q in (logit_lens, tuned)), strict=True)
    )
    test = sign_flip_max_t(
        scene_rows(gain[:, :-1], scene_ids), rng=rng(Stream.LENS_TEST), n_resamples=n_resamples
    )
    layers = _layer_rows(
        (logit_lens, *tuned_lens),
        scene_ids,
        kl=kl,
        gains=interval(gain, Stream.LENS_GAIN),
        p=test.p,
    )
    depths = [q.prediction_depth().astype(float) for q in (logit_lens, tuned)]
    return {
        "layers": layers,
        "prediction_depth": {
            lens: interval(depth, Stream.LENS_DEPTH)[0]
            for lens, depth in zip(LENSES, depths, strict=True)
        },
        "omnibus_p": test.omnibus_p,
        "n_scenes": n_scenes,
        "n_rows": len(scene_ids),
        "n_seeds": len(tuned_lens),
        "level": level,
        "n_resamples": n_resamples,
    }


def _layer_rows(
    qualities: "Sequence[LensQuality]",
    scene_ids: Sequence[str],
    *,
    kl: Mapping[Any, list[dict[str, float]]],
    gains: list[dict[str, float]],
    p: Float[ndarray, " below"],
) -> list[dict[str, Any]]:
    """A row per layer; `qualities` are the logit lens's and those of the seeds."""
    both = qualities[:2]
    entropy = [
        None
        if each.cross_entropy_bits is None
        else scene_rows(each.cross_entropy_bits, scene_ids).mean(0)
        for each in both
    ]
    seeds = np.array([scene_rows(each.kl_bits, scene_ids).mean(0) for each in qualities[1:]])
    spread = seeds.std(axis=0, ddof=1) if len(seeds) > 1 else np.zeros(seeds.shape[1])
    return [
        {
            "layer": layer,
            "kl_bits": {lens: kl[lens][layer] for lens in LENSES},
            "gain_bits": gains[layer],
            "p": p[layer].item() if layer < len(p) else None,
            "seed_spread_bits": spread[layer].item(),
            "cross_entropy_bits": {
                lens: None if each is None else each[layer].item()
                for lens, each in zip(LENSES, entropy, strict=True)
            },
            "bias_bits": {
                lens: each.bias_bits[layer].item() for lens, each in zip(LENSES, both, strict=True)
            },
        }
        for layer in range(len(gains))
    ]
