"""What is found about the causes of an answer, in the form that results.json holds it."""

from typing import Literal

from analysis.effects.found import Crossing, Interval, LayerSet, WholeLayer
from analysis.typed import result

Edge = Literal["out", "in"]
"""The two ends of a hand-over: out of the image's positions, into the answer position."""
EDGES: tuple[Edge, ...] = ("out", "in")


QUICK, DEAR, DEAR_QUICK = 44, 40, 12
"""The most pairs of a quick measurement; those of the controls with many passes, and of these in a
quick one."""


@result
class Asked:
    """How the causes of an attribute are measured."""

    pairs: Literal["auto", "minimal", "matched"]
    most: int
    """The most pairs that are taken."""
    quick: bool
    margin: float
    """The share of the total effect that counts as nothing."""

    @property
    def n_pairs(self) -> int:
        """The most pairs that are taken of this measurement."""
        return min(self.most, QUICK) if self.quick else self.most

    @property
    def n_dear(self) -> int:
        """The pairs of which the controls with many passes are run."""
        return min(self.n_pairs, DEAR_QUICK if self.quick else DEAR)


@result
class Following:
    """Whether the answer follows the image at all: without that there is no effect to share out."""

    share_right: float
    """Share of pairs whose preferred one of the two answers turns as the image does."""
    share_wrong: float
    """Share of pairs in which it turns the other way."""
    low: float
    """Lower bound of the difference of the two, one-sided."""
    p: float
    """p-value for "the difference is not above the margin"."""
    margin: float
    total_bits: float
    """Mean of the total effect: by how many bits the log odds move when the image is exchanged."""
    total_p: float
    """p-value for "the mean total effect is not above 0"."""
    shown: bool


@result
class ByChance:
    """How much the answer of random copies of the model follows the image."""

    n_copies: int
    """Copies of the same architecture, each with weights drawn anew."""
    n_pairs: int
    own: float
    """By how much more often the model's preferred answer turns with the image than against it, as
    share of these pairs."""
    largest: float
    """The same for the copy in which it is largest."""
    p: float
    """One-sided p-value by the model's rank among its copies."""


@result
class HandOver:
    """The layer at which half of the total effect has left the image's positions, or has reached
    the answer position."""

    at: Crossing | None
    """Between whole layers; None where the half is not crossed, where it is past at layer 0, or
    where the curve turns back."""
    layer: WholeLayer | None
    """The first whole layer at or past `at`; None where that is None."""
    fb_half: LayerSet
    """The set of layers, without assumptions on the curve's shape."""
    from_start: bool
    monotone: bool


@result
class Window:
    """The layers between which the hand-over happens."""

    start: int | None
    """The last layer up to which nearly all of the effect is shown to be at the image; None if none
    is shown."""
    end: int | None
    """The first layer from which on the image's positions are shown to have no effect that matters;
    None if none is shown."""
    margin: float
    """The share that counts as nothing."""


@result
class Shares:
    """The shares of the total effect, of some pairs."""

    n_pairs: int
    follows: Following
    places: dict[str, tuple[Interval, ...]]
    """The share that is moved by swapping the rows of some positions, by their kind and by
    layer."""
    interaction: tuple[Interval, ...]
    """1 minus the shares of image, question and answer position, by layer: what none of them moves
    alone, but all of them together."""
    image_interaction: tuple[Interval, ...] | None
    """The share of all image positions minus those of the object and of the rest; None where the
    object's place is not known."""
    out: HandOver | None
    """lambda_out: where the image's share falls through one half. None if the answer is not shown
    to follow the image."""
    into: HandOver | None
    """lambda_in: where the share of the answer position rises through one half; likewise."""
    window: Window | None
    level: float


@result
class Nothing:
    """A swap that must move nothing, and whether that is shown."""

    what: str
    """What is swapped, in words."""
    n_pairs: int
    layers: tuple[int, ...]
    """The layers at which it was done."""
    shares: tuple[Interval, ...]
    """The share of the total effect that it moves at each of `layers`; the interval is that of the
    equivalence test (90% for level .95)."""
    shown: bool
    """Whether it is shown at all of `layers` together that the share lies within the margin."""
    p: float
    """p-value for "at one of the layers the share lies outside of the margin"."""
    most: float | None
    """The largest share, either way, that is not excluded; None where nothing is excluded."""
    margin: float


@result
class Elsewhere:
    """The object's positions against as many others of the image, drawn at random."""

    layer: int
    object: float
    """The share that the object's positions move."""
    median: float
    """The median share of the random sets of positions."""
    largest: float
    n_draws: int
    n_pairs: int
    p: float
    """One-sided p-value by the object's rank among the draws."""


@result
class Directed:
    """The residual at the answer position moved along directions, at one layer."""

    layer: int
    probe: Interval
    """The share moved by setting the probe's coordinates to the mean of the other answer."""
    random: Interval
    """The share moved by random directions in the span of the stream, equally far."""
    permuted: Interval
    """The share moved by probes of permuted labels."""
    probe_above_random: float
    """p-value for "the probe's direction moves no more than random ones", one-sided, adjusted over
    layers (maximum t)."""
    distance: float
    """Median distance of the moved residuals from the nearest natural one, in typical distances
    between natural ones."""


@result
class Erased:
    """The attribute erased linearly (LEACE) at the object's positions, at one layer."""

    layer: int
    retained: Interval
    """The share of the total effect that is left."""
    retained_other: Interval
    """The share that is left when another attribute is erased instead."""
    other: str
    """The name of that attribute."""
    probe_before: float
    """Right answers of a cross-fitted linear probe on these rows, as share."""
    probe_after: Interval
    chance: float
    """The share of the most frequent answer."""
    other_before: float
    """The same for a probe of the other attribute, before the erasure and after it."""
    other_after: Interval
    fell: bool
    """Whether the probe is shown to be less than .05 above chance after the erasure."""
    distance: float
    """Median distance of the erased rows from the nearest natural one, in typical distances between
    natural ones."""


@result
class Readable:
    """What a readout says at the answer position, on the images of the pairs."""

    effect: tuple[Interval, ...]
    """Information that the image adds, as share of the entropy of the answers, by layer."""
    half: Crossing | None
    """The layer at which half of the plateau is reached; None where the effect is not shown above
    the margin on the plateau, or the curve turns back."""
    fb_half: LayerSet
    plateau_effect: float


@result
class Gap:
    """From where the attribute is readable to where it is handed over, in layers."""

    readout: str
    edge: Edge
    estimate: float
    """The layer of the hand-over minus that of the readout, on the same pairs."""
    low: float
    high: float
    p: float
    """Two-sided p-value for "there is no gap", for this gap alone."""
    p_holm: float
    """`p` adjusted over the gaps of the attribute."""


@result
class Caused:
    """Where an answer comes from: what the image's positions, the question's and the answer's carry
    at each layer."""

    asked: Asked
    pairs: Literal["minimal", "matched"]
    """Whether the images of a pair differ in one attribute of one object, or are two scenes."""
    n_pairs: int
    skipped: dict[str, int]
    """Scenes that gave no pair, by reason."""
    changed_outside: dict[str, float]
    """For minimal pairs the share of pixels outside the changed object that differ, by the number
    of grey levels (of 255) that they differ by more than."""
    by_chance: ByChance | None
    """The comparison with copies of random weights; None where no copy fits beside the model, as a
    note then says."""
    every: Shares
    right: Shares | None
    """Only pairs that are answered right on both sides; None if there are too few."""
    readable: dict[str, Readable]
    """By readout."""
    gaps: tuple[Gap, ...]
    unused: dict[str, tuple[int, ...]]
    """By readout, the layers at which the attribute is shown to be readable at the answer position
    while what lies there is shown to move nothing that matters."""
    nothing: tuple[Nothing, ...]
    elsewhere: tuple[Elsewhere, ...]
    directed: tuple[Directed, ...]
    erased: tuple[Erased, ...]
    cut: tuple[Interval, ...]
    """The share of the total effect that is left when text cannot look at the image after a layer,
    by that layer. Empty where attention cannot be cut; a note then says why."""
    distance: dict[str, tuple[float, ...]]
    """Median distance of the last residuals of swapped passes from the nearest natural one, in
    typical distances between natural ones, by kind of positions and layer."""
    gate: float
    """Largest difference between a pass all of whose rows were swapped and its source, as share of
    the largest logit."""
    safe_from: int
    """The first layer from which passes go on with the model's own blocks; below it whole passes
    are run."""
    whole_from: int
    """The first layer from which the stream holds all that the model knows of the image. Below it
    image features still come in from beside (DeepStack), and swaps cannot move all of the
    effect."""
    level: float
    n_resamples: int
    notes: tuple[str, ...]

    @property
    def follows(self) -> bool:
        """Whether the answer is shown to follow the image, and more than by random weights."""
        by_chance = self.by_chance
        beaten = by_chance is None or by_chance.p <= 1 - self.level + 1e-12
        return self.every.follows.shown and beaten

    @property
    def n_dear(self) -> int:
        """The pairs of the controls with many passes."""
        return min(self.asked.n_dear, self.n_pairs)

    @property
    def last_layer(self) -> int:
        """The number of the model's last layer."""
        return len(self.every.interaction) - 1
