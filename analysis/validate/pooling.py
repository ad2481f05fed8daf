"""Claims about means over models: the level of their interval, and of methods that take scenes for
models.

Models are drawn anew in every repetition: true depths with standard deviation tau around .4,
measured with errors of .025 to .05 of the depth, which are independent unless the models see the
same scenes.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm, t

from analysis.validate.scale import Finding, Scale
from stats.crossing_errors import ModelCurves, crossing_errors
from stats.random_effects import RandomEffects, p_not_above, random_effects
from stats.wordings import wording_effect

_SECTION = "models"
_TRUTH = 0.4
_SIZES = (3, 5, 10)
_ERRORS = (0.025, 0.05)
_UNEQUAL = np.array([0.1, 0.01, 0.01])
_SCENES, _SCENE_SD = 200, 0.5
_BEYOND = 0.1
_WORDINGS = 5


def pooling_claims(scale: Scale) -> Iterator[Finding]:
    """Coverage of the intervals of the mean and of the next model, and the controls that must
    fail."""
    for n_models in _SIZES:
        for tau in (0.0, 0.1):
            yield from _independent(scale, n_models, tau)
    yield from _unequal(scale)
    for n_models in _SIZES:
        yield from _same_scenes(scale, n_models)
    yield from _scenes_as_models(scale)
    yield from _direction(scale)
    yield from _from_curves(scale)
    yield from _wordings(scale)


def _independent(scale: Scale, n_models: int, tau: float) -> Iterator[Finding]:
    rng, repetitions = scale.rng(31, n_models, int(10 * tau)), _at_least(scale, 1)
    hits = np.zeros(4)
    for _ in range(repetitions):
        errors = rng.uniform(*_ERRORS, n_models)
        found, estimates, tau2 = _one(rng, np.diag(errors**2), tau)
        new = _TRUTH + tau * rng.standard_normal()
        hits += [
            _holds(found),
            found.tau2_low <= tau2 <= found.tau2_high,
            found.predicted_low <= new <= found.predicted_high,
            _wald(estimates, errors**2),
        ]
    mean, between, ahead, wald = hits / repetitions
    name = f"{n_models} models, tau = {tau:g}"

    def rate(claim: str, share: float, low: float, high: float) -> Finding:
        return scale.rate(_SECTION, f"{claim}, {name}", share, low, high, measures="coverage",
                          repetitions=repetitions)  # fmt: skip

    yield rate("Hartung-Knapp coverage of the mean", mean, 0.93, 0.97)
    yield rate("Q-profile coverage of tau^2", between, *((0.93, 0.97) if tau else (0.95, 1.0)))
    yield rate("prediction coverage of the next model", ahead, 0.92, 1.0)
    if n_models == 3 and tau:
        yield rate("DerSimonian-Laird with a normal interval fails", wald, 0.0, 0.9)


def _unequal(scale: Scale) -> Iterator[Finding]:
    """Level where one of three models is ten times less sure: this is why a claim needs both
    means."""
    rng, repetitions = scale.rng(32), _at_least(scale, 1)
    hits = np.zeros(2)
    for _ in range(repetitions):
        found, *_ = _one(rng, np.diag(_UNEQUAL**2), 0.1)
        hits += [_holds(found), found.unweighted.low <= _TRUTH <= found.unweighted.high]
    weighted, unweighted = hits / repetitions
    name = "one of 3 models ten times less sure"
    yield scale.rate(_SECTION, f"unweighted mean, {name}", unweighted, 0.93, 1.0,
                     measures="coverage", repetitions=repetitions)  # fmt: skip
    yield scale.rate(_SECTION, f"weighted mean alone fails, {name}", weighted, 0.0, 0.93,
                     measures="coverage", repetitions=repetitions)  # fmt: skip


def _same_scenes(scale: Scale, n_models: int) -> Iterator[Finding]:
    """Coverage where errors are correlated by .6, and the models are alike or not: the spread
    between models does not show the error that they share."""
    repetitions = _at_least(scale, 1)
    for tau in (0.0, 0.1):
        rng, hits = scale.rng(33, n_models, int(10 * tau)), np.zeros(2)
        for _ in range(repetitions):
            errors = rng.uniform(*_ERRORS, n_models)
            covariance = np.outer(errors, errors) * (0.6 + 0.4 * np.eye(n_models))
            found, estimates, _ = _one(rng, covariance, tau)
            ignored = random_effects(estimates, np.diag(errors**2))
            hits += [_holds(found), _holds(ignored)]
        right, wrong = hits / repetitions
        name = f"{n_models} models on the same scenes, tau = {tau:g}"
        yield scale.rate(_SECTION, f"coverage of the mean, {name}", right, 0.93, 0.99,
                         measures="coverage", repetitions=repetitions)  # fmt: skip
        if not tau:
            yield scale.rate(_SECTION, f"taking their errors for independent fails, {name}", wrong,
                             0.0, 0.9, measures="coverage", repetitions=repetitions)  # fmt: skip


def _scenes_as_models(scale: Scale) -> Iterator[Finding]:
    """Control that must fail: all scenes of three models are taken as if of one model, which
    ignores the differences between models."""
    rng, repetitions, held = scale.rng(34), _at_least(scale, 1), 0
    for _ in range(repetitions):
        truths = _TRUTH + 0.1 * rng.standard_normal(3)
        values = truths[:, None] + _SCENE_SD * rng.standard_normal((3, _SCENES))
        half = t.isf(0.025, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
        held += abs(values.mean() - _TRUTH) <= half
    yield scale.rate(_SECTION, "all scenes as if of one model fails, 3 models, tau = 0.1",
                     held / repetitions, 0.0, 0.9, measures="coverage",
                     repetitions=repetitions)  # fmt: skip


def _direction(scale: Scale) -> Iterator[Finding]:
    """How often a direction is claimed where the difference is just one layer (at most the level),
    and where it is two layers (the power)."""
    repetitions = _at_least(scale, 1)
    for truth, name, low, high in ((_BEYOND, "a difference of one layer", 0.0, 0.06),
                                   (3 * _BEYOND, "three layers, 5 models", 0.8, 1.0)):  # fmt: skip
        rng, claimed = scale.rng(35, int(100 * truth)), 0
        for _ in range(repetitions):
            errors = rng.uniform(*_ERRORS, 5)
            estimates = truth + rng.normal(0, 0.05, 5) + errors * rng.standard_normal(5)
            found = random_effects(estimates, np.diag(errors**2))
            both = found.weighted, found.unweighted
            earlier = max(p_not_above(one, _BEYOND) for one in both)
            later = max(1 - p_not_above(one, -_BEYOND) for one in both)
            claimed += 2 * min(earlier, later) <= 0.05
        yield scale.rate(_SECTION, f"a direction is claimed, {name}", claimed / repetitions, low,
                         high, measures="power" if high == 1 else "error",
                         repetitions=repetitions)  # fmt: skip


def _from_curves(scale: Scale) -> Iterator[Finding]:
    """Coverage of the whole procedure from scenes on: three models of different depth, crossings
    with bootstrap errors, pooled."""
    rng, repetitions, held = scale.rng(36), _at_least(scale, 8, least=100), 0
    for _ in range(repetitions):
        hard = rng.standard_normal((60, 1))
        models = [
            ModelCurves(
                curves=_curves(rng, n_layers, _TRUTH + 0.1 * rng.standard_normal(), hard),
                scenes=tuple(map(str, range(60))), data="same",
            )
            for n_layers in (13, 17, 25)
        ]  # fmt: skip
        errors = crossing_errors(models, rng=rng, n_resamples=200)
        held += _holds(random_effects(errors.estimates, errors.covariance))
    yield scale.rate(_SECTION, "coverage from curves of 3 models, 60 scenes that they share",
                     held / repetitions, 0.93, 0.99, measures="coverage",
                     repetitions=repetitions)  # fmt: skip


def _wordings(scale: Scale) -> Iterator[Finding]:
    """Coverage with five wordings on the same scenes: of the layer in another wording, and of the
    wordings' part in the variance.

    The control is what is usually reported: the interval of one wording over scenes, however many
    there are.
    """
    repetitions, layers, error, tau = _at_least(scale, 1), 10, 0.25, 0.5
    rng, hits = scale.rng(37), np.zeros(3)
    covariance = error**2 * (0.5 + 0.5 * np.eye(_WORDINGS))
    share = tau**2 / (tau**2 + error**2)
    for _ in range(repetitions):
        noise = np.linalg.cholesky(covariance) @ rng.standard_normal(_WORDINGS)
        asked = _TRUTH * layers + tau * rng.standard_normal(_WORDINGS) + noise
        new = _TRUTH * layers + tau * rng.standard_normal()
        found = wording_effect(asked, covariance)
        over = found.over_wordings
        hits += [
            over.predicted_low <= new <= over.predicted_high,
            found.share_low <= share <= found.share_high,
            abs(asked[0] - new) <= norm.isf(0.025) * error,
        ]
    ahead, part, alone = hits / repetitions
    for claim, rate, low, high in (
        ("prediction coverage of a new wording's layer, 5 wordings", ahead, 0.92, 0.98),
        ("coverage of the wording's share of the variance", part, 0.93, 0.97),
        ("one wording's interval for a new wording fails", alone, 0.0, 0.8),
    ):
        yield scale.rate(_SECTION, claim, rate, low, high, measures="coverage",
                         repetitions=repetitions)  # fmt: skip


def _curves(
    rng: np.random.Generator, n_layers: int, depth: float, hard: Float[ndarray, "scene one"]
) -> Float[ndarray, "scene one_curve layer"]:
    """Curves of scenes that rise linearly around `depth` to a plateau; the rise is later where a
    scene is hard, which it is for every model."""
    where = np.linspace(0, 1, n_layers)
    rise = np.clip((where - depth - 0.1 * hard) / 0.6 + 0.5, 0, 1)
    return (rise + 0.3 * rng.standard_normal(rise.shape))[:, None]


def _one(
    rng: np.random.Generator, covariance: Float[ndarray, "model model"], tau: float
) -> tuple[RandomEffects, Float[ndarray, " model"], float]:
    n_models = len(covariance)
    noise = np.linalg.cholesky(covariance) @ rng.standard_normal(n_models)
    estimates = _TRUTH + tau * rng.standard_normal(n_models) + noise
    return random_effects(estimates, covariance), estimates, tau**2


def _holds(found: RandomEffects) -> bool:
    return found.weighted.low <= _TRUTH <= found.weighted.high


def _wald(estimates: Float[ndarray, " model"], variances: Float[ndarray, " model"]) -> bool:
    """Whether the usual interval holds the truth: tau^2 in one step, normal quantiles."""
    weights = 1 / variances
    total = weights.sum()
    q = weights @ (estimates - weights @ estimates / total) ** 2
    one_step = (q - len(weights) + 1) / (total - (weights**2).sum() / total)
    weights = 1 / (variances + max(0.0, one_step))
    mean, error = weights @ estimates / weights.sum(), weights.sum() ** -0.5
    return bool(abs(mean - _TRUTH) <= norm.isf(0.025) * error)


def _at_least(scale: Scale, share: int, least: int = 100) -> int:
    return max(least, scale.repetitions // share)
