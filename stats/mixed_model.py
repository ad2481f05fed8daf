"""A linear mixed model with the scene as random effect: the textbook method, as a cross-check."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm
from statsmodels.regression.mixed_linear_model import MixedLM

from stats.arguments import enough_scenes, finite_array, probability
from stats.scenes import Labels, codes, scene_means


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedModel:
    """Mean effect and its interval from restricted maximum likelihood.

    >>> mixed_model(np.ones(4), ["a", "a", "b", "b"])
    MixedModel(estimate=1.0, low=1.0, high=1.0, intraclass=0.0, level=0.95, n_scenes=2)
    """

    estimate: float
    """The mean effect (the fixed intercept), for which scenes weigh by how much they tell."""
    low: float
    """Lower end of the Wald interval."""
    high: float
    """Upper end of the Wald interval."""
    intraclass: float
    """Share of the variance that lies between scenes, from 0 to 1."""
    level: float
    """Nominal coverage of the interval."""
    n_scenes: int
    """Number of scenes, the groups of the random effect."""


def mixed_model(
    values: Float[ndarray, " item"], scenes: Labels, *, level: float = 0.95
) -> MixedModel:
    """Estimate the mean effect of items within scenes: effect ~ 1 + (1 | scene), by restricted ML.

    It is for one layer, and for items that differ only by chance within a scene. Normality of both
    variances is assumed, which the scene bootstrap does not ask for: where the two disagree,
    report the bootstrap. Where nothing lies between scenes the variance is 0, at its bound, and
    the interval is that of independent items; constant values have a point as interval.

    Raises ValueError for values that are not finite, fewer than 2 scenes, or one item in every
    scene (nothing then tells scenes from items). Source: Laird & Ware (1982), Biometrics 38:963.

    >>> values = np.array([1.0, 1.2, 3.0, 3.2, 5.0, 5.2])
    >>> found = mixed_model(values, ["a", "a", "b", "b", "c", "c"])
    >>> round(found.estimate, 2), round(found.intraclass, 2)
    (3.1, 1.0)
    """
    table = finite_array(values, name="values", axes=["item"])
    level = probability(level, name="level")
    scene = codes(scenes, len(table), name="scenes")
    n_scenes = int(scene.max()) + 1
    enough_scenes(n_scenes, name="scenes")
    if n_scenes == len(table):
        raise ValueError(
            f"`scenes` must hold several items for at least one scene, got {n_scenes} scenes for "
            f"{len(table)} items: use cluster_bootstrap, the model is not identified"
        )
    centre = float(table.mean())
    spread = float(table.std())
    if spread <= 1e-12 * abs(centre):
        estimate, error, intraclass = centre, 0.0, 0.0
    else:
        fitted = _fit((table - centre) / spread, scene)
        estimate, error, intraclass = centre + spread * fitted[0], spread * fitted[1], fitted[2]
    reach = float(norm.ppf((1 + level) / 2)) * error
    return MixedModel(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        intraclass=intraclass,
        level=level,
        n_scenes=n_scenes,
    )


def _fit(values: Float[ndarray, " item"], scene: ndarray) -> tuple[float, float, float]:
    """The mean, its standard error and the intraclass share of values with standard deviation 1."""
    n_items = len(values)
    between = scene_means(values[:, None], scene)[:, 0]
    sizes = np.bincount(scene)
    within = float(np.square(values - between[scene]).sum())
    # At the bound of the variance the optimiser has no gradient to follow: the model without.
    if _between_excess(between, sizes, within, n_items) <= 0:
        return 0.0, float(np.std(values, ddof=1) / np.sqrt(n_items)), 0.0
    if within <= 1e-12 * n_items:
        return float(between.mean()), float(between.std(ddof=1) / np.sqrt(len(between))), 1.0
    model = MixedLM(values, np.ones((n_items, 1)), scene)
    with warnings.catch_warnings():
        # It warns near the bound too, where the fit is what it should be; the tests compare it.
        warnings.simplefilter("ignore")
        fit = model.fit(reml=True)
    variance = float(np.asarray(fit.cov_re)[0, 0])
    mean, error = float(np.asarray(fit.fe_params)[0]), float(np.asarray(fit.bse_fe)[0])
    return mean, error, variance / (variance + float(fit.scale))


def _between_excess(
    between: Float[ndarray, " scene"], sizes: ndarray, within: float, n_items: int
) -> float:
    """Mean square between scenes minus that within; at most 0 where REML is at its bound."""
    grand = np.average(between, weights=sizes)
    mean_square = float(np.sum(sizes * (between - grand) ** 2)) / (len(sizes) - 1)
    return mean_square - within / (n_items - len(sizes))
