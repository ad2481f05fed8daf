"""Claims about the order of attributes: false orders where amplitude or slope differ, and power."""

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.validate.scale import Finding, Scale
from stats import emergence_order
from stats.simulate import effect_profile, planted_effect

_RESAMPLES = 499


def order_claims(scale: Scale) -> Iterator[Finding]:
    """How often attributes with equal crossings and unequal curves are ordered, which must be
    rare."""
    cases = {
        "amplitude": ((0.8, 0.3), (4.0, 4.0)),
        "slope": ((0.8, 0.8), (2.0, 6.0)),
        "both": ((0.8, 0.3), (2.0, 6.0)),
    }
    repetitions = max(100, scale.repetitions // 2)
    for place, (what, (plateaus, rises)) in enumerate(cases.items()):
        rng = scale.rng(6, place)
        wrong = 0
        for _ in range(repetitions):
            onset = rng.uniform(8, 12)
            low, high, _ = _link(rng, (onset, onset), plateaus, rises)
            wrong += low > 0 or high < 0
        share = wrong / repetitions
        name = f"false order, unequal {what}"
        yield scale.rate("6", name, share, 0.0, 0.065, repetitions=repetitions)


def order_power(scale: Scale) -> Iterator[Finding]:
    """How often a gap of three layers is found."""
    rng = scale.rng(6, 100)
    repetitions = max(100, scale.repetitions // 2)
    found = 0
    for _ in range(repetitions):
        onset = rng.uniform(7, 10)
        found += _link(rng, (onset, onset + 3), (0.8, 0.8), (4.0, 4.0))[2] <= 0.05
    name = "power for a gap of 3 layers, d=.8, n=200"
    yield scale.rate(
        "6", name, found / repetitions, 0.95, 1.0, measures="power", repetitions=repetitions
    )


def _link(
    rng: np.random.Generator,
    onsets: Sequence[float],
    plateaus: Sequence[float],
    rises: Sequence[float],
) -> tuple[float, float, float]:
    effects = {
        name: planted_effect(
            rng,
            effect_profile(29, onset=onset, plateau=plateau, shape="linear", rise=rise),
            n_scenes=200,
            correlation=0.5,
        )
        for name, onset, plateau, rise in zip("ab", onsets, plateaus, rises, strict=True)
    }
    link = emergence_order(effects, rng=rng, n_resamples=_RESAMPLES).differences["a", "b"]
    return link.low, link.high, link.p_earlier
