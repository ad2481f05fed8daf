"""What linear probes can read about an attribute, in the form that results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result

CONTROL_TASK, RANDOM_WEIGHTS, MAJORITY = "control task", "random weights", "majority"
SEEN, UNSEEN = "seen pairs", "unseen pairs"


@result
class HeldOut:
    """Scores, on held-out scenes, of something that the probe is compared with; intervals are over
    scenes."""

    accuracy: float
    """Share of right answers."""
    accuracy_low: float
    accuracy_high: float
    information: float
    """Information about the answer in bits; each scene is read by a reader fitted on other
    scenes."""
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
    """The probe of one layer; p-values are one-sided and adjusted over layers."""

    layer: int
    accuracy: float
    """Share of right answers on held-out scenes."""
    accuracy_low: float
    accuracy_high: float
    information: float
    """Information about the answer in bits; each scene is read by a reader fitted on other
    scenes."""
    information_low: float
    information_high: float
    selectivity: float
    """Accuracy minus that of the control task, as mean over draws of its labels; the interval also
    holds the error of the draws."""
    selectivity_low: float
    selectivity_high: float
    selectivity_draw_deviation: float
    """Standard deviation of the selectivity between single draws of the control task's labels."""
    selectivity_bits: float
    """Selectivity in bits: the information minus that of the control task, as mean over draws."""
    selectivity_bits_low: float
    selectivity_bits_high: float
    p_selectivity: float
    p_information: float
    """p-value for "no information beyond how often each answer occurs"."""
    code_bits: float
    """Length in bits of the online code of all scenes' labels; the interval is over scenes and
    orders."""
    code_bits_low: float
    code_bits_high: float
    compression: float
    """The factor by which the online code is shorter than the uniform code."""
    compression_low: float
    compression_high: float
    composition_gap: float | None = None
    """Accuracy that is lost in pairs of values that the probe has not seen. None where such pairs
    were left out; so are the next three."""
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
    """What linear probes read about one attribute at one position."""

    n_scenes: int
    n_items: int
    n_texts: int
    n_types: int
    """The number of different questions with their answer; the control task gives one label to
    each."""
    answers: dict[str, int]
    """The number of items of every answer."""
    level: float
    uniform_code_bits: float
    """Length in bits of the code of all scenes' labels if every answer were as likely as any
    other."""
    n_control_draws: int
    n_partitions: int
    """The number of partitions of the scenes into folds, which the draws used in turn."""
    n_orders: int
    """The number of orders of the scenes over which the online code is a mean."""
    layers: tuple[ProbedLayer, ...]
    compared: dict[str, tuple[HeldOut, ...]]
    """The scores of what the probe is compared with, by name: one per layer, or a single one for
    what has no layers. What could not be measured is missing."""
    left_out: tuple[str, ...]
    """What was measured on some items only, or not at all, each with the reason."""

    @property
    def last(self) -> ProbedLayer:
        """The probe at the last layer."""
        return self.layers[-1]

    @property
    def majority(self) -> HeldOut:
        """The scores of always saying the most frequent answer."""
        return self.compared[MAJORITY][0]
