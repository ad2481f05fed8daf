"""Which word a model means, as results.json holds it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from analysis.effects.found import Interval, LayerSet
from analysis.typed import result

Part = Literal["adds", "takes", "not shown"]
"""What is shown of the image's part in a lead: it adds to it, takes from it, or neither."""
_WHERE_THERE_IS = Field(exclude_if=lambda value: value is None)
"""Left out of the file where there is none."""


@result
class Asked:
    """What the command was asked: where it is asked the same again, the result stands."""

    words: Mapping[str, tuple[str, ...]]
    """Competing words by answer."""
    say_3d: bool
    margin_bits: float | None
    """None where nothing is said of a difference."""


@result
class RatioAtLayer:
    """Of a competing word at one layer, means over scenes in bits, each interval alone."""

    layer: int
    ratio_bits: float
    """log2 p(competing) - log2 p(right): above 0 the competing word is the likelier."""
    low: float
    high: float
    p: float
    """Two-sided, adjusted over layers."""
    added_bits: float
    """What the image adds to the ratio: the ratio less that under other scenes' images."""
    added_low: float
    added_high: float
    added_p: float
    """Two-sided, adjusted over layers."""

    @property
    def added(self) -> Interval:
        """What the image adds, with its interval."""
        return Interval(estimate=self.added_bits, low=self.added_low, high=self.added_high)


@result
class Overtaking:
    """From which layer on the competing word stays the likelier."""

    layer: int | None
    """None: it is not the likelier at the last layer."""
    set: LayerSet
    """The forward-backward set for it."""


@result
class Turned:
    """Of the scenes that were right at some layer, those that end with the competing word."""

    n_right: int
    n_turned: int
    share: float | None
    """None, as its ends are, where no scene was right."""
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
    """The tests of what the image adds."""

    omnibus_p: float
    """For "nothing at any layer"."""
    p_holm: Annotated[float | None, _WHERE_THERE_IS] = None
    """The same adjusted over the pairs; of all answers together there is none."""
    at_last_layer: Part
    """By the p of that layer, of a pair adjusted over the pairs."""

    @property
    def p(self) -> float:
        """Over all layers, and over all pairs where there are others."""
        return self.omnibus_p if self.p_holm is None else self.p_holm


@result
class Compared:
    """A competing word against the right one, or the first one of every answer together."""

    answer: str | None
    """None for all answers together."""
    near: str | None
    n_scenes: int
    omnibus_p: float
    """Of the plain ratio, which a preference for a word moves as much as the image does."""
    layers: tuple[RatioAtLayer, ...]
    overtaking: Overtaking
    turned: Turned
    turned_shuffled: Turned
    """The same with another scene's image: what chance turns."""
    added: ImageAdds


@result
class WordAtLayer:
    """One word at one layer, means over scenes with intervals each alone."""

    layer: int
    share: float
    """Of the probability of all words that are followed."""
    share_low: float
    share_high: float
    probability: float
    """Over the whole vocabulary."""
    probability_low: float
    probability_high: float


@result
class WordCurve:
    """One word on the scenes in which `answer` is right."""

    answer: str
    word: str
    right: bool
    """It is the answer, and none of the competing words."""
    n_scenes: int
    layers: tuple[WordAtLayer, ...]


@result
class MatrixAtLayer:
    """A row for each right answer: the share of its scenes in which each answer is the likeliest,
    with exact intervals."""

    layer: int
    share: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]


@result
class Matrix:
    """Which answers are taken for which."""

    right: tuple[str, ...]
    """The answers of the rows: those that are right in some scene."""
    chosen: tuple[str, ...]
    """The answers of the columns."""
    n_scenes: tuple[int, ...]
    """By row."""
    layers: tuple[MatrixAtLayer, ...]


@result
class ChangeAtLayer:
    """What another wording changes at one layer."""

    layer: int
    difference_bits: float
    """Of the log-odds of the competing word: the other wording's minus the plain one's."""
    low: float
    high: float
    p: float
    """Two-sided, adjusted over layers."""
    equivalence_low: float
    equivalence_high: float
    equivalent: bool
    """The difference is shown to lie within the margin."""


@result
class OtherWording:
    """The same scenes asked in another wording."""

    n_scenes: int
    margin_bits: float
    """Least difference that matters."""
    omnibus_p: float
    equivalent_at_all_layers: bool
    layers: tuple[ChangeAtLayer, ...]


@result
class Confused:
    """The competing words of one attribute."""

    answers: tuple[str, ...]
    near: Mapping[str, tuple[str, ...]]
    """The competing words that are compared, by answer."""
    n_items: int
    n_scenes: int
    level: float
    n_resamples: int
    notes: tuple[str, ...]
    together: Compared
    """All answers, each with the first of its competing words."""
    pairs: tuple[Compared, ...]
    words: tuple[WordCurve, ...]
    matrix: Matrix
    say_3d: Annotated[OtherWording | None, _WHERE_THERE_IS] = None
    """Of the questions with "3D" in them, where they were asked."""
    made_from: Asked
