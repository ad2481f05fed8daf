"""Claims about the tests of readouts against other images, and about the interval of their
loudness."""

from collections.abc import Iterator

import numpy as np

from analysis.validate.scale import Finding, Scale
from stats import loudness, shuffled_label_test, sign_flip_max_t, swapped_label_test
from stats.simulate import simulated_scores
from stats.simulated_worlds import asked_again, simulated_answer_scores

_FLIPS = 199
_SWAPS = 4
_RARE = 0.03
"""Share of images under which a score is 20 bits lower, as with a readout that is sure and
wrong."""
_COLUMNS = 10
"""Number of layers in a data set of known loudness; each layer has an interval of its own."""
_EVEN = (1 / 3, 1 / 3, 1 / 3)
_SKEWED = (0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)


def readout_claims(scale: Scale) -> Iterator[Finding]:
    """Levels of the tests against other images, and coverage of the loudness interval."""
    yield from _swapped_level(scale)
    yield from _window_level(scale)
    yield from _loudness_coverage(scale)


def _swapped_level(scale: Scale) -> Iterator[Finding]:
    """Level with 30 scenes of four swaps each, where now and then one image is 20 bits worse than
    the others."""
    rng = scale.rng(2, 1)
    omnibus = window = flips = 0
    for _ in range(scale.repetitions):
        scores = 0.5 * rng.standard_normal((1 + _SWAPS, 30, 6))
        scores -= 20 * (rng.random((1 + _SWAPS, 30, 1)) < _RARE)
        found = swapped_label_test(
            scores[0], scores[1:], rng=rng, windows=[(4, 5)], n_resamples=_FLIPS
        )
        omnibus += found.omnibus_p <= 0.05
        window += found.window_p[0] <= 0.05
        effect = scores[0] - scores[1:].mean(axis=0)
        flips += sign_flip_max_t(effect, rng=rng, n_resamples=_FLIPS).omnibus_p <= 0.05
    for name, count, least, most in (
        ("swapped images, level, rare -20 bits, n=30", omnibus, 0.04, 0.06),
        ("swapped images, level on the plateau", window, 0.04, 0.06),
        ("sign flips fail, rare -20 bits, n=30", flips, 0.1, 1.0),
    ):
        yield scale.rate("2", name, count / scale.repetitions, least, most)


def _window_level(scale: Scale) -> Iterator[Finding]:
    """Level of the plateau's p under relabelling, where another layer has an effect or none has."""
    rng = scale.rng(2, 2)
    rejected = least_of_layers = 0
    for _ in range(scale.repetitions):
        data = simulated_scores(
            rng, np.r_[0.5, np.zeros(7)], n_scenes=60, n_strata=3, image_sd=1.0, answer_sd=1.0
        )
        found = shuffled_label_test(
            data.scores, data.answers, data.strata, rng=rng, windows=[(6, 7)], n_resamples=_FLIPS
        )
        rejected += found.window_p[0] <= 0.05
        least_of_layers += found.omnibus_p <= 0.05
    yield scale.rate("2", "plateau p, level, an effect before it", rejected / scale.repetitions,
                     0.04, 0.06)  # fmt: skip
    # An effect at any layer is no effect on the plateau.
    yield scale.rate("2", "omnibus p taken for the plateau's fails",
                     least_of_layers / scale.repetitions, 0.1, 1.0)  # fmt: skip


def _loudness_coverage(scale: Scale) -> Iterator[Finding]:
    """Coverage for known scales with 60 and 200 scenes of four questions each, most of which are
    asked twice."""
    repetitions = max(10, scale.repetitions // 50)
    number = repetitions * _COLUMNS
    # Four scales, two numbers of scenes, even and skewed answers.
    cells = [
        (s, n, shares)
        for s in (0.0, 0.5, 1.0, 2.0)
        for n in (60, 200)
        for shares in (_EVEN, _SKEWED)
    ]
    held = [
        _held(scale.rng(2, 3, place), *cell, repetitions=repetitions) / number
        for place, cell in enumerate(cells)
    ]
    slack = 2 * np.sqrt(0.95 * 0.05 / number)
    mean = float(np.mean(held))
    yield scale.rate("1", "loudness coverage, 16 cells, mean", mean, 0.94, 1.0,
                     measures="coverage", repetitions=number * len(cells))  # fmt: skip
    yield scale.value("1", "loudness coverage, 16 cells, least", min(held), 0.95 - slack, 1.0)
    by_item = _held(scale.rng(2, 4), 1.0, 60, _EVEN, repetitions=repetitions, by_item=True) / number
    yield scale.rate("1", "loudness by item fails", by_item, 0.0, 0.9, measures="coverage",
                     repetitions=number)  # fmt: skip


def _held(
    rng: np.random.Generator, s: float, n_scenes: int, shares: tuple[float, ...],
    *, repetitions: int, by_item: bool = False,
) -> int:  # fmt: skip
    count = 0
    for _ in range(repetitions):
        world = asked_again(
            simulated_answer_scores(
                rng, np.full(_COLUMNS, s), n_scenes=n_scenes, shares=shares, n_questions=4,
                correlation=0.0,
            ),
            rng,
        )  # fmt: skip
        scores = world.scores - np.log(shares)[:, None]
        scenes = np.arange(len(world.answers)) if by_item else world.scenes
        found = loudness(scores, world.answers, scenes)
        count += int(((found.low <= s) & (s <= found.high)).sum())
    return count
