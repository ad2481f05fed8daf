"""The logit lens from layer to layer, as results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result

Shades = tuple[tuple[float, ...], ...]
"""A row per item or position, a value per layer, rounded to what a shade can show."""


@result
class LayerMean:
    """A mean over scenes at one layer, with its interval."""

    layer: int
    estimate: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        """The mean with its interval, whatever the layer."""
        return Interval(estimate=self.estimate, low=self.low, high=self.high)


@result
class LayerDifference(LayerMean):
    """The same of the item's own image minus a control, paired within scenes."""

    p: float
    """Two-sided, adjusted over layers."""


@result
class Followed:
    """One measure through the layers."""

    conditions: dict[str, tuple[LayerMean, ...]]
    """By condition; "shuffled" only where another scene's image can matter."""
    differences: dict[str, tuple[LayerDifference, ...]]
    """By control."""

    @property
    def real(self) -> tuple[LayerMean, ...]:
        """With the item's own image."""
        return self.conditions["real"]

    @property
    def minus_blank(self) -> tuple[LayerDifference, ...]:
        """With the item's own image, less with a blank one."""
        return self.differences["blank"]


@result
class Curves:
    """All measures, over the whole vocabulary; divergences and entropy in bits."""

    top1_probability: Followed
    entropy_bits: Followed
    kl_bits: Followed
    """D(final || layer)."""
    jsd_adjacent_bits: Followed
    """From the layer before, so that it begins at layer 1."""
    jsd_final_bits: Followed
    p_answer: Followed
    """Of the right answer's tokens."""
    log2_rank_answer: Followed
    answer_first: Followed
    """Share of scenes where the right answer is the most probable token."""


@result
class PredictionDepth:
    """Mean layer from which the most probable token is the model's own in the end."""

    real: Interval
    blank: Interval


@result
class MedianLayer:
    """A layer that occurs, or None for one later than all."""

    estimate: int | None
    low: int | None
    high: int | None


@result
class Settled:
    """From which layer the right answer is the most probable token, for good."""

    median: MedianLayer
    never: Interval
    """Share of scenes."""


@result
class AnswerStaysFirst:
    """The same under each condition."""

    real: Settled
    shuffled: Settled
    blank: Settled


@result
class Change(Interval):
    """A change of a probability, tested against none."""

    p: float
    """Two-sided, adjusted over the three changes."""


@result
class LastLayers:
    """Top-1 probability at the last layers, each normed once, and with the last normed twice."""

    before_last: Interval
    last: Interval
    last_normed_twice: Interval
    once: Change
    """From the layer before to the last."""
    twice: Change
    """The same with the last state normed twice."""
    remedy: Change
    """What norming once gives back."""


@result
class Script:
    """A script, and the share of scenes whose most probable token is written in it."""

    script: str
    layers: tuple[LayerMean, ...]


@result
class Token:
    """A token of the highest mean probability."""

    id: int
    text: str
    mean: Interval
    """Over layers and scenes."""
    layers: tuple[float, ...]
    """Mean over scenes."""


@result
class Heat:
    """Single items, to be looked at."""

    item_ids: tuple[str, ...]
    top1_probability: Shades
    jsd_adjacent_bits: Shades


@result
class TokenMap:
    """One item at every position of its prompt."""

    item_id: str
    question: str
    answer: str
    tokens: tuple[str, ...]
    of_image: tuple[bool, ...]
    said_next: tuple[str, ...]
    """The model's most probable token after each position."""
    top1_probability: Shades
    jsd_adjacent_bits: Shades


@result
class MadeFrom:
    """What was asked for."""

    items: int
    """At most so many."""
    top: int
    """Tokens that are kept of each item and layer."""


@result
class AttributeTrajectory:
    """One attribute's items through the layers."""

    curves: Curves
    prediction_depth: PredictionDepth
    answer_stays_first: AnswerStaysFirst
    last_layers: LastLayers
    scripts: tuple[Script, ...]
    tokens: tuple[Token, ...]
    heat: Heat
    n_layers: int
    n_vocab: int
    n_items: int
    n_items_of_run: int
    n_scenes: int
    level: float
    n_resamples: int
    notes: tuple[str, ...]
    """What a reader must know."""
    made_from: MadeFrom


@result
class FoundTrajectories:
    """All attributes, and the maps over token positions that were made."""

    maps: dict[str, TokenMap]
    """By item."""
    attributes: dict[str, AttributeTrajectory]
