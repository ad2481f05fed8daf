"""Is it shown that there is no effect that matters?

That no effect is significant does not show it; only a test of equivalence, as here, does.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import t as student_t

from stats.arguments import enough_scenes, finite_array, positive, probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """The results of two one-sided tests of each layer's mean, one against each margin.

    >>> effect = np.array([[0.01, 0.5], [-0.01, 0.5], [0.02, 0.4]])
    >>> found = equivalence(effect, margin=0.1)
    >>> found.equivalent_up_to.tolist(), found.p.round(3).tolist()
    ([True, False], [0.004, 0.996])
    """

    mean: Float[ndarray, " layer"]
    """Mean effect over scenes."""
    low: Float[ndarray, " layer"]
    """Lower end of the interval at 2 level - 1 (90% for level .95), each layer alone."""
    high: Float[ndarray, " layer"]
    """Upper end of that interval."""
    p: Float[ndarray, " layer"]
    """P-value for "the mean lies outside the margins", each layer alone: the larger of two
    one-sided p-values. Where the scenes do not differ it is 0 for a mean inside the margins and 1
    for one outside."""
    p_up_to: Float[ndarray, " layer"]
    """P-value for "the mean of one of the layers 0..l lies outside the margins", an
    intersection-union test: the largest p so far, which needs no adjustment over layers."""
    equivalent: Bool[ndarray, " layer"]
    """Whether the layer's mean is shown to lie inside the margins: its interval does."""
    equivalent_up_to: Bool[ndarray, " layer"]
    """Whether the means of all layers 0..l together are shown to lie inside the margins."""
    margin: float
    """Least effect that matters, in the unit of the effect."""
    level: float
    """1 minus the probability of claiming equivalence falsely."""
    n_scenes: int
    """Number of scenes, the units that were sampled."""


def equivalence(
    effect: Float[ndarray, "scene layer"], *, margin: float, level: float = 0.95
) -> Equivalence:
    """Test whether each layer's mean effect lies within -margin..margin (TOST).

    Rows are scenes, independent draws; their mean must be near normal. A claim that all layers
    below l are without effect needs each of them shown, each at 1 - level: an intersection-union
    test, uncorrected. About 8.6 (sd / margin)^2 scenes give power .8 where the effect is 0.

    Raises ValueError for fewer than 2 scenes, for values that are not finite and for a margin that
    is not positive. Source: Schuirmann (1987), J. Pharmacokin. Biopharm. 15:657; Berger (1982),
    Technometrics 24:295.

    >>> effect = np.random.default_rng(0).normal([0.0, 0.0, 1.0], 0.1, (40, 3))
    >>> equivalence(effect, margin=0.1).equivalent.tolist()
    [True, True, False]
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
