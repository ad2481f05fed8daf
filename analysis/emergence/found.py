"""What readouts tell side by side, on the ladder, and beside what is said, in results.json."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class LayerDifference:
    """At one layer the first readout's mean minus the second's."""

    layer: int
    difference: float
    low: float
    high: float
    """End of the interval of this layer alone, as is `low`."""
    p: float
    """Two-sided, from sign flips of scenes, adjusted over the layers of all pairs."""


@result
class CrossingGap(Interval):
    """The layer of emergence under the second readout minus that under the first."""

    p: float
    """Two-sided, adjusted over the pairs of the attribute (Holm)."""


@result
class ReadoutPair:
    """Two readouts of one attribute on the same scenes."""

    first: str
    second: str
    effect: tuple[LayerDifference, ...]
    """Of information that the image adds, as share of H."""
    accuracy: tuple[LayerDifference, ...]
    """Of the share of right answers under the own image."""
    omnibus_p: float
    """Of any difference in information at any layer."""
    crossing: CrossingGap | None
    """None where one of the two has no layer of emergence."""


@result
class ReadoutsCompared:
    """The readouts of one attribute, every pair of them."""

    readouts: tuple[str, ...]
    pairs: tuple[ReadoutPair, ...]
    n_scenes: int
    level: float
    n_resamples: int


@result
class RungLayer:
    """Information that the image adds at one layer, as share of H, with its interval."""

    layer: int
    estimate: float
    low: float
    high: float


@result
class StepLayer(RungLayer):
    """How much more the upper rung tells at one layer."""

    p: float
    """Two-sided, adjusted over the layers of all steps of the attribute."""


@result
class Step:
    """Two neighbouring rungs of the ladder."""

    lower: str
    upper: str
    layers: tuple[StepLayer, ...]


@result
class Ladder:
    """What a readout says of one attribute, what its answer scores hold, what is linearly there."""

    rungs: dict[str, tuple[RungLayer, ...]]
    """The lowest first."""
    steps: tuple[Step, ...]
    n_scenes: int
    level: float
    n_resamples: int


@result
class Share:
    """A share of the items with its interval."""

    n: int
    """How many of the items."""
    share: float
    low: float
    high: float


@result
class SaidItem:
    """What the model said of one item, and what is read of it at the last layer."""

    item_id: str
    question: str
    answer: str
    """The right one."""
    text: str
    """As generated, greedily."""
    said: str
    """The answer that the text is; empty where it is none of them."""
    read: str
    """The most probable answer at the last layer."""

    @property
    def agrees(self) -> bool:
        """Whether what is read is what is said."""
        return self.said == self.read


@result
class Said:
    """What the model says of one attribute's items beside what is read."""

    n_items: int
    n_scenes: int
    level: float
    agree: Share
    said_right: Share
    read_right: Share
    other: Share
    """Of items of which it says none of the answers."""
    items: tuple[SaidItem, ...]
