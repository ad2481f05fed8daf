"""Where a concept is recognised and what a decoder could know, as results.json holds it."""

from collections.abc import Mapping
from typing import Literal

from analysis.effects.found import FoundEmergence, Interval
from analysis.typed import result


@result
class Asked:
    """What the command was asked: where it is asked the same again, the result stands."""

    words: tuple[str, ...]
    against: tuple[str, ...]
    """What the words are held against; empty for the whole vocabulary."""
    question: str


@result
class ByControl:
    """One-sided p of own images: above those of the contrast, and above the blank image."""

    contrast: float
    blank: float

    @property
    def named(self) -> dict[str, float]:
        """By the name of the control."""
        return {"contrast": self.contrast, "blank": self.blank}


@result
class ConceptAtLayer:
    """One layer; scores are means over images, in bits."""

    layer: int
    own: float
    contrast: float
    blank: float
    """Of the one blank image."""
    effect: float
    """Own minus contrast; `low` to `high` is its interval, of this layer alone."""
    low: float
    high: float
    p_contrast: float
    """One-sided and adjusted over layers, as is the next."""
    p_blank: float
    auc: float
    """Probability that an own image scores above one of the contrast."""
    auc_low: float
    auc_high: float

    @property
    def area(self) -> Interval:
        """The AUC with its interval, of this layer alone."""
        return Interval(estimate=self.auc, low=self.auc_low, high=self.auc_high)


@result
class Score:
    """R^2 or accuracy on held-out images, with its interval."""

    score: float
    low: float
    high: float


@result
class TestedScore(Score):
    """The same beside the baseline."""

    p: float
    """One-sided, above the baseline; adjusted over layers."""


@result
class DecodedAtLayer:
    """What the decoder of one layer knows."""

    layer: int
    score: float
    low: float
    high: float
    p: float
    """One-sided, above the baseline; adjusted over layers."""
    permuted: TestedScore
    """Of a decoder fitted on permuted values."""


@result
class ColumnAsked:
    """What was decoded."""

    kind: str
    """Number or label."""
    values: str
    """Hash of the images and their values."""


@result
class DecodedColumn:
    """A column of the CSV, decoded from own images at every layer."""

    measure: Literal["R2", "accuracy"]
    n_scenes: int
    level: float
    n_resamples: int
    baseline: Score | None
    """Of the most frequent label; None for numbers, whose baseline is the training images' mean."""
    layers: tuple[DecodedAtLayer, ...]
    left_out: int
    """Own images that have no row in the CSV."""
    labels: tuple[str, ...]
    """Empty for numbers."""
    made_from: ColumnAsked


@result
class FoundConcept(FoundEmergence):
    """Whether and where a concept is recognised: effects are own minus contrast, in bits."""

    omnibus_p: ByControl
    """Over all layers."""
    plateau_p: ByControl
    """On the plateau."""
    layers: tuple[ConceptAtLayer, ...]
    n_own: int
    n_contrast: int
    label_entropy_bits: float
    """Of which folder an image is of."""
    n_resamples: int
    notes: tuple[str, ...]
    made_from: Asked
    decoded: Mapping[str, DecodedColumn]
    """By column of the CSV."""
