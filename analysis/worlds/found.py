"""What two quantities make of simulated worlds that know the same, as results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class LayerMean:
    """Mean over scenes at one layer, as share of H, with its interval."""

    layer: int
    estimate: float
    low: float
    high: float


@result
class World:
    """One world: how loud it is, and what both quantities say of it."""

    name: str
    """How its loudness goes over the layers: "constant", "growing" or "late"."""
    loudness: tuple[float, ...]
    """By layer, what the logits are multiplied by."""
    information: tuple[LayerMean, ...]
    """With the image minus without."""
    stated: tuple[LayerMean, ...]
    """Stated bits, real minus other scenes' images."""
    layer: Interval | None
    """The layer of emergence by information; None where there is none, as of the next."""
    stated_layer: Interval | None
    """The same by stated bits."""


@result
class FoundWorlds:
    """Worlds of the same scenes and the same knowledge."""

    truth: float
    """The layer at which information crosses half of its plateau in a large sample."""
    n_scenes: int
    n_answers: int
    n_layers: int
    """The last layer."""
    level: float
    worlds: tuple[World, ...]
