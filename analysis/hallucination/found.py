"""What a model knows of what is not in its images, in the form that results.json holds it."""

from typing import Literal

from analysis.absence.found import Discriminated
from analysis.absence.questions import Kind
from analysis.effects.found import FoundEmergence, Interval
from analysis.typed import result

Target = Literal["absent", "wrong"]


@result
class AtLayer:
    """How well a signal tells the two sides of a target apart at a layer."""

    layer: int
    area: Interval
    """Area under the ROC curve: the probability that of two items, one of each side, the signal is
    higher for the right one. The interval is over groups of scenes, for this layer alone."""
    p: float
    """Two-sided p-value for "it tells nothing", adjusted over the layers by the maximum
    statistic."""


@result
class Signal:
    """One signal at every layer that it is defined for."""

    layers: tuple[AtLayer, ...]
    p_holm: float
    """The smallest p-value over the layers, adjusted by Holm's method over the signals."""
    emerged: FoundEmergence | None
    """Whether and where the area rises above guessing: of 2 area - 1, which is 0 for guessing and 1
    for telling all. None for a signal that lacks layers."""

    @property
    def last(self) -> AtLayer:
        return self.layers[-1]

    @property
    def best(self) -> AtLayer:
        """The layer whose area is farthest from guessing; below .5 the signal tells the other way
        round. Its interval does not know that it was chosen; the p-values over layers do."""
        return max(self.layers, key=lambda each: abs(each.area.estimate - 0.5))


@result
class MoreInside:
    """How much better a probe on the residual tells absence than what is said at the last layer
    does."""

    layer: int
    difference: Interval
    """Difference of the two areas."""
    p: float
    """Two-sided p-value, adjusted over the layers by the maximum statistic."""


@result
class Detected:
    """How well each signal tells one target."""

    n_items: int
    n_positive: int
    """Items that are absent, or answered wrong."""
    n_groups: int
    signals: dict[str, Signal]
    baselines: dict[str, Interval]
    """Areas of what needs no layer: of the answer without an image, and of the text alone."""
    inside: tuple[MoreInside, ...]
    """The probe against what is said, by layer; empty for a probe that could not be fitted."""


@result
class Abstained:
    """What becomes of the errors if the least confident answers are held back."""

    coverage: tuple[float, ...]
    risk: tuple[Interval, ...]
    """Share of wrong answers among those that are given, at each coverage."""
    area: Interval
    """Mean risk over all coverages (AURC)."""
    best_area: float
    """The same if all wrong answers were held back before any right one."""
    at: Interval
    """The risk at the coverage of 80%."""


@result
class Calibrated:
    """Whether answers are right as often as the model states."""

    n_items: int
    stated: float
    """Mean stated probability of the preferred answer."""
    right: float
    error: Interval
    """Expected calibration error (ECE)."""
    error_if_calibrated: float
    """What that estimate would be on average if the model were perfectly calibrated: its bias."""
    brier: Interval


@result
class Certain:
    """How sure the model is of an answer to a question that has none."""

    present: Interval
    """Mean probability of the preferred answer where the thing is there."""
    absent: Interval
    """The same where it is not."""
    answered: Interval
    """Share of absent things for which one of the answers is the most probable token of all: a
    hallucination that would be said."""


@result
class Hallucinated:
    """What was found about questions of one name."""

    kind: Kind
    most: int
    n_items: int
    n_scenes: int
    n_groups: int
    n_texts: int
    absent: Detected
    wrong: Detected | None
    """None where nearly all answers are right, or nearly all wrong."""
    abstained: dict[str, Abstained]
    calibrated: Calibrated
    """Of items that have a right answer."""
    said: Discriminated | None
    """Of yes and no; None for premises."""
    by_probe: Discriminated | None
    """The same of a probe on the last layer, at the threshold that it was fitted with."""
    certain: Certain | None
    """Of premises; None for yes and no."""
    notes: tuple[str, ...]
    level: float
    n_resamples: int
