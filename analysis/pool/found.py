"""What a pooling of models found, in the form that pool.json holds it."""

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
"""A number that is not below 0."""
OneLayer = Annotated[float, Field(gt=0, le=1)]


@result
class DeclaredPlan:
    """The settings that were fixed before looking at a mean."""

    level: Share
    n_resamples: Annotated[int, Field(ge=200)]
    seed: Count


@result
class ModelEstimate:
    """One model in a forest plot."""

    run: RunKey
    """The letter of the model's run."""
    estimate: float
    standard_error: Annotated[float, Field(gt=0)]
    """Standard error from the bootstrap of scenes."""
    weight: Share
    """The model's weight in the pooled mean; all weights add up to 1."""
    n_scenes: Annotated[int, Field(ge=2)]


@result
class Mean:
    """A mean over models with its interval."""

    mean: float
    standard_error: Size
    """Standard error that is due to the spread between models."""
    shared_error: Size
    """Standard error that is due to scenes that models share."""
    low: float
    high: float
    p: Share
    """Two-sided p-value for "the mean is 0"."""


@result
class LeftOut:
    """The mean when one model is left out."""

    run: RunKey
    mean: float
    low: float
    high: float
    tau: Size


@result
class Pool:
    """One quantity pooled over models; its unit is that of the estimates."""

    models: Annotated[tuple[ModelEstimate, ...], Field(min_length=3)]
    weighted: Mean
    """The weighted mean, with its Hartung-Knapp interval."""
    unweighted: Mean
    """The mean in which all models have the same weight."""
    tau: Size
    """Standard deviation of the models' true values."""
    tau_low: Size
    tau_high: Size
    i2: Share
    q: Size
    q_p: Share
    predicted_low: float
    """Lower end of the prediction interval for the next model, cut at the least possible value."""
    predicted_high: float
    leave_one_out: Annotated[tuple[LeftOut, ...], Field(min_length=3)]
    largest_correlation: Share
    """The largest correlation of two models' errors, by absolute value; 0 where no scenes are
    shared."""


@result
class PooledAttribute:
    """One attribute pooled over models."""

    attribute: str
    outcomes: Mapping[str, Outcome]
    """The outcome in each run; "not_monotone" where the attribute emerged without a single
    layer."""
    n_emerged: Count
    """The number of runs in which the attribute has a layer: means are over these runs only."""
    depth: Pool | None
    """The layer of emergence as share of the depth, a scale on which models of different depth
    compare; None where it is not pooled."""
    layer: Pool | None
    """The layer of emergence in layers, which are not comparable between models of different depth;
    None where it is not pooled."""
    not_pooled: str | None
    """Why there is no mean; None where there is one."""


@result
class PooledDifference:
    """Depth of the second attribute minus that of the first within a model, over models."""

    first: str
    second: str
    link: bool
    """Whether the two attributes are neighbours in the chain."""
    n_both: Count
    """The number of runs in which both attributes have a layer."""
    depth: Pool | None
    beyond: OneLayer | None
    """One layer of the shallowest of these models: within it no direction is claimed."""
    p_beyond: Share | None
    """Two-sided p-value for "at most `beyond`, in either direction"; the larger of the weighted and
    the unweighted test."""
    p_earlier: Share | None
    """One-sided p-value for "the first is not earlier by more than `beyond`"; the larger of both
    tests."""
    p_beyond_holm: Share | None
    """`p_beyond` adjusted over all differences."""
    verdict: Verdict
    n_first_earlier: Count
    """The number of models in which the first comes before the second at all, by point
    estimates."""
    n_first_beyond: Count
    """The number of models in which the first is earlier by more than `beyond`, by point
    estimates."""
    n_second_beyond: Count
    """The number of models in which the second is earlier by more than `beyond`, by point
    estimates."""
    not_pooled: str | None


@result
class ShownOrder:
    """One order of attributes, and the models that show it by their point estimates."""

    order: tuple[str, ...]
    runs: Annotated[tuple[RunKey, ...], Field(min_length=1)]


@result
class PooledOrder:
    """The order of attributes over models."""

    chain: tuple[str, ...]
    """The attributes in the order given."""
    chain_p: Share | None
    """p-value for "the order is wrong somewhere, or a link of it is right by less than one layer":
    the largest p of its links; None where a link is not pooled."""
    orders: tuple[ShownOrder, ...]
    """The orders that models show, the most frequent first."""
    without: tuple[RunKey, ...]
    """The runs in which an attribute of the chain has no layer."""


@result
class Pooling:
    """The whole content of pool.json."""

    pool_hash: Sha256
    plan: DeclaredPlan
    readout: ReadoutName
    versions: Versions
    runs: Annotated[tuple[AboutRun, ...], Field(min_length=3)]
    differ: Annotated[tuple[Differing, ...], Field(min_length=1)]
    left_out: Mapping[str, tuple[RunKey, ...]]
    """Attributes that only some runs have, each with these runs."""
    shared_scenes: tuple[Annotated[tuple[RunKey, ...], Field(min_length=2)], ...]
    """Groups of runs that have seen the same scenes."""
    attributes: Annotated[tuple[PooledAttribute, ...], Field(min_length=1)]
    differences: tuple[PooledDifference, ...]
    order: PooledOrder

    @property
    def level(self) -> str:
        """The level of the intervals, as text."""
        return f"{100 * self.plan.level:g}%"

    @property
    def differ_beside_the_model(self) -> bool:
        """Whether the runs differ in anything that is not the model."""
        return any(each.field not in ("model", "revision") for each in self.differ)
