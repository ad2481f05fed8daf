"""What readouts tell side by side, on the ladder of readers, and beside what the model says, in the
form that results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class LayerDifference:
    """The mean of the first readout minus that of the second, at one layer."""

    layer: int
    difference: float
    low: float
    high: float
    """Upper end of the interval for this layer alone; `low` is its lower end."""
    p: float
    """Two-sided p-value from sign flips of scenes, adjusted over the layers of all pairs."""


@result
class CrossingGap(Interval):
    """The layer of emergence under the second readout minus that under the first."""

    p: float
    """Two-sided p-value, adjusted over the pairs of the attribute (Holm)."""


@result
class ReadoutPair:
    """Two readouts of one attribute on the same scenes."""

    first: str
    second: str
    effect: tuple[LayerDifference, ...]
    """Differences in the information that the image adds, as share of the entropy of the
    answers."""
    accuracy: tuple[LayerDifference, ...]
    """Differences in the share of right answers under the own image."""
    omnibus_p: float
    """p-value for "no difference in information at any layer"."""
    crossing: CrossingGap | None
    """The difference of the layers of emergence; None where a readout has none."""


@result
class ReadoutsCompared:
    """All pairs of readouts of one attribute."""

    readouts: tuple[str, ...]
    pairs: tuple[ReadoutPair, ...]
    n_scenes: int
    level: float
    n_resamples: int


@result
class RungLayer:
    """Information that the image adds at one layer, as share of the entropy of the answers, with
    its interval."""

    layer: int
    estimate: float
    low: float
    high: float


@result
class StepLayer(RungLayer):
    """How much more the upper rung tells than the lower one, at one layer."""

    p: float
    """Two-sided p-value, adjusted over the layers of all steps of the attribute."""


@result
class Step:
    """Two neighbouring rungs of the ladder."""

    lower: str
    upper: str
    layers: tuple[StepLayer, ...]


@result
class Ladder:
    """The ladder of readers of one attribute: what a readout says, what its answer scores hold, and
    what is linearly there."""

    rungs: dict[str, tuple[RungLayer, ...]]
    """The layers of each rung by its name, the lowest rung first."""
    steps: tuple[Step, ...]
    n_scenes: int
    level: float
    n_resamples: int


@result
class Share:
    """A share of the items with its interval."""

    n: int
    """The number of the items that make up the share."""
    share: float
    low: float
    high: float


@result
class SaidItem:
    """What the model said of one item, and what is read of it at the last layer."""

    item_id: str
    question: str
    answer: str
    """The right answer."""
    text: str
    """The text that the model generates greedily."""
    said: str
    """The answer that the text states; empty where it states none of the answers."""
    read: str
    """The most probable answer at the last layer."""

    @property
    def agrees(self) -> bool:
        """Whether the answer that is read is the one that is said."""
        return self.said == self.read


@result
class Said:
    """What the model says about one attribute's items, beside what is read at its last layer."""

    n_items: int
    n_scenes: int
    level: float
    agree: Share
    said_right: Share
    read_right: Share
    other: Share
    """The share of items about which the model says none of the answers."""
    items: tuple[SaidItem, ...]
