"""Claims about strata of few scenes, and about scenes that make up most of the variance."""

from collections.abc import Iterator

import numpy as np

from analysis.validate.scale import Finding, Scale
from stats import cluster_bootstrap, heavy_tails
from stats.shuffled_labels import LEAST_SCENES
from stats.simulate import simulated_scores
from stats.swapped_images import scene_pseudo_values

_SECTION = "8a"
_SCENES = 60


def strata_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of intervals from the rows of scenes, in strata of five and of two scenes.

    The first bound for strata of five was .93 to .97, and the coverage of .99 lay above it: the
    jackknife's variance errs upward, the more the smaller the strata. Since then no upper bound is
    claimed.
    """
    repetitions = max(100, scale.repetitions // 4)
    for size, least, most in ((LEAST_SCENES, 0.93, 1.0), (2, 0.0, 0.9)):
        rng, rows = scale.rng(27, size), np.empty((_SCENES, repetitions))
        for place in range(repetitions):
            data = simulated_scores(
                rng, np.array([2.0]), n_scenes=_SCENES, n_strata=_SCENES // size
            )
            scene = np.arange(_SCENES)
            rows[:, place] = scene_pseudo_values(data.scores, data.answers, data.strata, scene)[
                :, 0
            ]
        interval = cluster_bootstrap(rows, np.arange(_SCENES), rng=rng, n_resamples=999)
        held = float(((interval.low <= 2) & (interval.high >= 2)).mean())
        name = f"rows of scenes in strata of {size}" + (" fail" if size < LEAST_SCENES else "")
        yield scale.rate(_SECTION, name, held, least, most, measures="coverage",
                         repetitions=repetitions)  # fmt: skip


def heavy_tail_claims(scale: Scale) -> Iterator[Finding]:
    """How often a note is given where one in 50 scenes is at -20 bits: if the sample has such a
    scene, and not if it has none."""
    rng, drawn, told, plain = scale.rng(28), 0, 0, 0
    for _ in range(scale.repetitions):
        rows = rng.standard_normal((50, 4))
        plain += heavy_tails(rows).heavy
        rare = rng.random(50) < 0.02
        rows[rare] -= 20
        # More than two of 50 are no longer fewer than 5%.
        if 0 < rare.sum() <= 2:
            drawn, told = drawn + 1, told + heavy_tails(rows).heavy
    yield scale.rate(_SECTION, "heavy tails, told where there are", told / drawn, 0.95, 1.0,
                     measures="power", repetitions=drawn)  # fmt: skip
    yield scale.rate(_SECTION, "heavy tails, told of normal scenes", plain / scale.repetitions,
                     0.0, 0.01)  # fmt: skip
