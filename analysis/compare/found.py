"""What a comparison found, as compare.json holds it."""

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
"""What may be said of the second of two depths: `analysis.compare.verdicts`."""
NoDepth = Literal["outcome", "not monotone", "no plateau on these scenes"]
Scenes = Annotated[int, Field(ge=2)]


@result
class DeclaredPlan:
    """What was decided before looking at a difference."""

    margin: Annotated[float, Field(gt=0, lt=1)]
    """Least difference that matters, as share of the depth."""
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
    """Where half of the plateau is reached, in shares of the depth: layer over last layer."""

    level: Level
    """That of the run."""
    layer: Interval
    """The first whole layer at or past it, over the last."""


@result
class ComparedArm:
    """One attribute of one run under one readout."""

    run: RunKey
    attribute: str
    readout: ReadoutName
    outcome: Outcome
    monotone: bool
    """No layer is shown below half of the plateau after one that is past it."""
    depth: ArmDepth | None
    """None unless it emerged and is monotone."""
    last_layer: Annotated[int, Field(ge=1)]
    n_scenes: Scenes
    n_items: Annotated[int, Field(ge=2)]
    correct: Interval | None
    """Mean over scenes at the last layer, as are the next two; None where a run has not kept its
    readings."""
    right_probability: Interval | None
    """The stated probability of the right answer, which is confidence, as is the next."""
    top_probability: Interval | None

    @property
    def measures(self) -> dict[str, Interval | None]:
        """The last three by name."""
        return {
            "correct": self.correct,
            "right_probability": self.right_probability,
            "top_probability": self.top_probability,
        }


@result
class DepthDifference:
    """Second minus first, in shares of the depth."""

    depths: tuple[float, float]
    layer_depths: tuple[Share, Share]
    """The first whole layer at or past each, over the last."""
    estimate: float
    low: float
    high: float
    p: PValue
    """Two-sided, for "no difference"."""
    beyond: Annotated[float, Field(gt=0, le=1)]
    """One layer of the shallower model."""
    p_beyond: PValue
    """Two-sided, for "at most that": by this a direction is claimed."""
    low_equivalence: float
    """End of the interval at 2 level - 1, as is the next."""
    high_equivalence: float
    p_equivalence: PValue
    """For "a difference of the margin or more"."""
    p_holm: PValue
    """Adjusted over all comparisons, as are the next two."""
    p_beyond_holm: PValue
    p_equivalence_holm: PValue


@result
class EffectDifference:
    """Second minus first at one relative depth, in shares of H."""

    depth: Share
    estimate: float
    low: float
    high: float
    p: PValue
    """Adjusted over the depths."""


@result
class CurveDifference:
    """The effects at equal relative depth."""

    omnibus_p: PValue
    depths: Annotated[tuple[EffectDifference, ...], Field(min_length=2)]
    omnibus_p_holm: PValue
    """Adjusted over all comparisons."""


@result
class Change:
    """Second minus first of a measure at the last layer."""

    estimate: float
    low: float
    high: float
    p: PValue
    """Two-sided."""
    p_holm: PValue
    """Adjusted over all comparisons."""


@result
class Comparison:
    """Two arms of one attribute."""

    attribute: str
    first: Side
    second: Side
    paired: bool
    """The rows of both are the same scenes."""
    n_scenes: tuple[Scenes, Scenes]
    n_shared: Annotated[int, Field(ge=0)]
    """Scenes that both runs have; left out of the larger run where not paired."""
    depth: DepthDifference | None
    no_depth: NoDepth | None
    """Why there is no difference of depths."""
    curve: CurveDifference
    correct: Change | None
    right_probability: Change | None
    top_probability: Change | None
    verdict: Verdict

    @property
    def measures(self) -> dict[str, Change | None]:
        """How right answers and confidence change, by name."""
        return {
            "correct": self.correct,
            "right_probability": self.right_probability,
            "top_probability": self.top_probability,
        }


@result
class Compared:
    """Everything in compare.json."""

    comparison_hash: Sha256
    plan: DeclaredPlan
    versions: Versions
    runs: Annotated[tuple[AboutRun, ...], Field(min_length=2)]
    differ: Annotated[tuple[Differing, ...], Field(min_length=1)]
    arms: Annotated[tuple[ComparedArm, ...], Field(min_length=2)]
    comparisons: Annotated[tuple[Comparison, ...], Field(min_length=1)]

    @property
    def labels(self) -> dict[str, str]:
        """What each run has in the fields that differ, by its letter."""
        return {run.key: run.label for run in self.runs}

    @property
    def several_readouts(self) -> bool:
        """Whether an arm must be named with its readout."""
        return len({arm.readout for arm in self.arms}) > 1
