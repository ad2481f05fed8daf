"""Several models, one number each: their mean, how far they differ, and where the next would be.

A claim about models has models as its units. What a model's scenes leave uncertain only weighs it;
how far models differ (tau^2) decides how sure the mean is, so a thousand scenes of three models
are still three.

tau^2 is estimated as by Paule & Mandel. DerSimonian & Laird's single step is biased downwards where
models differ much. REML's estimate is no better in comparisons (Veroniki et al. 2016, Langan et al.
2019), while Paule & Mandel's solves Q(tau^2) = k - 1 with the very Q of which the Q-profile
interval takes the quantiles: it lies in that interval, is unique and needs no iteration on a
likelihood. Q is that of the contrasts between models, with their covariance.

The interval is Hartung & Knapp's (t with k - 1 degrees of freedom), to which shared errors add c =
k / (k - 1) sum_{i != j} w_i w_j cov_ij, which the spread does not show: half its width is sqrt(t^2
se^2 + z^2 c). Without c it covers .42 for .95 where ten models that do not differ see the same
scenes and errors correlate .6 (with it .95). Where one of three models is ten times less sure, the
weighted interval covers .91; the unweighted one .95 (a t test of normal values of unequal variance
is conservative, Bakirov & Szekely 2006; Ibragimov & Muller 2010), so a claim should stand under
both. The prediction interval has k - 2 degrees of freedom (Higgins, Thompson & Spiegelhalter 2009):
it covers .93 to .99, with k - 1 as little as .88.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import root_scalar
from scipy.stats import chi2, norm, t

from stats.arguments import finite_array, probability

_LEAST_TAIL = 1e-16
# Rounding of a covariance that was put together from correlations.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledMean:
    """A mean over models with its uncertainty, which has two sources.

    >>> errors = np.diag([0.01, 0.01, 0.01])
    >>> found = random_effects(np.array([-1.0, 0.0, 1.0]), errors).unweighted
    >>> found.mean, round(found.standard_error, 3), found.shared_error
    (0.0, 0.577, 0.0)
    """

    mean: float
    """The weighted mean of the models' estimates."""
    standard_error: float
    """The part of the mean's standard error that the spread of the models shows (Hartung-Knapp),
    with `n_models` - 1 degrees of freedom."""
    shared_error: float
    """The part that their spread cannot show, because the models' errors have it in common: they
    saw the same scenes. 0 for independent errors."""
    low: float
    """Lower end of the interval for this mean alone."""
    high: float
    """Upper end of that interval."""
    p: float
    """Two-sided p-value for "the mean is 0", alone."""
    n_models: int
    """Number of models, the units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEffects:
    """What several models say together about one quantity.

    >>> found = random_effects(np.array([0.30, 0.31]), np.diag([0.04, 0.04]))
    >>> found.tau2, found.weights.tolist(), found.predicted_high  # No more spread than the errors'.
    (0.0, [0.5, 0.5], inf)
    """

    weighted: PooledMean
    """The mean in which each model weighs by the inverse of tau^2 plus its own error's variance."""
    unweighted: PooledMean
    """The mean in which all models weigh alike; its interval has the right level whatever the
    variances of their errors (see the head of this file)."""
    weights: Float[ndarray, " model"]
    """The weights of the models in `weighted`; they add up to 1."""
    tau2: float
    """Variance of the models' true values (Paule-Mandel), in the unit of the estimates squared."""
    tau2_low: float
    """Lower end of the Q-profile interval of `tau2`."""
    tau2_high: float
    """Upper end of it. Both ends are 0 where the estimates lie closer together than their errors
    allow."""
    q: float
    """Cochran's Q, the statistic for "the models do not differ"."""
    q_p: float
    """P-value of `q`, by the chi-square distribution with `n_models` - 1 degrees of freedom."""
    i2: float
    """Share of the estimates' variance that lies between the models and not in their errors (of
    which a typical one is taken), from 0 to 1."""
    predicted_low: float
    """Lower end of the prediction interval: where the true value of another model would lie."""
    predicted_high: float
    """Upper end of it. With 2 models there is no such interval, and its ends are infinite."""
    level: float
    """Nominal coverage of all intervals."""
    n_models: int
    """Number of models, the units."""


def random_effects(
    estimates: Float[ndarray, " model"],
    covariance: Float[ndarray, "model model"],
    *,
    level: float = 0.95,
) -> RandomEffects:
    """Random-effects meta-analysis with the Hartung-Knapp interval, for models that share scenes.

    Model: estimate = mean + model's own deviation (normal, variance tau^2) + error, errors normal
    with a known `covariance`; diagonal where no scenes are shared. Estimand: the mean over the
    models that these are a sample of, and over scenes. Methods and their measured coverage: see
    the head of this file.

    Raises ValueError for fewer than 2 models, for a covariance that has another shape, is not
    symmetric, holds a variance that is not positive or has a negative eigenvalue, and for estimates
    that are all equal (without spread there is no interval).

    Source: Paule & Mandel (1982), J. Res. NBS 87:377; Viechtbauer (2007), Stat. Med. 26:37
    (Q-profile); Hartung & Knapp (2001), Stat. Med. 20:1771; Higgins, Thompson & Spiegelhalter
    (2009), JRSS A 172:137; Veroniki et al. (2016), Res. Synth. Meth. 7:55; Langan et al. (2019),
    Res. Synth. Meth. 10:83.

    >>> depths = np.array([0.30, 0.38, 0.25])
    >>> found = random_effects(depths, np.diag([0.02, 0.02, 0.02]) ** 2)
    >>> round(found.weighted.mean, 3), round(found.weighted.low, 3), round(found.weighted.high, 3)
    (0.31, 0.147, 0.473)
    >>> round(found.tau2**0.5, 3)
    0.062
    """
    level = probability(level, name="level")
    values, errors = _checked(estimates, covariance)
    spread = _Spread.of(values, errors)
    n_models = len(values)
    tail = (1 - level) / 2
    tau2 = spread.solve(float(n_models - 1))
    weights = 1 / (np.diag(errors) + tau2)
    weights /= weights.sum()
    weighted = _pooled(values, errors, weights, level)
    low, high = _prediction(weighted, tau2, level)
    q = spread.q(0.0)
    typical = spread.typical_variance
    return RandomEffects(
        weighted=weighted,
        unweighted=_pooled(values, errors, np.full(n_models, 1 / n_models), level),
        weights=weights,
        tau2=tau2,
        tau2_low=spread.solve(float(chi2.isf(tail, n_models - 1))),
        tau2_high=spread.solve(float(chi2.ppf(tail, n_models - 1))),
        q=q,
        q_p=float(chi2.sf(q, n_models - 1)),
        i2=tau2 / (tau2 + typical) if tau2 > 0 else 0.0,
        predicted_low=low,
        predicted_high=high,
        level=level,
        n_models=n_models,
    )


def leave_one_out(
    estimates: Float[ndarray, " model"],
    covariance: Float[ndarray, "model model"],
    *,
    level: float = 0.95,
) -> tuple[RandomEffects, ...]:
    """The results of `random_effects` without each model in turn, in the models' order.

    Raises ValueError for fewer than 3 models, and where `random_effects` does.

    >>> found = leave_one_out(np.array([0.3, 0.4, 0.9]), np.eye(3) / 100)
    >>> [round(each.weighted.mean, 2) for each in found]
    [0.65, 0.6, 0.35]
    """
    if len(estimates) < 3:
        raise ValueError(
            f"`estimates` needs at least 3 models to leave one out, got {len(estimates)}: add "
            "models"
        )
    kept = [np.arange(len(estimates)) != out for out in range(len(estimates))]
    return tuple(
        random_effects(estimates[rows], covariance[np.ix_(rows, rows)], level=level)
        for rows in kept
    )


def p_not_above(pooled: PooledMean, value: float) -> float:
    """One-sided p-value for "the mean is at most `value`": small where it is shown to lie above.

    >>> pooled = random_effects(np.array([0.3, 0.4, 0.5]), np.eye(3) / 100).weighted
    >>> round(p_not_above(pooled, 0.4), 2), round(p_not_above(pooled, 0.0), 2)
    (0.5, 0.01)
    """
    distance = pooled.mean - value
    tail = _tail(abs(distance), pooled.standard_error, pooled.shared_error, pooled.n_models)
    return tail if distance > 0 else 1 - tail


def _checked(
    estimates: Float[ndarray, " model"], covariance: Float[ndarray, "_model _models"]
) -> tuple[Float[ndarray, " model"], Float[ndarray, "model model"]]:
    values = finite_array(estimates, name="estimates", axes=["model"])
    errors = finite_array(covariance, name="covariance", axes=["model", "model"])
    n_models = len(values)
    if n_models < 2:
        raise ValueError(f"`estimates` needs at least 2 models, got {n_models}: add models")
    if errors.shape != (n_models, n_models) or not np.allclose(errors, errors.T, rtol=1e-6):
        raise ValueError(
            f"`covariance` must be symmetric [{n_models}, {n_models}], got shape {errors.shape}: "
            "pass np.diag(standard_errors**2) where errors are independent"
        )
    variances = np.diag(errors)
    if variances.min() <= 0:
        model = int(np.argmin(variances))
        raise ValueError(
            f"`covariance` needs positive variances, got {variances[model]} of model {model}: an "
            "estimate without error has no weight among others, leave it out"
        )
    if np.linalg.eigvalsh(errors).min() < -_ROUNDING * variances.sum():
        raise ValueError(
            "`covariance` must have no negative eigenvalue, got one: estimate all its entries on "
            "the same resamples"
        )
    if np.ptp(values) == 0:
        raise ValueError(
            f"`estimates` must not all be equal, got {values[0]} only: without spread there is no "
            "interval, report the value"
        )
    return values, errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """The contrasts between models, in directions in which their errors are independent."""

    squares: Float[ndarray, " contrast"]
    variances: Float[ndarray, " contrast"]

    @classmethod
    def of(
        cls, values: Float[ndarray, " model"], errors: Float[ndarray, "model model"]
    ) -> "_Spread":
        """Orthonormal contrasts, turned so that the errors' covariance is diagonal."""
        contrasts = np.linalg.svd(np.ones((1, len(values))))[2][1:]
        variances, turned = np.linalg.eigh(contrasts @ errors @ contrasts.T)
        squares = (turned.T @ contrasts @ values) ** 2
        return cls(squares=squares, variances=np.maximum(variances, _ROUNDING * np.trace(errors)))

    def q(self, tau2: float) -> float:
        """Generalised Q: chi-square with a degree of freedom per contrast at the true tau^2."""
        return float((self.squares / (self.variances + tau2)).sum())

    @property
    def typical_variance(self) -> float:
        """The typical variance of the errors, for I^2: the harmonic mean (Higgins & Thompson
        2002)."""
        return float(len(self.variances) / (1 / self.variances).sum())

    def solve(self, target: float) -> float:
        """The tau^2 at which Q comes down to `target`; 0 where it is below from the start."""
        if self.q(0.0) <= target:
            return 0.0
        # Q(t) <= sum of squares / t, so that beyond this end it is below the target.
        end = float(self.squares.sum()) / target
        found = root_scalar(
            lambda tau2: self.q(tau2) - target, bracket=(0.0, 1.001 * end), xtol=1e-15
        )
        return float(found.root)


def _pooled(
    values: Float[ndarray, " model"],
    errors: Float[ndarray, "model model"],
    weights: Float[ndarray, " model"],
    level: float,
) -> PooledMean:
    degrees = len(values) - 1
    mean = float(weights @ values)
    spread = float(weights @ (values - mean) ** 2) / degrees
    shared = errors - np.diag(np.diag(errors))
    # Negative only by chance of the resamples: scenes that are hard for one are hard for all.
    common = max(0.0, float(weights @ shared @ weights) * len(values) / degrees)
    tail = (1 - level) / 2
    half = np.sqrt(t.isf(tail, degrees) ** 2 * spread + norm.isf(tail) ** 2 * common)
    error, shared_error = float(np.sqrt(spread)), float(np.sqrt(common))
    return PooledMean(
        mean=mean,
        standard_error=error,
        shared_error=shared_error,
        low=float(mean - half),
        high=float(mean + half),
        p=2 * _tail(abs(mean), error, shared_error, len(values)),
        n_models=len(values),
    )


def _tail(distance: float, error: float, shared: float, n_models: int) -> float:
    """The tail probability at which the half width of the interval is `distance`; at most .5."""
    degrees = n_models - 1
    if distance == 0:
        return 0.5
    if shared == 0:
        return max(_LEAST_TAIL, float(t.sf(distance / error, degrees)))

    def excess(log_tail: float) -> float:
        tail = np.exp(log_tail)
        half = np.hypot(t.isf(tail, degrees) * error, norm.isf(tail) * shared)
        return float(half - distance)

    ends = np.log(_LEAST_TAIL), np.log(0.5)
    if excess(ends[0]) <= 0:
        return _LEAST_TAIL
    return float(np.exp(root_scalar(excess, bracket=ends, xtol=1e-12).root))


def _prediction(pooled: PooledMean, tau2: float, level: float) -> tuple[float, float]:
    if pooled.n_models < 3:
        return -np.inf, np.inf
    spread = np.sqrt(tau2 + pooled.standard_error**2 + pooled.shared_error**2)
    half = float(t.isf((1 - level) / 2, pooled.n_models - 2) * spread)
    return pooled.mean - half, pooled.mean + half
