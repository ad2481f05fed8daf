"""How the logit lens changes from layer to layer, in the form that results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result

Shades = tuple[tuple[float, ...], ...]
"""Numbers for a heat map: a row per item or position, a value per layer, rounded to what a shade
can show."""


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
    """A mean under the item's own image minus that under a control, paired within scenes, at one
    layer."""

    p: float
    """Two-sided p-value, adjusted over layers."""


@result
class Followed:
    """One measure followed through the layers."""

    conditions: dict[str, tuple[LayerMean, ...]]
    """The curve under each condition; "shuffled" only where another scene's image can make a
    difference."""
    differences: dict[str, tuple[LayerDifference, ...]]
    """The differences from the own image to each control."""

    @property
    def real(self) -> tuple[LayerMean, ...]:
        """The curve under the item's own image."""
        return self.conditions["real"]

    @property
    def minus_blank(self) -> tuple[LayerDifference, ...]:
        """The curve under the item's own image minus that under a blank one."""
        return self.differences["blank"]


@result
class Curves:
    """The curves of all measures, over the whole vocabulary; divergences and entropy are in
    bits."""

    top1_probability: Followed
    entropy_bits: Followed
    kl_bits: Followed
    """Divergence of the layer's distribution from the final one, D(final || layer)."""
    jsd_adjacent_bits: Followed
    """Jensen-Shannon divergence from the layer before; it begins at layer 1."""
    jsd_final_bits: Followed
    p_answer: Followed
    """Probability of the right answer's tokens."""
    log2_rank_answer: Followed
    answer_first: Followed
    """Share of scenes in which the right answer is the most probable token."""


@result
class PredictionDepth:
    """Mean layer from which on the most probable token is the one that the model says in the
    end."""

    real: Interval
    blank: Interval


@result
class MedianLayer:
    """A median that is one of the layers; None stands for "later than all layers"."""

    estimate: int | None
    low: int | None
    high: int | None


@result
class Settled:
    """The layer from which on the right answer stays the most probable token."""

    median: MedianLayer
    never: Interval
    """Share of scenes in which it never does."""


@result
class AnswerStaysFirst:
    """The layer from which on the right answer stays the most probable token, under each
    condition."""

    real: Settled
    shuffled: Settled
    blank: Settled


@result
class Change(Interval):
    """A change of a probability, with its test against "no change"."""

    p: float
    """Two-sided p-value, adjusted over the three changes."""


@result
class LastLayers:
    """Probability of the most probable token at the last layers: with the final norm applied once
    to each, and with it applied twice to the last."""

    before_last: Interval
    last: Interval
    last_normed_twice: Interval
    once: Change
    """The change from the layer before the last to the last one."""
    twice: Change
    """The same change if the norm is applied twice to the last state."""
    remedy: Change
    """What applying the norm once instead of twice gives back."""


@result
class Script:
    """A script, and the share of scenes whose most probable token is written in it."""

    script: str
    layers: tuple[LayerMean, ...]


@result
class Token:
    """One of the tokens with the highest mean probability."""

    id: int
    text: str
    mean: Interval
    """Its probability as mean over layers and scenes."""
    layers: tuple[float, ...]
    """Its probability at each layer, as mean over scenes."""


@result
class Heat:
    """The numbers of single items, for a heat map: they are to look at, and no evidence."""

    item_ids: tuple[str, ...]
    top1_probability: Shades
    jsd_adjacent_bits: Shades


@result
class TokenMap:
    """The numbers of one item at every position of its prompt, for a heat map."""

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
    """What was asked for when the trajectories were made."""

    items: int
    """The largest number of items of each attribute."""
    top: int
    """The number of most probable tokens that are kept of each item and layer."""


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
    """What a reader of the results must know."""
    made_from: MadeFrom


@result
class FoundTrajectories:
    """The results of all attributes, and the maps over token positions that were made."""

    maps: dict[str, TokenMap]
    """The maps over token positions, by item."""
    attributes: dict[str, AttributeTrajectory]
