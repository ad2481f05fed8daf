"""Is there shown to be no effect that matters? Never the absence of significance, always this."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, positive, probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests of each layer's mean against both margins."""

    mean: Float[ndarray, " layer"]
    """Mean effect over scenes."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval at 2 level - 1 (90% for level .95), each layer alone."""
    high: Float[ndarray, " layer"]
    """Upper end."""
    p: Float[ndarray, " layer"]
    """For "the mean lies outside the margins", each layer alone: the larger of two one-sided
    p-values. 0 where the scenes do not differ and lie inside, 1 where they do not differ and do
    not."""
    p_up_to: Float[ndarray, " layer"]
    """For "one of the layers 0..l does", by intersection-union: the largest p so far, which
    needs no adjustment over layers."""
    equivalent: Bool[ndarray, " layer"]
    """The layer is shown to lie inside: the interval does."""
    equivalent_up_to: Bool[ndarray, " layer"]
    """All layers 0..l are, together, without correction."""
    margin: float
    """Least effect that matters, in the unit of the effect."""
    level: float
    """1 minus the probability of claiming equivalence falsely."""
    n_scenes: int
    """Scenes, the units."""


def equivalence(
    effect: Float[ndarray, "scene layer"], *, margin: float, level: float = 0.95
) -> Equivalence:
    """Test whether each layer's mean effect lies within -margin..margin (TOST).

    Rows are scenes, independent draws; their mean must be near normal. A claim that all layers
    below l are without effect needs each of them shown, each at 1 - level: an intersection-union
    test, uncorrected. About 8.6 (sd / margin)^2 scenes give power .8 where the effect is 0.

    Raises ValueError for fewer than 2 scenes, values that are not finite, a margin that is not
    positive. Source: Schuirmann (1987), J. Pharmacokin. Biopharm. 15:657; Berger (1982),
    Technometrics 24:295.
    """
    table = finite_array(effect, name="effect", axes=["scene", "layer"])
    n_scenes = len(table)
    enough_scenes(n_scenes, name="effect")
    delta, level = positive(margin, name="margin"), probability(level, name="level")
    mean = table.mean(axis=0)
    error = table.std(axis=0, ddof=1) / np.sqrt(n_scenes)
    reach = student_t.ppf(level, n_scenes - 1) * error
    # The nearer margin decides: its test has the larger p.
    distance = delta - np.abs(mean)
    spread = error > 0
    t = np.divide(distance, error, out=np.where(distance > 0, np.inf, -np.inf), where=spread)
    p = student_t.sf(t, n_scenes - 1)
    inside = np.where(spread, p <= 1 - level, distance > 0)
    return Equivalence(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        p=p,
        p_up_to=np.maximum.accumulate(p),
        equivalent=inside,
        equivalent_up_to=np.logical_and.accumulate(inside),
        margin=delta,
        level=level,
        n_scenes=n_scenes,
    )
