"""What is found about an attribute under a readout, in the form that results.json holds."""

from dataclasses import fields
from typing import Any, Literal

from analysis.typed import result

Outcome = Literal["emerged", "not_emerged", "from_start", "died"]
_NOTHING = 1e-6
"""Certainty up to which nothing is said: what float32 leaves of answers that are all alike."""


def fields_of(found: Any) -> dict[str, Any]:
    """The own fields of a result by name, to build a result of another class that has them too."""
    return {each.name: getattr(found, each.name) for each in fields(found)}


@result
class Interval:
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float


@result
class Crossing(Interval):
    """A position on the scale of layers that may lie between two of them, with its interval and the
    level of that interval."""

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
    """The last layer of the set; None where the set has no upper end."""


@result
class LayerSetAbove(LayerSet):
    """A forward-backward set for the layer from which on the effect stays above a margin."""

    delta: float
    """The margin, as share of the entropy of the answers."""


@result
class Sure:
    """Whether and where certainty emerges: the layer at which the readout becomes sure of an
    answer, right or wrong."""

    outcome: Outcome
    lambda_half: Crossing | None
    """The layer at which half of the plateau is reached, between whole layers; None unless the
    curve emerged and is monotone."""
    layer: WholeLayer | None
    """The first whole layer at or past `lambda_half`; None where that is None."""
    monotone: bool
    declines: bool
    fb_half: LayerSet
    """The set of layers at which half of the plateau may be reached, without assumptions on the
    curve's shape."""
    plateau_effect: float
    """Mean of the curve over the plateau, as share of the largest value."""


@result
class FoundEmergence:
    """Whether and where an effect emerges, with its sets of layers and the numbers that this rests
    on."""

    outcome: Outcome
    lambda_half: Crossing | None
    """The layer at which half of the plateau is reached, between whole layers; None unless the
    effect emerged and the curve is monotone."""
    layer: WholeLayer | None
    """The first whole layer at or past `lambda_half`; None where that is None."""
    monotone: bool
    declines: bool
    fb_half: LayerSet
    """The set of layers at which half of the plateau may be reached, without assumptions on the
    curve's shape."""
    fb_delta: LayerSetAbove
    lambda_first: int | None
    """The first layer whose effect is shown to be above the margin; None if there is none."""
    lambda_sustained: int | None
    """The first layer from which on the effects of all layers up to the horizon are shown to be
    above the margin; None if there is none."""
    plateau: tuple[int, int]
    """First and last layer of the plateau window."""
    plateau_effect: float
    """Mean effect over the plateau, as share of the entropy of the answers."""
    horizon: int
    """The last layer that is considered."""
    level: float
    detectable_effect: float
    """The effect that would have been found with a power of .8 at any layer, as share of the
    entropy of the answers."""
    n_scenes: int


@result
class ByControl:
    """A p-value of the test against each control."""

    shuffled: float
    blank: float

    @property
    def named(self) -> dict[str, float]:
        """The p-values by the name of the control."""
        return {"shuffled": self.shuffled, "blank": self.blank}

    @property
    def largest(self) -> float:
        """The larger of the two p-values: that of the control which the effect beats less
        clearly."""
        return max(self.shuffled, self.blank)


@result
class Verdict(FoundEmergence):
    """An emergence, with every test of its controls."""

    omnibus_p: ByControl
    """p-values for an effect at any layer, over all layers."""
    plateau_p: ByControl
    """p-values for an effect over the plateau."""
    omnibus_p_holm: float
    """The largest of the p-values above, adjusted by Holm's method over all findings of the run."""

    @property
    def largest_p(self) -> float:
        """The p-value of the finding. It must pass both controls, over all layers and on the
        plateau, so this is the largest of the four p-values."""
        return max(self.omnibus_p.largest, self.plateau_p.largest)


@result
class Choice:
    """Outcome and layer under another choice of analysis that is just as defensible."""

    choice: str
    outcome: Outcome
    estimate: float | None
    """The layer of emergence under this choice; None where there is no single layer."""


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
        """The values by the name of the condition."""
        return {"real": self.real, "shuffled": self.shuffled, "blank": self.blank}


@result
class Layer:
    """The numbers of one layer; scores are means over scenes."""

    layer: int
    effect: float
    """Information with the image minus information with a blank one, as share of the entropy of the
    answers. `low` to `high` is its interval over scenes."""
    low: float
    high: float
    information: WithAndWithout
    """Information about the answer in bits, with the image and with a blank one, each read by a
    reader of its own."""
    stated: ByCondition
    """log2 of the readout's own probability of the answer."""
    correct: ByCondition
    brier: ByCondition
    scale: Interval
    """The factor by which the scores must be multiplied to mean what they say; 1 is well
    calibrated."""
    lost: Interval
    """Bits of information lost by taking the readout's probabilities as they are."""
    certainty: Interval
    """1 minus the entropy of the readout's distribution over the answers, as share of the largest
    there is: how sure it is."""
    held: float
    """Bits of information with the image, by a reader that has an offset for each answer
    besides."""
    p_shuffled: float
    """p-value against the shuffled control, one-sided and adjusted over layers; so is `p_blank`."""
    p_blank: float

    @property
    def interval(self) -> Interval:
        """The effect with its interval."""
        return Interval(estimate=self.effect, low=self.low, high=self.high)

    @property
    def too_loud(self) -> bool:
        """Whether the readout is shown to say more than it knows. Where all answers are equally
        likely it says nothing, and nothing too loudly."""
        return self.scale.high < 1 and self.certainty.estimate > _NOTHING

    @property
    def too_quiet(self) -> bool:
        """Whether the readout is shown to know more than it says."""
        return self.scale.low > 1


@result
class Guessing:
    """The scores of guessing by how frequent the answers are."""

    bits: float
    correct: float
    brier: float


@result
class Finding(Verdict):
    """One attribute under one readout: its emergence, its curves, and what it was asked."""

    robustness: tuple[Choice, ...]
    """Outcome and layer under other choices of analysis; the declared choice comes first."""
    sure: Sure
    layers: tuple[Layer, ...]
    interval_method: str
    n_resamples: int
    n_items: int
    n_texts: int
    answers: dict[str, int]
    """The number of items of every answer."""
    answer_entropy_bits: float
    guessing: Guessing
    notes: tuple[str, ...]
    """What a reader of the finding must know."""

    @property
    def last_layer(self) -> int:
        """The number of the model's last layer."""
        return self.layers[-1].layer
