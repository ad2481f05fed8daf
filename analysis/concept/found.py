"""Where a concept is recognised and what a decoder can tell, in the form that results.json holds
it."""

from collections.abc import Mapping
from typing import Literal

from analysis.effects.found import FoundEmergence, Interval
from analysis.typed import result


@result
class Asked:
    """What the command was asked. If the same is asked again, the result is not computed again."""

    words: tuple[str, ...]
    against: tuple[str, ...]
    """The words that the concept's words are held against; empty if those are held against the
    whole vocabulary."""
    question: str


@result
class ByControl:
    """One-sided p-values for "own images score no higher": than those of the contrast, and than the
    blank image."""

    contrast: float
    blank: float

    @property
    def named(self) -> dict[str, float]:
        """The p-values by the name of the control."""
        return {"contrast": self.contrast, "blank": self.blank}


@result
class ConceptAtLayer:
    """The numbers of one layer; scores are means over images, in bits."""

    layer: int
    own: float
    contrast: float
    blank: float
    """The score of the blank image."""
    effect: float
    """Mean score of own images minus that of the contrast, in bits; `low` to `high` is its
    interval, for this layer alone."""
    low: float
    high: float
    p_contrast: float
    """p-value against the contrast, one-sided and adjusted over layers; so is `p_blank`."""
    p_blank: float
    auc: float
    """Area under the curve: the probability that an own image scores above one of the contrast."""
    auc_low: float
    auc_high: float

    @property
    def area(self) -> Interval:
        """The area under the curve with its interval, for this layer alone."""
        return Interval(estimate=self.auc, low=self.auc_low, high=self.auc_high)


@result
class Score:
    """R^2 or accuracy on images that the decoder was not fitted to, with its interval."""

    score: float
    low: float
    high: float


@result
class TestedScore(Score):
    """A score with its test against the baseline."""

    p: float
    """One-sided p-value for "not above the baseline", adjusted over layers."""


@result
class DecodedAtLayer:
    """What the decoder of one layer can tell."""

    layer: int
    score: float
    low: float
    high: float
    p: float
    """One-sided p-value for "not above the baseline", adjusted over layers."""
    permuted: TestedScore
    """The score of a decoder that was fitted to permuted values."""


@result
class ColumnAsked:
    """Identifies what was decoded."""

    kind: str
    """Whether the column holds numbers or labels."""
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
    """The score of the most frequent label. None for numbers, whose baseline is the mean of the
    training images."""
    layers: tuple[DecodedAtLayer, ...]
    left_out: int
    """The number of own images that have no row in the CSV."""
    labels: tuple[str, ...]
    """The labels; empty for numbers."""
    made_from: ColumnAsked


@result
class FoundConcept(FoundEmergence):
    """Whether and where a concept is recognised. Effects are the scores of own images minus those
    of the contrast, in bits."""

    omnibus_p: ByControl
    """p-values over all layers."""
    plateau_p: ByControl
    """p-values on the plateau."""
    layers: tuple[ConceptAtLayer, ...]
    n_own: int
    n_contrast: int
    label_entropy_bits: float
    """The entropy, in bits, of which of the two folders an image comes from."""
    n_resamples: int
    notes: tuple[str, ...]
    made_from: Asked
    decoded: Mapping[str, DecodedColumn]
    """What was decoded, by column of the CSV."""
