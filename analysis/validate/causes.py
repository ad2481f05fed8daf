"""Claims about activation patching: shares of a total effect, layers of hand-over, and what must be
shown before an effect is shared out; beside them what fails."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.validate.scale import Finding, Scale
from stats import (
    CrossingCurve,
    crossing_gap,
    follows,
    hand_over,
    hand_over_window,
    moved_share,
    no_share,
)
from stats.course import p_above
from stats.hand_over import HandOver
from stats.simulated_patches import Fall, PatchedPairs, random_model_odds, simulated_patches

_SECTION = "15"
_RESAMPLES = 199
_CELLS: tuple[tuple[Fall, int], ...] = (
    ("step", 40), ("step", 80), ("step", 300), ("gradual", 40), ("gradual", 80), ("gradual", 300),
)  # fmt: skip
_WHOLE_LAYER = 6
_WINDOWS: dict[Fall, tuple[float, int, int]] = {"step": (0.1, 5, 6), "gradual": (1 / 7, 2, 9)}
"""For each fall the margin and the true window. That of the gradual one is a share which a layer
has, so that each end is tested where an error is likeliest."""
_EARLIER, _GAP = 3, 3.0


def cause_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of shares, crossings, sets and windows where the model knows half of the pairs;
    levels of the gate and of the claim that nothing is moved."""
    for number, (fall, n_scenes) in enumerate(_CELLS):
        yield from _hand_over_cell(scale, fall, n_scenes, number)
    yield from _by_direction(scale)
    yield from _mean_of_ratios(scale)
    yield from _nothing_moved(scale)
    yield from _gap_coverage(scale)
    yield from _random_models(scale)
    yield from _known_pairs(scale)


def half_of(scale: Scale) -> int:
    """The number of data sets where each takes a bootstrap: half of the others' number."""
    return max(50, scale.repetitions // 2)


def least_coverage(repetitions: int) -> float:
    """.94 less two standard errors of a share of so many data sets."""
    return 0.94 - 2 * float(np.sqrt(0.94 * 0.06 / repetitions))


def holds_crossing(found: HandOver, crossing: float) -> bool:
    """Whether the interval holds the crossing; no interval is a miss."""
    return found.half is not None and found.half.low <= crossing <= found.half.high


def _hand_over_cell(scale: Scale, fall: Fall, n_scenes: int, number: int) -> Iterator[Finding]:
    """Where the share falls from the image's positions and rises at the answer's, in turn."""
    repetitions, rng, held = half_of(scale), scale.rng(24, number), Counter[str]()
    for repetition in range(repetitions):
        world, falls = simulated_patches(rng, fall, n_scenes=n_scenes), repetition % 2 == 0
        moved, total = world.image if falls else world.answer, world.total
        truth = world.share if falls else 1 - world.share
        found = hand_over(moved, total, falls=falls, rng=rng, n_resamples=_RESAMPLES)
        held["crossing"] += holds_crossing(found, world.crossing)
        layer, layers = found.layer, found.fb_half
        held["whole layer"] += layer is not None and layer.low <= _WHOLE_LAYER <= layer.high
        held["set"] += layers.low <= _WHOLE_LAYER and (
            layers.high is None or layers.high >= _WHOLE_LAYER
        )
        shares = moved_share(moved, total)
        inside = (shares.low <= truth) & (truth <= shares.high)
        held["share at the middle"] += inside[5]
        held["share that few pairs have"] += inside[3 if falls else 8]
        held["window"] += holds_window(world, fall)
    for name in ("crossing", "whole layer", "set", "share at the middle",
                 "share that few pairs have", "window"):  # fmt: skip
        yield scale.rate(
            _SECTION, f"hand-over, {name}, {fall}, {n_scenes} pairs", held[name] / repetitions,
            least_coverage(repetitions), 1.0, measures="coverage", repetitions=repetitions,
        )  # fmt: skip


def holds_window(world: PatchedPairs, fall: Fall) -> bool:
    """Whether the window of the image's share holds the true one; an end not given is no error."""
    margin, start, end = _WINDOWS[fall]
    found = hand_over_window(world.image, world.total, margin=margin)
    return (found.start is None or found.start <= start) and (found.end is None or found.end >= end)


def _by_direction(scale: Scale) -> Iterator[Finding]:
    """The two directions of a pair, which agree but for a little noise, taken for two pairs."""
    repetitions, rng, share, crossing = half_of(scale), scale.rng(24, 10), 0, 0
    for _ in range(repetitions):
        world = simulated_patches(rng, "gradual", n_scenes=80)
        moved, total = both_directions(rng, world)
        found = moved_share(moved, total)
        share += found.low[5] <= world.share[5] <= found.high[5]
        over = hand_over(moved, total, falls=True, rng=rng, n_resamples=_RESAMPLES)
        crossing += holds_crossing(over, world.crossing)
    for name, held in (("share", share), ("crossing", crossing)):
        yield scale.rate(
            _SECTION, f"directions taken for pairs fail, {name}", held / repetitions, 0.0, 0.9,
            measures="coverage", repetitions=repetitions,
        )  # fmt: skip


def both_directions(
    rng: np.random.Generator, world: PatchedPairs
) -> tuple[Float[ndarray, "row layer"], Float[ndarray, " row"]]:
    """What the image's positions move in either direction of each pair, one row for each."""
    moved, total = np.repeat(world.image, 2, axis=0), np.repeat(world.total, 2)
    inner = (world.image != world.total[:, None]).any(axis=0) & (world.image != 0).any(axis=0)
    return moved + 0.1 * inner * rng.standard_normal(moved.shape), total


def _mean_of_ratios(scale: Scale) -> Iterator[Finding]:
    """Errors of the mean of the pairs' own ratios, in those of the ratio of means."""
    rng, errors = scale.rng(24, 11), np.empty((2, half_of(scale)))
    for repetition in range(errors.shape[1]):
        world = simulated_patches(rng, "step", n_scenes=80)
        moved, total, truth = world.image[:, 5], world.total, world.share[5]
        errors[:, repetition] = moved.mean() / total.mean() - truth, np.mean(moved / total) - truth
    ours, theirs = np.quantile(np.abs(errors), 0.95, axis=1)
    yield scale.value(_SECTION, "mean of ratios fails: error over ours", theirs / ours, 5.0, 1e6)


def _nothing_moved(scale: Scale) -> Iterator[Finding]:
    """False claims that a control moves nothing, where its share is the margin at every layer."""
    for n_scenes, noise_sd in ((80, 0.1), (40, 0.5)):
        rng, claimed = scale.rng(24, 12, n_scenes, int(10 * noise_sd)), np.zeros(2)
        insignificant = 0
        for _ in range(scale.repetitions):
            world = simulated_patches(rng, "step", n_scenes=n_scenes, noise_sd=noise_sd)
            moved = world.image[:, 7:10] + 0.1 * world.total[:, None]
            found = no_share(moved, world.total, margin=0.1)
            claimed += np.array([found.shown[0], found.shown_at_all])
            insignificant += p_above(moved[:, 0]) > 0.05
        one, every = claimed / scale.repetitions
        rate, name = partial(scale.rate, _SECTION), f"margin, {n_scenes} pairs, noise {noise_sd:g}"
        yield rate(f"nothing moved, false claims at the {name}", one, 0.0, 0.06)
        yield rate(f"nothing moved at 3 layers, false claims at the {name}", every, 0.0, 0.05)
        if noise_sd == 0.5:
            share = insignificant / scale.repetitions
            yield rate(f"not significant taken for nothing fails at the {name}", share, 0.2, 1.0)
    yield from _nothing_from_few(scale)


def _nothing_from_few(scale: Scale) -> Iterator[Finding]:
    """The same where one pair in seven has all of the share, so that 40 pairs may lack them."""
    for n_scenes in (40, 300):
        rng, claimed = scale.rng(24, 13, n_scenes), 0
        for _ in range(scale.repetitions):
            world = simulated_patches(rng, "gradual", n_scenes=n_scenes)
            claimed += no_share(world.image, world.total, margin=1 / 7, layers=[8]).shown_at_all
        name = f"nothing moved, false claims, a seventh of {n_scenes} pairs moves it"
        yield scale.rate(_SECTION, name, claimed / scale.repetitions, 0.0, 0.06)


def _gap_coverage(scale: Scale) -> Iterator[Finding]:
    """A readout whose crossing lies some layers before that of the image's share, on the same
    pairs; beside it the same pairs taken for independent ones."""
    repetitions = half_of(scale)
    for n_scenes in (40, 300):
        rng, paired, unpaired = scale.rng(24, 14, n_scenes), 0, 0
        for _ in range(repetitions):
            world = simulated_patches(rng, "gradual", n_scenes=n_scenes)
            left = CrossingCurve(rows=world.image, total=world.total, falls=True)
            rows = earlier_readout(rng, world)
            paired += _holds_gap(CrossingCurve(rows=rows), left, rng)
            if n_scenes == 40:
                shuffled = CrossingCurve(rows=rng.permutation(rows))
                unpaired += _holds_gap(shuffled, left, rng)
        coverage = partial(scale.rate, _SECTION, measures="coverage", repetitions=repetitions)
        least = least_coverage(repetitions)
        yield coverage(f"gap of crossings, {n_scenes} pairs", paired / repetitions, least, 1.0)
        if n_scenes == 40:
            name = "gap of crossings, pairs taken for independent fail"
            yield coverage(name, unpaired / repetitions, 0.98, 1.0)


def earlier_readout(rng: np.random.Generator, world: PatchedPairs) -> Float[ndarray, "scene layer"]:
    """Effects of a readout that rises, in each pair, some layers before the image's share falls."""
    n_layers = world.image.shape[1]
    rows = world.total[:, None] - world.image[:, np.minimum(np.arange(n_layers) + _EARLIER, 11)]
    return 2 * rows + 0.5 * rng.standard_normal(rows.shape)


def _holds_gap(first: CrossingCurve, second: CrossingCurve, rng: np.random.Generator) -> bool:
    found = crossing_gap(first, second, rng=rng, n_resamples=_RESAMPLES)
    return found.low <= _GAP <= found.high


def _random_models(scale: Scale) -> Iterator[Finding]:
    """How often the answers of models with random weights are said to follow the image."""
    for n_answers in (2, 3, 8):
        claimed, by_mean = claims_of_random_models(
            scale.rng(24, 15, n_answers), n_answers, scale.repetitions
        )
        name = f"random models, {n_answers} answers"
        yield scale.rate(_SECTION, f"{name}, answer follows", claimed, 0.0, 0.05)
        yield scale.rate(_SECTION, f"{name}, mean effect alone fails", by_mean, 0.1, 1.0)
    claimed, _ = claims_of_random_models(
        scale.rng(24, 16), 2, scale.repetitions, offset_sd=0.5
    )  # fmt: skip
    name = "random models without a preference, 2 answers, answer follows fails"
    yield scale.rate(_SECTION, name, claimed, 0.1, 1.0)


def claims_of_random_models(
    rng: np.random.Generator, n_answers: int, repetitions: int, *, offset_sd: float = 10.0
) -> tuple[float, float]:
    """Shares of random models that are said to follow the image, by both tests and by the test of
    the mean total effect alone."""
    claimed = by_mean = 0
    for _ in range(repetitions):
        found = follows(
            *random_model_odds(rng, n_scenes=200, n_answers=n_answers, offset_sd=offset_sd)
        )
        claimed += found.shown
        by_mean += found.total_p <= 0.05
    return claimed / repetitions, by_mean / repetitions


def _known_pairs(scale: Scale) -> Iterator[Finding]:
    """How often an answer that turns in half of the pairs is found to follow the image."""
    rng, shown = scale.rng(24, 17), 0
    for _ in range(scale.repetitions):
        total = simulated_patches(rng, "step", n_scenes=80).total
        middle = 0.5 * rng.standard_normal(80)
        shown += follows(middle - total / 2, middle + total / 2).shown
    share = shown / scale.repetitions
    name = "answer follows, half of 80 pairs known"
    yield scale.rate(_SECTION, name, share, 0.8, 1.0, measures="power")
