"""What is found of an attribute under a readout, as results.json holds it."""

from dataclasses import fields
from typing import Any, Literal

from analysis.typed import result

Outcome = Literal["emerged", "not_emerged", "from_start", "died"]


def fields_of(found: Any) -> dict[str, Any]:
    """A result's own fields by name, for one that holds them and others besides."""
    return {each.name: getattr(found, each.name) for each in fields(found)}


@result
class Interval:
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float


@result
class Crossing(Interval):
    """A layer between layers, with its interval and the level of that."""

    level: float


@result
class WholeLayer:
    """A whole layer with its interval."""

    estimate: int
    low: int
    high: int


@result
class LayerSet:
    """A forward-backward set of layers."""

    low: int
    high: int | None
    """None where the set is open above."""


@result
class LayerSetAbove(LayerSet):
    """The same of the layer from which the effect exceeds a margin for good."""

    delta: float
    """The margin, as share of H."""


@result
class Sure:
    """Whether and where a curve emerges: of certainty, when the readout becomes sure of an answer,
    right or wrong."""

    outcome: Outcome
    lambda_half: Crossing | None
    """Where half of the plateau is reached; None unless it emerged and the curve is monotone."""
    layer: WholeLayer | None
    """The first whole layer at or past that."""
    monotone: bool
    declines: bool
    fb_half: LayerSet
    """For half of the plateau, without assumptions on the curve's shape."""
    plateau_effect: float
    """Mean over the plateau, as share of H."""


@result
class FoundEmergence:
    """Whether and where an effect emerges, its sets, and what they rest on."""

    outcome: Outcome
    lambda_half: Crossing | None
    """Where half of the plateau is reached; None unless it emerged and the curve is monotone."""
    layer: WholeLayer | None
    """The first whole layer at or past that."""
    monotone: bool
    declines: bool
    fb_half: LayerSet
    """For half of the plateau, without assumptions on the curve's shape."""
    fb_delta: LayerSetAbove
    lambda_first: int | None
    """The first layer shown above the margin."""
    lambda_sustained: int | None
    """The first layer from which all up to the horizon are."""
    plateau: tuple[int, int]
    """First and last layer."""
    plateau_effect: float
    """Mean over the plateau, as share of H."""
    horizon: int
    """Last layer considered."""
    level: float
    detectable_effect: float
    """Would have been found with power .8 at any layer, as share of H."""
    n_scenes: int


@result
class ByControl:
    """A p-value of the test against each control."""

    shuffled: float
    blank: float

    @property
    def named(self) -> dict[str, float]:
        """By the name of the control."""
        return {"shuffled": self.shuffled, "blank": self.blank}

    @property
    def largest(self) -> float:
        """Of the weaker control."""
        return max(self.shuffled, self.blank)


@result
class Verdict(FoundEmergence):
    """An emergence with every test of its controls."""

    omnibus_p: ByControl
    """Of any effect, over all layers."""
    plateau_p: ByControl
    """Of an effect over the plateau."""
    omnibus_p_holm: float
    """The largest of these, adjusted by Holm's method over all findings of the run."""

    @property
    def largest_p(self) -> float:
        """A finding must pass both controls, over all layers and on the plateau: this is its p."""
        return max(self.omnibus_p.largest, self.plateau_p.largest)


@result
class Choice:
    """Outcome and layer under one choice that could as well have been made."""

    choice: str
    outcome: Outcome
    estimate: float | None
    """None where there is no single layer."""


@result
class WithAndWithout:
    """A value with the image and with a blank one."""

    real: float
    blank: float


@result
class ByCondition:
    """A value with the image, with another scene's, and with a blank one."""

    real: float
    shuffled: float
    blank: float

    @property
    def named(self) -> dict[str, float]:
        """By the name of the condition."""
        return {"real": self.real, "shuffled": self.shuffled, "blank": self.blank}


@result
class Layer:
    """One layer; scores are means over scenes."""

    layer: int
    effect: float
    """Information with the image minus with a blank one, as share of H; `low` to `high` is its
    interval over scenes."""
    low: float
    high: float
    information: WithAndWithout
    """In bits, each under its own reader."""
    stated: ByCondition
    """log2 of the readout's own probability of the answer."""
    correct: ByCondition
    brier: ByCondition
    scale: Interval
    """By what the scores must be multiplied to mean what they say."""
    lost: Interval
    """Bits lost by taking the readout at its word."""
    certainty: Interval
    """1 minus the entropy of its distribution over the answers, as share of the largest."""
    held: float
    """Bits with the image under a reader with an offset per answer."""
    p_shuffled: float
    """One-sided and adjusted over layers, as is the next."""
    p_blank: float

    @property
    def interval(self) -> Interval:
        """The effect with its interval."""
        return Interval(estimate=self.effect, low=self.low, high=self.high)


@result
class Guessing:
    """What guessing by how frequent the answers are scores."""

    bits: float
    correct: float
    brier: float


@result
class Finding(Verdict):
    """One attribute under one readout: its emergence, its curves, and what it was asked."""

    robustness: tuple[Choice, ...]
    """The declared choice first."""
    sure: Sure
    layers: tuple[Layer, ...]
    interval_method: str
    n_resamples: int
    n_items: int
    n_texts: int
    answers: dict[str, int]
    """Every answer with its items."""
    answer_entropy_bits: float
    guessing: Guessing
    notes: tuple[str, ...]
    """What a reader of the finding must know."""

    @property
    def last_layer(self) -> int:
        """The model's last."""
        return self.layers[-1].layer
