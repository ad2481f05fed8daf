"""What a pooling found, as pool.json holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["first_earlier", "second_earlier", "undecided", "not_pooled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEstimate:
    """One model in a forest."""

    run: str
    """Its run's letter."""
    estimate: float
    standard_error: float
    """Of the scene bootstrap."""
    weight: float
    """In the pooled mean; they add up to 1."""
    n_scenes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over models with its interval."""

    mean: float
    standard_error: float
    """Of the spread between models."""
    shared_error: float
    """Of the scenes that models share."""
    low: float
    high: float
    p: float
    """Two-sided, for "it is 0"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The mean without one model."""

    run: str
    mean: float
    low: float
    high: float
    tau: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One quantity over models; its unit is that of the estimates."""

    models: tuple[ModelEstimate, ...]
    weighted: Mean
    """Hartung-Knapp."""
    unweighted: Mean
    """All models alike."""
    tau: float
    """Standard deviation of the models' true values."""
    tau_low: float
    tau_high: float
    i2: float
    q: float
    q_p: float
    predicted_low: float
    """Prediction interval for the next model, cut at what can be."""
    predicted_high: float
    leave_one_out: tuple[LeftOut, ...]
    largest_correlation: float
    """Of two models' errors, by absolute value; 0 where no scenes are shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledAttribute:
    """One attribute over models."""

    attribute: str
    outcomes: Mapping[str, str]
    """By run; "not_monotone" where it emerged without a single layer."""
    n_emerged: int
    """Of all runs, those with a layer: the mean is of these, and conditional on it."""
    depth: Pool | None
    """In shares of the depth: the scale on which models of unlike depth compare."""
    layer: Pool | None
    """In layers; of models of unlike depth it compares what is not alike."""
    not_pooled: str | None
    """Why there is no mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledDifference:
    """Depth of the second attribute minus that of the first within a model, over models."""

    first: str
    second: str
    link: bool
    """They are neighbours in the chain."""
    n_both: int
    """Runs in which both have a layer."""
    depth: Pool | None
    beyond: float | None
    """One layer of the shallowest of these models: within it no direction is claimed."""
    p_beyond: float | None
    """Two-sided, for "at most that, in either direction"; the larger of the weighted and the
    unweighted test."""
    p_earlier: float | None
    """One-sided, for "the first is not earlier by more than that"; the larger of both tests."""
    p_beyond_holm: float | None
    """`p_beyond` adjusted over all differences."""
    verdict: Verdict
    n_first_earlier: int
    """Models in which the first comes before the second at all, by point estimates."""
    n_first_beyond: int
    """Models in which it does by more than `beyond`, by point estimates."""
    n_second_beyond: int
    """Models in which the second does by more than `beyond`."""
    not_pooled: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrder:
    """One order of attributes, and the models that show it by point estimates."""

    order: tuple[str, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledOrder:
    """The order of attributes over models."""

    chain: tuple[str, ...]
    """The order given."""
    chain_p: float | None
    """For "it is wrong somewhere, or by less than one layer": the largest p of its links; None
    where a link is not pooled."""
    orders: tuple[ShownOrder, ...]
    """Most often shown first."""
    without: tuple[str, ...]
    """Runs in which an attribute of the chain has no layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """Everything in pool.json."""

    pool_hash: str
    plan: Mapping[str, Any]
    readout: str
    versions: Mapping[str, str]
    runs: tuple[Mapping[str, Any], ...]
    differ: tuple[Mapping[str, Any], ...]
    left_out: Mapping[str, tuple[str, ...]]
    """Attributes that only some runs have, with these."""
    shared_scenes: tuple[tuple[str, ...], ...]
    """Groups of runs that have seen the same scenes."""
    attributes: tuple[PooledAttribute, ...]
    differences: tuple[PooledDifference, ...]
    order: PooledOrder
