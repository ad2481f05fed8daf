"""What a pooling found, as pool.json holds it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from analysis.finished.found import (
    AboutRun,
    Differing,
    ReadoutName,
    RunKey,
    Sha256,
    Share,
    Versions,
)
from analysis.typed import result

Outcome = Literal["emerged", "not_emerged", "from_start", "died", "not_monotone"]
Verdict = Literal["first_earlier", "second_earlier", "undecided", "not_pooled"]
Count = Annotated[int, Field(ge=0)]
Size = Annotated[float, Field(ge=0)]
"""Of what cannot be below 0."""
OneLayer = Annotated[float, Field(gt=0, le=1)]


@result
class DeclaredPlan:
    """What was decided before looking at a mean."""

    level: Share
    n_resamples: Annotated[int, Field(ge=200)]
    seed: Count


@result
class ModelEstimate:
    """One model in a forest."""

    run: RunKey
    """Its run's letter."""
    estimate: float
    standard_error: Annotated[float, Field(gt=0)]
    """Of the scene bootstrap."""
    weight: Share
    """In the pooled mean; they add up to 1."""
    n_scenes: Annotated[int, Field(ge=2)]


@result
class Mean:
    """A mean over models with its interval."""

    mean: float
    standard_error: Size
    """Of the spread between models."""
    shared_error: Size
    """Of the scenes that models share."""
    low: float
    high: float
    p: Share
    """Two-sided, for "it is 0"."""


@result
class LeftOut:
    """The mean without one model."""

    run: RunKey
    mean: float
    low: float
    high: float
    tau: Size


@result
class Pool:
    """One quantity over models; its unit is that of the estimates."""

    models: Annotated[tuple[ModelEstimate, ...], Field(min_length=3)]
    weighted: Mean
    """Hartung-Knapp."""
    unweighted: Mean
    """All models alike."""
    tau: Size
    """Standard deviation of the models' true values."""
    tau_low: Size
    tau_high: Size
    i2: Share
    q: Size
    q_p: Share
    predicted_low: float
    """Prediction interval for the next model, cut at what can be."""
    predicted_high: float
    leave_one_out: Annotated[tuple[LeftOut, ...], Field(min_length=3)]
    largest_correlation: Share
    """Of two models' errors, by absolute value; 0 where no scenes are shared."""


@result
class PooledAttribute:
    """One attribute over models."""

    attribute: str
    outcomes: Mapping[str, Outcome]
    """By run; "not_monotone" where it emerged without a single layer."""
    n_emerged: Count
    """Of all runs, those with a layer: the mean is of these, and conditional on it."""
    depth: Pool | None
    """In shares of the depth: the scale on which models of unlike depth compare."""
    layer: Pool | None
    """In layers; of models of unlike depth it compares what is not alike."""
    not_pooled: str | None
    """Why there is no mean."""


@result
class PooledDifference:
    """Depth of the second attribute minus that of the first within a model, over models."""

    first: str
    second: str
    link: bool
    """They are neighbours in the chain."""
    n_both: Count
    """Runs in which both have a layer."""
    depth: Pool | None
    beyond: OneLayer | None
    """One layer of the shallowest of these models: within it no direction is claimed."""
    p_beyond: Share | None
    """Two-sided, for "at most that, in either direction"; the larger of the weighted and the
    unweighted test."""
    p_earlier: Share | None
    """One-sided, for "the first is not earlier by more than that"; the larger of both tests."""
    p_beyond_holm: Share | None
    """`p_beyond` adjusted over all differences."""
    verdict: Verdict
    n_first_earlier: Count
    """Models in which the first comes before the second at all, by point estimates."""
    n_first_beyond: Count
    """Models in which it does by more than `beyond`, by point estimates."""
    n_second_beyond: Count
    """Models in which the second does by more than `beyond`."""
    not_pooled: str | None


@result
class ShownOrder:
    """One order of attributes, and the models that show it by point estimates."""

    order: tuple[str, ...]
    runs: Annotated[tuple[RunKey, ...], Field(min_length=1)]


@result
class PooledOrder:
    """The order of attributes over models."""

    chain: tuple[str, ...]
    """The order given."""
    chain_p: Share | None
    """For "it is wrong somewhere, or by less than one layer": the largest p of its links; None
    where a link is not pooled."""
    orders: tuple[ShownOrder, ...]
    """Most often shown first."""
    without: tuple[RunKey, ...]
    """Runs in which an attribute of the chain has no layer."""


@result
class Pooling:
    """Everything in pool.json."""

    pool_hash: Sha256
    plan: DeclaredPlan
    readout: ReadoutName
    versions: Versions
    runs: Annotated[tuple[AboutRun, ...], Field(min_length=3)]
    differ: Annotated[tuple[Differing, ...], Field(min_length=1)]
    left_out: Mapping[str, tuple[RunKey, ...]]
    """Attributes that only some runs have, with these."""
    shared_scenes: tuple[Annotated[tuple[RunKey, ...], Field(min_length=2)], ...]
    """Groups of runs that have seen the same scenes."""
    attributes: Annotated[tuple[PooledAttribute, ...], Field(min_length=1)]
    differences: tuple[PooledDifference, ...]
    order: PooledOrder

    @property
    def level(self) -> str:
        """That of the intervals, as people say it."""
        return f"{100 * self.plan.level:g}%"

    @property
    def differ_beside_the_model(self) -> bool:
        """Whether the runs differ in anything that is not the model."""
        return any(each.field not in ("model", "revision") for each in self.differ)
