"""The order of attributes and what it rests on, in the form that results.json holds it."""

from dataclasses import dataclass

from analysis.typed import result


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOrder:
    """The order that is tested, the readout by which it is tested, and whether it was declared."""

    readout: str
    given: tuple[str, ...]
    declared: bool
    """Whether the order was fixed before there were results."""
    rests_on: str
    """What `declared` rests on, in words."""


@result
class LayerGap:
    """The layer of emergence of the second attribute minus that of the first."""

    first: str
    second: str
    link: bool
    """Whether the two attributes are neighbours in the order given."""
    estimate: float
    low: float
    """Lower end of the paired scene bootstrap's interval for this pair alone."""
    high: float
    p: float
    """Two-sided p-value for "there is no difference", for this pair alone."""
    p_earlier: float
    """One-sided p-value for "the first does not emerge before the second", for this pair alone."""
    p_holm: float
    """`p` adjusted over all pairs (Holm)."""
    sets_apart: bool
    """Whether the forward-backward sets are disjoint, the first's before the second's."""


@result
class FullOrder:
    """One order of all attributes, and the share of resamples in which they have this order."""

    order: tuple[str, ...]
    probability: float


@result
class LayerDistribution:
    """Share of resamples by layer of emergence, in bins of a fiftieth of a layer."""

    layers: tuple[float, ...]
    """The middle of each bin."""
    share: tuple[float, ...]


@result
class FoundOrder:
    """Which attribute emerges first, on the scenes that all share."""

    readout: str
    given: tuple[str, ...]
    """The order that is tested, as it was asked for."""
    declared: bool
    """Whether the order was fixed before there were results."""
    rests_on: str
    """What `declared` rests on, in words."""
    attributes: tuple[str, ...]
    """The attributes that have a layer of emergence, in the order given."""
    left_out: dict[str, str]
    """The attributes that have none, each with the reason."""
    estimates: dict[str, float]
    """The layer of emergence by attribute. Empty where fewer than two attributes have one; so are
    the next fields."""
    differences: tuple[LayerGap, ...]
    chain_p: float | None
    """p-value for "the order given is wrong somewhere"; None where there is no order."""
    chain_sets_apart: bool
    """Whether the forward-backward sets of all neighbours are disjoint, and in the order given."""
    order_probability: tuple[FullOrder, ...]
    distribution: dict[str, LayerDistribution]
    level: float
    n_resamples: int
    n_scenes: int

    @property
    def asked(self) -> AskedOrder:
        """What was asked for when the order was tested."""
        return AskedOrder(
            readout=self.readout,
            given=self.given,
            declared=self.declared,
            rests_on=self.rests_on,
        )

    @property
    def claim_p(self) -> float:
        """`chain_p`; 1 where there is no order to claim."""
        return 1.0 if self.chain_p is None else self.chain_p

    @property
    def most_frequent(self) -> FullOrder:
        """The order that most resamples have."""
        return max(self.order_probability, key=lambda one: one.probability)

    @property
    def by_layer(self) -> list[str]:
        """The attributes that have a layer of emergence, the earliest first."""
        return sorted(self.estimates, key=lambda name: self.estimates[name])
