"""How close a tuned lens comes to the model, beside the logit lens, in the form that results.json
holds it."""

from typing import Any, Generic, TypeVar

from analysis.effects.found import Interval
from analysis.readouts.registry import LOGIT_LENS, TUNED_LENS
from analysis.typed import result

Value = TypeVar("Value")


@result
class ByLens(Generic[Value]):
    """A value for each of the two lenses."""

    logit_lens: Value
    tuned_lens: Value

    @property
    def named(self) -> dict[str, Value]:
        """The values by the name of the lens."""
        return {LOGIT_LENS.name: self.logit_lens, TUNED_LENS.name: self.tuned_lens}


@result
class LensLayer:
    """Both lenses at one layer, all in bits."""

    layer: int
    kl_bits: ByLens[Interval]
    """Divergence of the lens from the model's final distribution, D(final || lens)."""
    gain_bits: Interval
    """The divergence of the logit lens minus that of the tuned lens."""
    p: float | None
    """One-sided p-value of the gain, adjusted over layers; None at the last layer, where both
    divergences are 0."""
    seed_spread_bits: float
    """Standard deviation of the tuned lens's divergence over trainings."""
    cross_entropy_bits: ByLens[float | None]
    """Cross-entropy with the right answer; None at positions where no answer is due."""
    bias_bits: ByLens[float]
    """Divergence of the lens's mean distribution from the model's mean distribution."""


@result
class ComparedLenses:
    """Both lenses on the test scenes, at one kind of position."""

    layers: tuple[LensLayer, ...]
    prediction_depth: ByLens[Interval]
    """Mean layer from which on the most probable token is the one that the model says in the
    end."""
    omnibus_p: float
    """p-value for "no gain at any layer"."""
    n_scenes: int
    n_rows: int
    """The number of positions that were read."""
    n_seeds: int
    level: float
    n_resamples: int

    @property
    def seed_spread_bits(self) -> float:
        """The largest spread over trainings of all layers, in bits."""
        return max(row.seed_spread_bits for row in self.layers)


@result
class MadeFrom:
    """What was asked for when the lens was trained."""

    positions: tuple[str, ...]
    tokens_per_item: int
    recipe: dict[str, Any]
    """The fields of the training recipe."""
    seeds: int


@result
class JudgedLens:
    """A tuned lens that was judged on test scenes."""

    positions: dict[str, ComparedLenses]
    """The comparison with the logit lens by kind of position, in the order asked for."""
    kept: tuple[str, ...]
    """For each layer, which translator was kept, or that the model itself is read."""
    n_scenes_by_side: dict[str, int]
    """The number of scenes for training, validation and test."""
    n_rows_by_side: dict[str, int]
    made_from: MadeFrom
