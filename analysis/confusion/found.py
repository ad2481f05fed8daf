"""Which of several words a model means, in the form that results.json holds it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from analysis.effects.found import Interval, LayerSet
from analysis.typed import result

Part = Literal["adds", "takes", "not shown"]
"""What is shown about the image's part in a word's lead: it adds to the lead, takes from it, or
neither is shown."""
_WHERE_THERE_IS = Field(exclude_if=lambda value: value is None)
"""Setting of a field that is left out of the file where it is None."""


@result
class Asked:
    """What the command was asked. If the same is asked again, the result is not computed again."""

    words: Mapping[str, tuple[str, ...]]
    """The competing words of each answer."""
    say_3d: bool
    margin_bits: float | None
    """The least difference that matters, in bits; None if no other wording is asked."""


@result
class RatioAtLayer:
    """A competing word at one layer: means over scenes in bits, each interval for this layer
    alone."""

    layer: int
    ratio_bits: float
    """log2 p(competing) - log2 p(right); above 0 the competing word is more probable."""
    low: float
    high: float
    p: float
    """Two-sided p-value of the ratio, adjusted over layers."""
    added_bits: float
    """What the image adds to the ratio: the ratio under own images minus that under other scenes'
    images."""
    added_low: float
    added_high: float
    added_p: float
    """Two-sided p-value of `added_bits`, adjusted over layers."""

    @property
    def added(self) -> Interval:
        """What the image adds, with its interval."""
        return Interval(estimate=self.added_bits, low=self.added_low, high=self.added_high)


@result
class Overtaking:
    """The layer from which on the competing word stays the more probable one."""

    layer: int | None
    """That layer; None if the competing word is not more probable at the last layer."""
    set: LayerSet
    """The forward-backward set for that layer."""


@result
class Turned:
    """Scenes whose answer was right at some layer: how many of them end with the competing word."""

    n_right: int
    n_turned: int
    share: float | None
    """Their share; None, as are its ends, where no scene was right at any layer."""
    low: float | None
    high: float | None

    @property
    def interval(self) -> Interval | None:
        """The share with its interval."""
        if self.share is None or self.low is None or self.high is None:
            return None
        return Interval(estimate=self.share, low=self.low, high=self.high)


@result
class ImageAdds:
    """The tests of what the image adds to a competing word's lead."""

    omnibus_p: float
    """p-value for "the image adds nothing at any layer"."""
    p_holm: Annotated[float | None, _WHERE_THERE_IS] = None
    """`omnibus_p` adjusted over the pairs of words; None for all answers together."""
    at_last_layer: Part
    """What is shown at the last layer, by the p-value of that layer; for a pair it is adjusted over
    the pairs."""

    @property
    def p(self) -> float:
        """The p-value over all layers, adjusted over the pairs where there are several."""
        return self.omnibus_p if self.p_holm is None else self.p_holm


@result
class Compared:
    """A competing word compared with the right one, or the first competing words of all answers
    together."""

    answer: str | None
    """The right answer; None for all answers together."""
    near: str | None
    n_scenes: int
    omnibus_p: float
    """p-value of the plain ratio, which a mere preference for a word moves as much as the image
    does."""
    layers: tuple[RatioAtLayer, ...]
    overtaking: Overtaking
    turned: Turned
    turned_shuffled: Turned
    """The same with other scenes' images: how many answers turn by chance."""
    added: ImageAdds


@result
class WordAtLayer:
    """One word at one layer: means over scenes, each interval for this layer alone."""

    layer: int
    share: float
    """Share of the word in the probability of all words that are followed."""
    share_low: float
    share_high: float
    probability: float
    """Probability of the word over the whole vocabulary."""
    probability_low: float
    probability_high: float


@result
class WordCurve:
    """The curve of one word over the layers, on the scenes in which `answer` is right."""

    answer: str
    word: str
    right: bool
    """Whether the word is the answer itself, and not one of the competing words."""
    n_scenes: int
    layers: tuple[WordAtLayer, ...]


@result
class MatrixAtLayer:
    """The matrix at one layer: a row for each right answer, with the share of its scenes in which
    each answer is the most probable one, and exact intervals."""

    layer: int
    share: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]


@result
class Matrix:
    """Which answers are taken for which, by layer."""

    right: tuple[str, ...]
    """The answers of the rows: those that are right in some scene."""
    chosen: tuple[str, ...]
    """The answers of the columns."""
    n_scenes: tuple[int, ...]
    """The number of scenes of each row."""
    layers: tuple[MatrixAtLayer, ...]


@result
class ChangeAtLayer:
    """What another wording of the question changes at one layer."""

    layer: int
    difference_bits: float
    """The log-odds of the competing word with the other wording, minus that with the plain one, in
    bits."""
    low: float
    high: float
    p: float
    """Two-sided p-value of the difference, adjusted over layers."""
    equivalence_low: float
    equivalence_high: float
    equivalent: bool
    """Whether the difference is shown to lie within the margin."""


@result
class OtherWording:
    """The same scenes, asked in another wording."""

    n_scenes: int
    margin_bits: float
    """The least difference that matters, in bits."""
    omnibus_p: float
    equivalent_at_all_layers: bool
    layers: tuple[ChangeAtLayer, ...]


@result
class Confused:
    """What is found about the competing words of one attribute."""

    answers: tuple[str, ...]
    near: Mapping[str, tuple[str, ...]]
    """The competing words that are compared with each answer."""
    n_items: int
    n_scenes: int
    level: float
    n_resamples: int
    notes: tuple[str, ...]
    together: Compared
    """The results over all answers, each with the first of its competing words."""
    pairs: tuple[Compared, ...]
    words: tuple[WordCurve, ...]
    matrix: Matrix
    say_3d: Annotated[OtherWording | None, _WHERE_THERE_IS] = None
    """What the questions with "3D" in them change; None where they were not asked."""
    made_from: Asked
