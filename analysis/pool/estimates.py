"""From the effects that runs have kept to pooled depths and differences of depth."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.finished.arms import Arm
from analysis.pool.found import LeftOut, Mean, ModelEstimate, Outcome, Pool, PooledAttribute
from analysis.pool.plan import LEAST_MODELS, PoolPlan
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from stats.crossing_errors import CrossingErrors, ModelCurves, crossing_errors
from stats.random_effects import PooledMean, RandomEffects, leave_one_out, random_effects

Found = tuple[Pool, RandomEffects]
"""A pooled quantity as it is written into the file, and as it is tested."""


def pooled_attribute(arms: Sequence[Arm], plan: PoolPlan) -> PooledAttribute:
    """One attribute over all runs: pooled over the runs in which it has a layer, if these are
    enough."""
    emerged = [arm for arm in arms if arm.emerged]
    depth = layer = None
    why = too_few(len(emerged))
    if why is None:
        rng = plan.rng(Stream.POOLED_DEPTHS, stream_key(arms[0].attribute))
        errors = crossing_errors(
            [_curves(arm) for arm in emerged], rng=rng, n_resamples=plan.n_resamples
        )
        why = no_errors(errors)
        if why is None:
            last = np.array(errors.last_layers, dtype=float)
            depth = pool(emerged, errors, plan, np.ones(len(last)), ends=(0.0, 1.0))[0]
            layer = pool(emerged, errors, plan, last, ends=(0.0, float(last.max())))[0]
    return PooledAttribute(
        attribute=arms[0].attribute,
        outcomes={arm.run.key: _outcome(arm) for arm in arms},
        n_emerged=len(emerged),
        depth=depth,
        layer=layer,
        not_pooled=why,
    )


def pooled_difference(
    firsts: Sequence[Arm], seconds: Sequence[Arm], plan: PoolPlan
) -> tuple[Found | None, CrossingErrors, str | None]:
    """The depth of the second attribute minus that of the first, within each run in which both have
    a layer; as it is pooled, with the errors, and with the reason where it is not pooled."""
    rng = plan.rng(
        Stream.POOLED_DIFFERENCES, stream_key(firsts[0].attribute), stream_key(seconds[0].attribute)
    )
    curves = [_both(one, other) for one, other in zip(firsts, seconds, strict=True)]
    errors = crossing_errors(curves, rng=rng, n_resamples=plan.n_resamples)
    why = no_errors(errors)
    if why is not None:
        return None, errors, why
    return (
        pool(firsts, errors, plan, np.ones(len(firsts)), ends=(-1.0, 1.0), curves=curves),
        (errors),
        None,
    )


def too_few(n_models: int) -> str | None:
    """Why this number of models is too small to pool; None if it is not."""
    if n_models < LEAST_MODELS:
        return f"it has a layer in {n_models} of the runs, a mean needs {LEAST_MODELS}"
    return None


def no_errors(errors: CrossingErrors) -> str | None:
    """Why the estimates cannot be pooled, for lack of standard errors; None if they can."""
    if np.isnan(errors.estimates).any():
        return "a run's effect has no plateau above 0 on the scenes that its attributes share"
    if np.diag(errors.covariance).min() <= 0:
        return "a run's layer does not move from scene to scene, so that it has no error"
    if np.ptp(errors.estimates) == 0:
        return "all models have the very same estimate, so that there is no spread"
    return None


def pool(
    arms: Sequence[Arm],
    errors: CrossingErrors,
    plan: PoolPlan,
    unit: Float[ndarray, " model"],
    *,
    ends: tuple[float, float],
    curves: Sequence[ModelCurves] | None = None,
) -> Found:
    """The estimates over models, each multiplied by its model's `unit`; intervals are cut at
    `ends`."""
    estimates = errors.estimates * unit
    covariance = errors.covariance * np.outer(unit, unit)
    found = random_effects(estimates, covariance, level=plan.level)
    without = leave_one_out(estimates, covariance, level=plan.level)
    standard = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(standard, standard)
    np.fill_diagonal(correlation, 0.0)
    scenes = [len(each.scenes) for each in curves or arms]
    written = Pool(
        models=_models(arms, estimates, standard, found.weights, scenes),
        weighted=_mean(found.weighted, ends),
        unweighted=_mean(found.unweighted, ends),
        tau=found.tau2**0.5,
        tau_low=found.tau2_low**0.5,
        tau_high=found.tau2_high**0.5,
        i2=found.i2,
        q=found.q,
        q_p=found.q_p,
        predicted_low=max(ends[0], found.predicted_low),
        predicted_high=min(ends[1], found.predicted_high),
        leave_one_out=tuple(
            _left_out(arm, one, ends) for arm, one in zip(arms, without, strict=True)
        ),
        largest_correlation=float(np.abs(correlation).max()),
    )  # fmt: skip
    return written, found


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs of names, in the order given."""
    return list(combinations(names, 2))


def both_emerged(
    arms: Mapping[str, Sequence[Arm]], first: str, second: str
) -> tuple[list[Arm], list[Arm]]:
    """The arms of both attributes in the runs in which both have a layer."""
    both = [
        (one, other)
        for one, other in zip(arms[first], arms[second], strict=True)
        if one.emerged and other.emerged
    ]
    return [one for one, _ in both], [other for _, other in both]


def _outcome(arm: Arm) -> Outcome:
    lost = arm.found.outcome == "emerged" and not arm.emerged
    return "not_monotone" if lost else arm.found.outcome


def _curves(arm: Arm) -> ModelCurves:
    return ModelCurves(
        curves=arm.effect[:, None],
        scenes=arm.scenes,
        data=arm.run.data_fingerprint,
        plateau=arm.run.study.plateau,
        horizon=arm.run.study.horizon,
    )


def _both(first: Arm, second: Arm) -> ModelCurves:
    shared = set(first.scenes) & set(second.scenes)
    if len(shared) < 2:
        raise UserError(
            f"need at least 2 scenes that {first.attribute} and {second.attribute} share in "
            f"{first.run.run.folder}, got {len(shared)}: measure more scenes, or name others with "
            "--attr"
        )
    tables = [arm.effect[arm.rows_of(shared)] for arm in (first, second)]
    return ModelCurves(
        curves=np.stack(tables, axis=1),
        scenes=tuple(sorted(shared)),
        data=first.run.data_fingerprint,
        plateau=first.run.study.plateau,
        horizon=first.run.study.horizon,
    )


def _models(
    arms: Sequence[Arm],
    estimates: Float[ndarray, " model"],
    errors: Float[ndarray, " model"],
    weights: Float[ndarray, " model"],
    scenes: Sequence[int],
) -> tuple[ModelEstimate, ...]:
    rows = zip(arms, estimates.tolist(), errors.tolist(), weights.tolist(), scenes, strict=True)
    return tuple(
        ModelEstimate(
            run=arm.run.key, estimate=value, standard_error=error, weight=weight, n_scenes=n_scenes
        )
        for arm, value, error, weight, n_scenes in rows
    )


def _mean(pooled: PooledMean, ends: tuple[float, float]) -> Mean:
    return Mean(
        mean=pooled.mean,
        standard_error=pooled.standard_error,
        shared_error=pooled.shared_error,
        low=max(ends[0], pooled.low),
        high=min(ends[1], pooled.high),
        p=pooled.p,
    )


def _left_out(arm: Arm, found: RandomEffects, ends: tuple[float, float]) -> LeftOut:
    mean = _mean(found.weighted, ends)
    return LeftOut(
        run=arm.run.key, mean=mean.mean, low=mean.low, high=mean.high, tau=found.tau2**0.5
    )
