"""What linear probes can read of an attribute, as results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result

CONTROL_TASK, RANDOM_WEIGHTS, MAJORITY = "control task", "random weights", "majority"
SEEN, UNSEEN = "seen pairs", "unseen pairs"


@result
class HeldOut:
    """Held-out scores of something that the probe is compared with; intervals are over scenes."""

    accuracy: float
    """Share of right answers."""
    accuracy_low: float
    accuracy_high: float
    information: float
    """In bits, by readers cross-fitted by scene."""
    information_low: float
    information_high: float

    @property
    def accuracy_interval(self) -> Interval:
        """The accuracy with its interval."""
        return Interval(estimate=self.accuracy, low=self.accuracy_low, high=self.accuracy_high)

    @property
    def information_interval(self) -> Interval:
        """The information with its interval."""
        return Interval(
            estimate=self.information, low=self.information_low, high=self.information_high
        )


@result
class ProbedLayer:
    """The probe at one layer; p-values are one-sided and adjusted over layers."""

    layer: int
    accuracy: float
    """Share of right answers on held-out scenes."""
    accuracy_low: float
    accuracy_high: float
    information: float
    """In bits, by readers cross-fitted by scene."""
    information_low: float
    information_high: float
    selectivity: float
    """Accuracy above the control task, mean over its draws; the interval holds their error, too."""
    selectivity_low: float
    selectivity_high: float
    selectivity_draw_deviation: float
    """By how much one draw differs from another, as standard deviation."""
    selectivity_bits: float
    """The same of information."""
    selectivity_bits_low: float
    selectivity_bits_high: float
    p_selectivity: float
    p_information: float
    """Of information beyond how often each answer occurs."""
    code_bits: float
    """Online code of the labels of all scenes; the interval is over scenes and orders."""
    code_bits_low: float
    code_bits_high: float
    compression: float
    """By what factor that is shorter than the uniform code."""
    compression_low: float
    compression_high: float
    composition_gap: float | None = None
    """Accuracy lost in pairs of values that the probe has not seen; None, as the next three, where
    these were left out."""
    composition_gap_low: float | None = None
    composition_gap_high: float | None = None
    p_composition_gap: float | None = None

    @property
    def accuracy_interval(self) -> Interval:
        """The accuracy with its interval."""
        return Interval(estimate=self.accuracy, low=self.accuracy_low, high=self.accuracy_high)

    @property
    def information_interval(self) -> Interval:
        """The information with its interval."""
        return Interval(
            estimate=self.information, low=self.information_low, high=self.information_high
        )

    @property
    def selectivity_interval(self) -> Interval:
        """The selectivity in accuracy with its interval."""
        return Interval(
            estimate=self.selectivity, low=self.selectivity_low, high=self.selectivity_high
        )

    @property
    def code_interval(self) -> Interval:
        """The bits of the online code with their interval."""
        return Interval(estimate=self.code_bits, low=self.code_bits_low, high=self.code_bits_high)

    @property
    def compression_interval(self) -> Interval:
        """The factor of compression with its interval."""
        return Interval(
            estimate=self.compression, low=self.compression_low, high=self.compression_high
        )

    @property
    def composition_interval(self) -> Interval | None:
        """The accuracy lost in unseen pairs with its interval; None where it was not measured."""
        gap, low, high = self.composition_gap, self.composition_gap_low, self.composition_gap_high
        if gap is None or low is None or high is None:
            return None
        return Interval(estimate=gap, low=low, high=high)


@result
class Probed:
    """One attribute by linear probes at one position."""

    n_scenes: int
    n_items: int
    n_texts: int
    n_types: int
    """Of questions with their answer, which the control task gives labels to."""
    answers: dict[str, int]
    """Every answer with its items."""
    level: float
    uniform_code_bits: float
    """Of the labels of all scenes, were every answer as likely as any other."""
    n_control_draws: int
    n_partitions: int
    """Of the scenes into folds, through which the draws went in turn."""
    n_orders: int
    """Of the scenes, over which the online code is a mean."""
    layers: tuple[ProbedLayer, ...]
    compared: dict[str, tuple[HeldOut, ...]]
    """Per layer, or once for what has no layers; what could not be had is left out."""
    left_out: tuple[str, ...]
    """What was not measured on all items, or not at all, and why."""

    @property
    def last(self) -> ProbedLayer:
        """The probe at the last layer."""
        return self.layers[-1]

    @property
    def majority(self) -> HeldOut:
        """What saying always the most frequent answer scores."""
        return self.compared[MAJORITY][0]
