"""What a comparison found, in the form that compare.json holds it."""

from typing import Annotated, Literal

from pydantic import Field

from analysis.effects.found import Interval, Outcome
from analysis.finished.found import (
    AboutRun,
    Differing,
    Level,
    PValue,
    ReadoutName,
    RunKey,
    Sha256,
    Share,
    Versions,
)
from analysis.typed import result

Verdict = Literal[
    "earlier", "later", "earlier_within", "later_within", "same", "undecided", "not_compared"
]
"""What may be said about the second of two depths; `analysis.compare.verdicts` explains the
values."""
NoDepth = Literal["outcome", "not monotone", "no plateau on these scenes"]
Scenes = Annotated[int, Field(ge=2)]


@result
class DeclaredPlan:
    """The settings that were fixed before looking at a difference."""

    margin: Annotated[float, Field(gt=0, lt=1)]
    """The least difference that matters, as share of the depth."""
    level: Level
    n_resamples: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]


@result
class Side:
    """One of the two arms of a comparison."""

    run: RunKey
    readout: ReadoutName


@result
class ArmDepth(Interval):
    """Where half of the plateau is reached, as share of the depth: layer divided by last layer."""

    level: Level
    """The level of the interval, which is that of the run."""
    layer: Interval
    """The first whole layer at or past it, divided by the last layer."""


@result
class ComparedArm:
    """The results of one attribute of one run under one readout."""

    run: RunKey
    attribute: str
    readout: ReadoutName
    outcome: Outcome
    monotone: bool
    """Whether no layer is shown to be below half of the plateau after one that is past it."""
    depth: ArmDepth | None
    """The depth of emergence; None unless the effect emerged and the curve is monotone."""
    last_layer: Annotated[int, Field(ge=1)]
    n_scenes: Scenes
    n_items: Annotated[int, Field(ge=2)]
    correct: Interval | None
    """Share of right answers at the last layer, as mean over scenes; None where a run has not kept
    its readings, as for the next two."""
    right_probability: Interval | None
    """The stated probability of the right answer, which is a measure of confidence, as is the
    next."""
    top_probability: Interval | None

    @property
    def measures(self) -> dict[str, Interval | None]:
        """Right answers and the two measures of confidence, by name."""
        return {
            "correct": self.correct,
            "right_probability": self.right_probability,
            "top_probability": self.top_probability,
        }


@result
class DepthDifference:
    """The depth of the second arm minus that of the first, as share of the depth."""

    depths: tuple[float, float]
    layer_depths: tuple[Share, Share]
    """For each arm the first whole layer at or past half of the plateau, divided by the last
    layer."""
    estimate: float
    low: float
    high: float
    p: PValue
    """Two-sided p-value for "there is no difference"."""
    beyond: Annotated[float, Field(gt=0, le=1)]
    """One layer of the shallower model, as share of its depth: within it no direction is
    claimed."""
    p_beyond: PValue
    """Two-sided p-value for "the difference is at most `beyond`"; a direction is claimed by
    this."""
    low_equivalence: float
    """Lower end of the interval at 2 level - 1, by which equivalence is decided; `high_equivalence`
    is its upper end."""
    high_equivalence: float
    p_equivalence: PValue
    """p-value for "the difference is the margin or more"."""
    p_holm: PValue
    """`p` adjusted over all comparisons; the next two are `p_beyond` and `p_equivalence` adjusted
    so."""
    p_beyond_holm: PValue
    p_equivalence_holm: PValue


@result
class EffectDifference:
    """The effect of the second arm minus that of the first at one relative depth, as share of the
    entropy of the answers."""

    depth: Share
    estimate: float
    low: float
    high: float
    p: PValue
    """p-value, adjusted over the depths."""


@result
class CurveDifference:
    """The differences of the effects at equal relative depths."""

    omnibus_p: PValue
    depths: Annotated[tuple[EffectDifference, ...], Field(min_length=2)]
    omnibus_p_holm: PValue
    """p-value for "no difference at any depth", adjusted over all comparisons."""


@result
class Change:
    """A measure at the last layer: that of the second arm minus that of the first."""

    estimate: float
    low: float
    high: float
    p: PValue
    """Two-sided p-value for "there is no change"."""
    p_holm: PValue
    """`p` adjusted over all comparisons."""


@result
class Comparison:
    """Two arms of one attribute, compared."""

    attribute: str
    first: Side
    second: Side
    paired: bool
    """Whether the rows of both arms are the same scenes."""
    n_scenes: tuple[Scenes, Scenes]
    n_shared: Annotated[int, Field(ge=0)]
    """The number of scenes that both runs have. Where arms are not paired, they are left out of the
    larger run."""
    depth: DepthDifference | None
    no_depth: NoDepth | None
    """Why there is no difference of depths; None where there is one."""
    curve: CurveDifference
    correct: Change | None
    right_probability: Change | None
    top_probability: Change | None
    verdict: Verdict

    @property
    def measures(self) -> dict[str, Change | None]:
        """The changes of right answers and of the two measures of confidence, by name."""
        return {
            "correct": self.correct,
            "right_probability": self.right_probability,
            "top_probability": self.top_probability,
        }


@result
class Compared:
    """The whole content of compare.json."""

    comparison_hash: Sha256
    plan: DeclaredPlan
    versions: Versions
    runs: Annotated[tuple[AboutRun, ...], Field(min_length=2)]
    differ: Annotated[tuple[Differing, ...], Field(min_length=1)]
    arms: Annotated[tuple[ComparedArm, ...], Field(min_length=2)]
    comparisons: Annotated[tuple[Comparison, ...], Field(min_length=1)]

    @property
    def labels(self) -> dict[str, str]:
        """For each run's letter, the run's values of the fields in which the runs differ."""
        return {run.key: run.label for run in self.runs}

    @property
    def several_readouts(self) -> bool:
        """Whether an arm must be named with its readout."""
        return len({arm.readout for arm in self.arms}) > 1
