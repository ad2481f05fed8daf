"""What two measures say about simulated worlds with the same knowledge, in the form that
results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class LayerMean:
    """A mean over scenes at one layer, as share of the entropy of the answers, with its
    interval."""

    layer: int
    estimate: float
    low: float
    high: float


@result
class World:
    """One simulated world: how loud it is, and what both measures say about it."""

    name: str
    """How the loudness changes over the layers: "constant", "growing" or "late"."""
    loudness: tuple[float, ...]
    """For each layer, the factor by which the logits are multiplied."""
    information: tuple[LayerMean, ...]
    """Information with the image minus that without, by layer."""
    stated: tuple[LayerMean, ...]
    """The readout's stated bits under the own image minus those under other scenes' images, by
    layer."""
    layer: Interval | None
    """The layer of emergence by information; None where there is none."""
    stated_layer: Interval | None
    """The layer of emergence by stated bits; None where there is none."""


@result
class FoundWorlds:
    """Simulated worlds with the same scenes and the same knowledge."""

    truth: float
    """The layer at which information crosses half of its plateau in a large sample."""
    n_scenes: int
    n_answers: int
    n_layers: int
    """The number of the last layer."""
    level: float
    worlds: tuple[World, ...]
