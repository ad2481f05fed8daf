"""Claims about yes/no questions on matched pairs of scenes: areas under the curve, their
differences, and whether a mitigation does more than shift; beside them what fails."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy import ndarray
from scipy.stats import ttest_1samp, ttest_rel

from analysis.validate.causes import half_of
from analysis.validate.scale import Finding, Scale
from analysis.validate.yes_no_answers import answer_claims
from stats import (
    against_constant_shift,
    area_difference,
    area_under_curve,
    clustered_area,
    clusters_for_area_gain,
    sign_flip_max_t,
    swap_contrasts,
)
from stats.simulate import noise
from stats.simulated_detection import (
    DEFAULT_SHARES,
    DetectionWorld,
    Mitigation,
    NoiseShares,
    simulated_detection,
)

_SECTION = "detection"
_AREA, _GAIN, _CORRELATION, _METHODS = 0.89, 0.03, 0.9, 15
_RESAMPLES = 299
_CLEAR = NoiseShares(clarity=0.6, scene=0.2, text=0.2)
"""Pairs of which some are clear and others not: items of one kind go together."""
_MATCHED = NoiseShares(clarity=0.0, scene=0.4, text=0.4)
"""Pairs whose scenes and questions are alike to the present and the absent object."""
_NO_GAIN: tuple[Mitigation, ...] = ("placebo",) * (_METHODS - 3) + ("shift",) * 3
_ONE_GAIN: tuple[Mitigation, ...] = ("gain",) + ("placebo",) * (_METHODS - 1)


def detection_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of areas, differences, risks, calibration errors and d'; levels and power of what is
    said about mitigations."""
    yield from _area_coverage(scale)
    yield from _difference_coverage(scale)
    yield from answer_claims(scale)
    yield from _layers_of_contrasts(scale)
    yield from _mere_shift(scale)
    yield from _false_gains(scale)
    yield from _real_gain(scale)


def rows_of(world: DetectionWorld) -> tuple[ndarray, ndarray]:
    """Pseudo-values of the methods' areas and of the baseline's."""
    scores = np.column_stack([world.baseline, world.methods])
    rows = clustered_area(scores, world.present, world.clusters).rows
    return rows[:, 1:], rows[:, :1]


def _area_coverage(scale: Scale) -> Iterator[Finding]:
    """The area of a baseline; beside it DeLong's interval, which takes items for independent."""
    cells = ((60, 0.89, DEFAULT_SHARES), (60, 0.89, _CLEAR), (200, 0.97, DEFAULT_SHARES),
             (200, 0.89, _MATCHED))  # fmt: skip
    names = ("pairs", "clear and unclear pairs", "pairs", "pairs much alike")
    for number, ((n_clusters, area, shares), name) in enumerate(zip(cells, names, strict=True)):
        rng, held = scale.rng(41, number), np.zeros(2)
        for _ in range(scale.repetitions):
            world = simulated_detection(
                rng, n_clusters=n_clusters, area=area, gain=0.0, shares=shares
            )
            scores, present = world.baseline[:, None], world.present
            found = clustered_area(scores, present, world.clusters)
            plain = area_under_curve(scores[present], scores[~present], level=0.95)
            held += [(each.low[0] <= area <= each.high[0]) for each in (found, plain)]
        ours, theirs = held / scale.repetitions
        rate, name = partial(scale.rate, _SECTION, measures="coverage"), f"{n_clusters} {name}"
        yield rate(f"clustered area of {area:g}, {name}", ours, 0.93, 0.985)
        if shares is _CLEAR:
            yield rate(f"area, DeLong by item fails, {name}", theirs, 0.0, 0.9)
        if shares is _MATCHED:
            yield rate(f"area, DeLong by item fails (too wide), {name}", theirs, 0.98, 1.0)


def _difference_coverage(scale: Scale) -> Iterator[Finding]:
    """Differences of areas on the same items, by cluster and by item."""
    for n_clusters in (60, 200):
        rng, held = scale.rng(42, n_clusters), np.zeros(3)
        for _ in range(scale.repetitions):
            world = simulated_detection(
                rng, n_clusters=n_clusters, mitigations=("placebo", "gain"), shares=_CLEAR
            )
            scores, truth = np.column_stack([world.baseline, world.methods]), [0.0, _GAIN]
            for place, clusters in ((slice(0, 2), world.clusters),
                                    (slice(2, 3), np.arange(len(scores)))):  # fmt: skip
                rows = clustered_area(scores, world.present, clusters).rows
                found = area_difference(rows[:, 1:], rows[:, :1])
                inside = (found.low <= truth) & (truth <= found.high)
                held[place] += inside if place.stop == 2 else inside[1:]
        none, gain, by_item = held / scale.repetitions
        rate = partial(scale.rate, _SECTION, measures="coverage")
        yield rate(f"area difference of 0, {n_clusters} pairs", none, 0.93, 0.98)
        yield rate(f"area difference of {_GAIN:g}, {n_clusters} pairs", gain, 0.93, 0.98)
        yield rate(f"area difference by item fails, {n_clusters} pairs", by_item, 0.0, 0.9)


def _layers_of_contrasts(scale: Scale) -> Iterator[Finding]:
    """Family-wise error over layers of the sign-flip test, where no layer tells present from absent
    but scenes and questions differ much."""
    rng, hits = scale.rng(46), np.zeros(2)
    for _ in range(scale.repetitions):
        effects = [
            noise(rng, (60, *shape, 30), correlation=0.9) for shape in ((2, 1), (1, 2), (2, 2))
        ]
        scores = np.exp(effects[0] + effects[1] + effects[2]).reshape(-1, 30)
        present, clusters = np.tile([True, False, False, True], 60), np.repeat(np.arange(60), 4)
        rows = swap_contrasts(scores, present, clusters)
        hits[0] += sign_flip_max_t(rows, rng=rng, n_resamples=_RESAMPLES).omnibus_p <= 0.05
        hits[1] += np.asarray(ttest_1samp(rows, 0, alternative="greater"))[1].min() <= 0.05
    ours, unadjusted = hits / scale.repetitions
    yield scale.rate(_SECTION, "contrasts over 30 layers, max-T FWER", ours, 0.035, 0.065)
    yield scale.rate(_SECTION, "contrasts, unadjusted over layers fails", unadjusted, 0.1, 1.0)


def _mere_shift(scale: Scale) -> Iterator[Finding]:
    """A method that only moves the threshold of a baseline that says yes too often."""
    repetitions, rng, hits = half_of(scale), scale.rng(47), np.zeros(3)
    for _ in range(repetitions):
        world = simulated_detection(rng, n_clusters=150, mitigations=("shift",), bias=1.0)
        hits[0] += area_difference(*rows_of(world), margin=0.01).equivalent[0]
        placebo = against_constant_shift(
            world.methods, world.methods > 0, world.baseline, world.present, world.clusters,
            rng=rng, n_resamples=_RESAMPLES,
        )  # fmt: skip
        hits[1] += placebo.p[0] <= 0.05 and placebo.difference[0] > 0
        said = np.column_stack([world.methods[:, 0], world.baseline]) > 0
        right = (said == world.present[:, None]).reshape(-1, 4, 2).mean(axis=1)
        hits[2] += ttest_rel(*right.T, alternative="greater").pvalue <= 0.05
    same, gained, plain = hits / repetitions
    rate = partial(scale.rate, _SECTION, repetitions=repetitions)
    yield rate("a mere shift is called equivalent", same, 0.95, 1.0, measures="power")
    yield rate("a mere shift called a gain over the shifted baseline", gained, 0.0, 0.05)
    yield rate("a mere shift called a gain by accuracy alone, fails", plain, 0.5, 1.0)


def _false_gains(scale: Scale) -> Iterator[Finding]:
    """False gains of any of 15 methods of which none tells better than the baseline."""
    repetitions, rng, hits = half_of(scale), scale.rng(48), np.zeros(3)
    for _ in range(repetitions):
        world = simulated_detection(rng, n_clusters=100, mitigations=_NO_GAIN)
        found = area_difference(*rows_of(world))
        better = found.estimate > 0
        hits[0] += bool((better & (found.adjusted_p <= 0.05)).any())
        hits[1] += bool((better & (found.p <= 0.05)).any())
        placebo = against_constant_shift(
            world.methods, world.methods > 0, world.baseline, world.present, world.clusters,
            rng=rng, n_resamples=_RESAMPLES,
        )  # fmt: skip
        hits[2] += bool(((placebo.adjusted_p <= 0.05) & (placebo.difference > 0)).any())
    ours, unadjusted, accuracy = hits / repetitions
    rate = partial(scale.rate, _SECTION, repetitions=repetitions)
    yield rate(f"false gains in area, {_METHODS} methods, Holm", ours, 0.0, 0.05)
    yield rate(f"false gains in area, {_METHODS} methods, unadjusted fails", unadjusted, 0.12, 1.0)
    yield rate(f"false gains over a shift, {_METHODS} methods, Holm", accuracy, 0.0, 0.05)


def _real_gain(scale: Scale) -> Iterator[Finding]:
    """How often a gain is found, with the number of pairs that is said to be needed; and with that
    for one method, where 15 are adjusted for."""
    rng = scale.rng(49)
    for n_methods, low, high in ((_METHODS, 0.78, 0.88), (1, 0.0, 0.65)):
        needed = clusters_for_area_gain(
            _GAIN, area=_AREA, correlation=_CORRELATION, n_methods=n_methods, rng=rng
        )
        shown = 0
        for _ in range(scale.repetitions):
            world = simulated_detection(
                rng, n_clusters=needed.n_clusters, area=_AREA, gain=_GAIN,
                correlation=_CORRELATION, mitigations=_ONE_GAIN,
            )  # fmt: skip
            found = area_difference(*rows_of(world))
            shown += found.adjusted_p[0] <= 0.05 and found.estimate[0] > 0
        name = f"a gain of {_GAIN:g} found"
        if n_methods == 1:
            name = "a gain, counting pairs for one method fails"
        share = shown / scale.repetitions
        yield scale.rate(_SECTION, name, share, low, high, measures="power")
