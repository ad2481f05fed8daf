"""Coverage of the crossing, of its whole layer and of the sets, over curve shapes, sizes and
noise."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.validate.scale import Finding, Scale
from stats.forward_backward import forward_backward_set, half_forward_backward_set
from stats.half_crossing import half_crossing, half_plateau_crossing
from stats.simulate import Shape, effect_profile, planted_effect

_SHAPES: tuple[Shape, ...] = ("step", "linear", "sigmoid")
CELLS = tuple(product((8, 28, 32), (50, 200), _SHAPES, (0.3, 0.8), (0.0, 0.9)))
"""The cells: number of layers, number of scenes, shape of the curve, plateau in standard
deviations, correlation between layers."""
_AGAIN = 5
"""A cell whose coverage falls short at first is simulated again with this many times the data
sets."""


def layer_claims(scale: Scale) -> Iterator[Finding]:
    """The least coverage of all cells, the widths, and the errors in the least favorable case."""
    repetitions = max(100, scale.repetitions // 2)
    # The worst of 72 cells, less two standard errors: each has its own chance error.
    slack = 2 * np.sqrt(0.95 * 0.05 / repetitions)
    least = 0.95 - slack if repetitions < 1000 else 0.94
    found = {}
    for place, cell in enumerate(CELLS):
        found[cell] = cell_coverage(*cell, rng=scale.rng(4, place), repetitions=repetitions)
        if found[cell][0] < least:
            # Of 72 cells of coverage .95 some fall short by chance. New draws, and more, decide.
            found[cell] = cell_coverage(
                *cell, rng=scale.rng(4, place, 1), repetitions=_AGAIN * repetitions
            )
    interval, layer, sets = ([each[place] for each in found.values()] for place in range(3))
    width = found[28, 200, "sigmoid", 0.8, 0.0][3]
    cells = "least coverage of 72 cells"
    yield scale.value("5", f"lambda_half interval, {cells}", min(interval), least, 1.0)
    mean = float(np.mean(interval))
    yield scale.value("5", "lambda_half interval, mean coverage", mean, 0.94, 1.0)
    yield scale.value("5", "lambda_half mean width, L=28, n=200, d=.8", width, 0.0, 3.0)
    yield scale.value("5", f"whole layer's interval, {cells}", min(layer), least, 1.0)
    yield scale.value("4", f"forward-backward, {cells}", min(sets), 0.95 - slack, 1.0)
    for side, share in zip(("low", "high"), one_sided_errors(scale), strict=True):
        yield scale.rate("4", f"forward-backward one-sided error, {side}", share, 0.018, 0.032)


def cell_coverage(
    n_layers: int,
    n_scenes: int,
    shape: Shape,
    plateau: float,
    correlation: float,
    *,
    rng: np.random.Generator,
    repetitions: int,
) -> tuple[float, float, float, float]:
    """Coverage of the crossing, of its whole layer and of the set, and the mean width of the
    crossing's interval.

    The true crossing is that of the curve itself, interpolated as the estimate is. The true whole
    layer, for the set too, is the first at which the curve has reached half of its plateau.
    """
    last = n_layers
    window = slice(last + 1 - (last + 1) // 4, last + 1)
    pair = (window.start, window.stop - 1)
    held = np.zeros(3)
    widths = []
    for _ in range(repetitions):
        onset = rng.uniform(0.25, 0.5) * n_layers
        profile = effect_profile(last + 1, onset=onset, plateau=plateau, shape=shape)
        truth = half_plateau_crossing(profile[None], window)[0]
        half = int(np.argmax(profile >= profile[window].mean() / 2))
        effect = planted_effect(rng, profile, n_scenes=n_scenes, correlation=correlation)
        found, layer = half_crossing(effect, plateau=window, rng=rng, n_resamples=199, level=0.95)
        fb = half_forward_backward_set(effect, plateau=pair)
        held += [
            found.low <= truth <= found.high,
            layer.low <= half <= layer.high,
            fb.low <= half and (fb.high is None or half <= fb.high),
        ]
        widths.append(found.high - found.low)
    interval, whole, by_set = (held / repetitions).tolist()
    return interval, whole, by_set, float(np.mean(widths))


def one_sided_errors(scale: Scale) -> Float[ndarray, "2"]:
    """Shares of sets whose lower end, and whose upper end, misses an onset that lies exactly on the
    margin."""
    rng = scale.rng(4, 1000)
    # Neighbours far off the margin: least favourable to both ends.
    theta = np.array([-3, -3, -3, 0.1, 3, 3, 3])
    errors = np.zeros(2)
    for _ in range(scale.repetitions):
        found = forward_backward_set(theta + rng.standard_normal((40, 7)), margin=0.1)
        errors += [found.low > 3, found.high is not None and found.high <= 3]
    return errors / scale.repetitions
