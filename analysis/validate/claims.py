"""The claims of the statistics package, each as a simulation with its bound.

A negative control is a claim too: it says that the usual method fails on the same data.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
from scipy.stats import permutation_test, ttest_1samp

from analysis.validate.causes import cause_claims
from analysis.validate.competition import competition_claims
from analysis.validate.concept import concept_claims
from analysis.validate.course import course_claims
from analysis.validate.decisions import (
    decoder_claims,
    readout_order_claims,
    slow_crossing_claims,
)
from analysis.validate.detection import detection_claims
from analysis.validate.layers import layer_claims
from analysis.validate.order import order_claims, order_power
from analysis.validate.pooling import pooling_claims
from analysis.validate.readouts import readout_claims
from analysis.validate.scale import Finding, Scale
from analysis.validate.shares_and_areas import area_claims, share_claims
from analysis.validate.smooth_functions import smooth_function_claims
from analysis.validate.strata import heavy_tail_claims, strata_claims
from analysis.validate.two_samples import overtaking_claims, two_sample_claims
from analysis.validate.worlds import world_claims
from stats import (
    adjusted_p,
    cluster_bootstrap,
    equivalence,
    shuffled_label_test,
    sign_flip_max_t,
)
from stats.multiplicity import Correction
from stats.simulate import Noise, clustered_items, noise, simulated_scores

__all__ = ["CLAIMS", "Finding", "Scale"]

_FLIPS = 499
_LAYERS = 12


def family_wise_error(scale: Scale) -> Iterator[Finding]:
    """Family-wise error of the sign-flip test by the maximum t where there is no effect; beside it
    that of unadjusted t tests."""
    cells: list[tuple[Noise, int]] = [
        (kind, n) for kind in ("normal", "t3", "zero_one") for n in (50, 200)
    ]
    for kind, n_scenes in [*cells, ("zero_one", 20)]:
        share, uncorrected = _family_wise(scale, kind, n_scenes)
        least = 0.0 if n_scenes == 20 else 0.04
        name = f"max-T FWER, {kind}, n={n_scenes}"
        yield scale.rate("1", name, share, least, 0.06)
        if kind == "normal":
            yield scale.rate("1", f"uncorrected fails, n={n_scenes}", uncorrected, 0.3, 1.0)


def _family_wise(scale: Scale, kind: Noise, n_scenes: int) -> tuple[float, float]:
    rng = scale.rng(1, n_scenes, ["normal", "t3", "zero_one"].index(kind))
    right = wrong = 0
    for _ in range(scale.repetitions):
        effect = noise(rng, (n_scenes, _LAYERS), kind=kind)
        right += sign_flip_max_t(effect, rng=rng, n_resamples=_FLIPS).omnibus_p <= 0.05
        wrong += np.asarray(ttest_1samp(effect, 0, alternative="greater"))[1].min() <= 0.05
    return right / scale.repetitions, wrong / scale.repetitions


def enumeration(scale: Scale) -> Iterator[Finding]:
    """The enumeration of all sign flips equals scipy's exact test at one layer, and a plain loop at
    several."""
    worst_scipy = worst_loop = 0.0
    rng = scale.rng(2)
    for n_scenes in (3, 8, 12):
        effect = rng.standard_normal((n_scenes, 1)) + 0.4
        theirs = permutation_test(
            (effect[:, 0],), np.mean, permutation_type="samples", alternative="greater",
            n_resamples=2**n_scenes,
        ).pvalue  # fmt: skip
        ours = sign_flip_max_t(effect, rng=rng).omnibus_p
        worst_scipy = max(worst_scipy, float(abs(ours - theirs)))
    effect = rng.standard_normal((8, 5)) + 0.4

    def t(rows: np.ndarray) -> np.ndarray:
        return rows.mean(axis=0) / rows.std(axis=0, ddof=1)

    null = [t(effect * np.array(signs)[:, None]).max() for signs in product([1, -1], repeat=8)]
    loop = [(np.array(null) >= one - 1e-12).mean() for one in t(effect)]
    worst_loop = float(np.abs(sign_flip_max_t(effect, rng=rng).p - loop).max())
    yield scale.value("2", "enumeration against scipy, largest difference", worst_scipy, 0.0, 1e-12)
    yield scale.value("2", "enumeration against a loop, largest difference", worst_loop, 0.0, 1e-12)


def bootstrap_coverage(scale: Scale) -> Iterator[Finding]:
    """Coverage of the bootstrap-t that redraws scenes; the one that redraws items must fail on the
    same data."""
    cells: list[tuple[Noise, int]] = [("normal", 20), ("normal", 100), ("skewed", 50)]
    for kind, n_scenes in cells:
        values, scene = clustered_items(
            scale.rng(3, n_scenes), n_scenes=n_scenes, n_questions=4,
            n_columns=scale.repetitions, intraclass=0.4, kind=kind,
        )  # fmt: skip
        covered = []
        for clusters in (scene, np.arange(len(scene))):
            found = cluster_bootstrap(
                values, clusters, rng=scale.rng(3, 1), n_resamples=1999, method="studentized"
            )
            covered.append(float(((found.low <= 0) & (found.high >= 0)).mean()))
        name = f"{kind}, {n_scenes} scenes"
        yield scale.rate("3", f"bootstrap-t coverage, {name}", covered[0], 0.93, 0.97,
                         measures="coverage")  # fmt: skip
        yield scale.rate("3", f"by item fails, {name}", covered[1], 0.0, 0.9, measures="coverage")


def shuffled_null(scale: Scale) -> Iterator[Finding]:
    """Type-I error of the relabelling test, and coverage of intervals from the rows that it
    returns."""
    for image_sd in (0.0, 1.0):
        rng = scale.rng(7, int(image_sd))
        rejected = 0
        for _ in range(scale.repetitions):
            data = simulated_scores(
                rng, np.zeros(5), n_scenes=60, n_strata=3, image_sd=image_sd, answer_sd=1.0
            )
            rejected += (
                shuffled_label_test(
                    data.scores, data.answers, data.strata, rng=rng, n_resamples=199
                ).omnibus_p
                <= 0.05
            )
        name = f"shuffled-image null, image main effects {image_sd:g}"
        yield scale.rate("7", name, rejected / scale.repetitions, 0.04, 0.06)
    for image_sd, confidence in ((0.0, 0.0), (4.0, 0.0), (0.0, 1.0)):
        yield from _scene_rows(scale, image_sd, confidence)


def _scene_rows(scale: Scale, image_sd: float, confidence: float) -> Iterator[Finding]:
    rng = scale.rng(7, 10, int(image_sd + 10 * confidence))
    rows, naive = np.empty((2, 150, scale.repetitions))
    for repetition in range(scale.repetitions):
        data = simulated_scores(
            rng, np.array([2.0]), n_scenes=150, image_sd=image_sd, confidence=confidence
        )
        found = shuffled_label_test(data.scores, data.answers, data.strata, rng=rng, n_resamples=1)
        rows[:, repetition] = found.scene_effect[:, 0]
        naive[:, repetition] = (found.real - found.control)[:, 0]
    shares = []
    for values in (rows, naive):
        interval = cluster_bootstrap(values, np.arange(150), rng=rng, n_resamples=999)
        shares.append(float(((interval.low <= 2) & (interval.high >= 2)).mean()))
    name = f"images {image_sd:g}, confidence {confidence:g}"
    coverage = partial(scale.rate, "7", measures="coverage")
    yield coverage(f"shuffled effect coverage, {name}", shares[0], 0.93, 0.97)
    if image_sd:
        yield coverage(f"fixed control fails, {name}", shares[1], 0.98, 1.0)
    if confidence:
        yield coverage(f"fixed control fails, {name}", shares[1], 0.0, 0.9)


def equivalence_and_multiplicity(scale: Scale) -> Iterator[Finding]:
    """Errors of the equivalence test (TOST) where the difference lies on the margin; Holm, BH and
    BY against R's p.adjust."""
    sample = 0.5 + scale.rng(9).standard_normal((60, scale.repetitions))
    share = float(equivalence(sample, margin=0.5).equivalent.mean())
    yield scale.rate("9", "TOST false claims on the margin", share, 0.04, 0.06)
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.9])
    # R 4.2.2, p.adjust; the script is tests/stats/reference/reference.R.
    expected = {
        "holm": [0.01, 0.072, 0.312, 0.312, 0.312, 0.312, 0.312, 0.615, 0.615, 0.9],
        "bh": [0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.74 / 7, 0.212 / 0.9, 0.212 / 0.9, 0.9],
    }
    # BY is BH times the harmonic number, at most 1.
    expected["by"] = np.minimum(1, np.sum(1 / np.arange(1, 11)) * np.array(expected["bh"])).tolist()
    corrections: tuple[Correction, ...] = ("holm", "bh", "by")
    for correction in corrections:
        name = f"{correction} against R, largest difference"
        gap = np.abs(adjusted_p(p, correction=correction) - expected[correction]).max()
        yield scale.value("9", name, float(gap), 0.0, 1e-12)


def _pooling_in_short(scale: Scale) -> Iterator[Finding]:
    """The claims about pooling on fewer data sets, since each data set is a study of several
    models."""
    yield from pooling_claims(replace(scale, repetitions=scale.repetitions // 6))


CLAIMS: dict[str, Callable[[Scale], Iterator[Finding]]] = {
    "family_wise_error": family_wise_error,
    "enumeration": enumeration,
    "bootstrap_coverage": bootstrap_coverage,
    "layers": layer_claims,
    "course": course_claims,
    "worlds": world_claims,
    "readouts": readout_claims,
    "order": order_claims,
    "order_power": order_power,
    "shuffled_null": shuffled_null,
    "equivalence": equivalence_and_multiplicity,
    "two_samples": two_sample_claims,
    "overtaking": overtaking_claims,
    "competition": competition_claims,
    "concept": concept_claims,
    "areas": area_claims,
    "shares": share_claims,
    "smooth_functions": smooth_function_claims,
    "causes": cause_claims,
    "detection": detection_claims,
    "decoder": decoder_claims,
    "readout_order": readout_order_claims,
    "slow_crossing": slow_crossing_claims,
    "strata": strata_claims,
    "heavy_tails": heavy_tail_claims,
    "pooling": _pooling_in_short,
}
