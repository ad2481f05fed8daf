"""How close a tuned lens comes to the model, beside the logit lens, as results.json holds it."""

from typing import Any, Generic, TypeVar

from analysis.effects.found import Interval
from analysis.readouts.registry import LOGIT_LENS, TUNED_LENS
from analysis.typed import result

Value = TypeVar("Value")


@result
class ByLens(Generic[Value]):
    """The same of both lenses."""

    logit_lens: Value
    tuned_lens: Value

    @property
    def named(self) -> dict[str, Value]:
        """By the name of the lens."""
        return {LOGIT_LENS.name: self.logit_lens, TUNED_LENS.name: self.tuned_lens}


@result
class LensLayer:
    """Both lenses at one layer, all in bits."""

    layer: int
    kl_bits: ByLens[Interval]
    """Divergence of the lens from the model's final distribution, D(final || lens)."""
    gain_bits: Interval
    """The logit lens's minus the tuned lens's."""
    p: float | None
    """Of the gain, one-sided and adjusted over layers; None at the last, where both are 0."""
    seed_spread_bits: float
    """Standard deviation of the tuned lens's divergence over trainings."""
    cross_entropy_bits: ByLens[float | None]
    """With the right answer; None where the positions are not due to say it."""
    bias_bits: ByLens[float]
    """Divergence of the mean distributions."""


@result
class ComparedLenses:
    """Both lenses on the test scenes, at one kind of position."""

    layers: tuple[LensLayer, ...]
    prediction_depth: ByLens[Interval]
    """Mean layer from which the lens says what the model says in the end."""
    omnibus_p: float
    """Of a gain at any layer."""
    n_scenes: int
    n_rows: int
    """Positions that were read."""
    n_seeds: int
    level: float
    n_resamples: int

    @property
    def seed_spread_bits(self) -> float:
        """The largest over layers."""
        return max(row.seed_spread_bits for row in self.layers)


@result
class MadeFrom:
    """What was asked for when the lens was trained."""

    positions: tuple[str, ...]
    tokens_per_item: int
    recipe: dict[str, Any]
    """The fields of the recipe."""
    seeds: int


@result
class JudgedLens:
    """A tuned lens, judged on test scenes."""

    positions: dict[str, ComparedLenses]
    """By kind of position, in the order asked for."""
    kept: tuple[str, ...]
    """By layer: which translator was kept, or that the model itself is read."""
    n_scenes_by_side: dict[str, int]
    """Of training, validation and test."""
    n_rows_by_side: dict[str, int]
    made_from: MadeFrom
