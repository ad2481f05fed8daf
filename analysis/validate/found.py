"""Claims about the statistics package and what their simulation gave, in the form that
validation.json holds them."""

from typing import Literal

from analysis.typed import result


@result
class ChanceInterval:
    """The 95% Monte-Carlo interval of a rate: how far chance in the simulation may have moved
    it."""

    low: float
    high: float


@result
class SimulatedClaim:
    """One claim, with the value that the simulation gave."""

    section: str
    """Section of the specification's list of what must be shown."""
    claim: str
    """The claim in words, with the setting in which it is tried."""
    value: float
    """The value that the simulation gave."""
    low: float
    """The least value at which the claim holds."""
    high: float
    """The largest value at which the claim holds."""
    kind: Literal["rate", "value"]
    """Whether the value is a rate (a share of repetitions) or another number."""
    measures: Literal["error", "coverage", "power", "number"]
    """What the rate is a rate of; "number" if the value is no rate."""
    repetitions: int | None
    """The number of repetitions behind a rate; None if the value is no rate."""
    holds: bool
    simulated: ChanceInterval | None
    """The Monte-Carlo interval of a rate; None if the value is no rate."""

    @property
    def is_control(self) -> bool:
        """Whether this is a negative control: a claim that the usual method fails."""
        return " fails" in self.claim

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the Monte-Carlo interval of a rate; for any other number, both are the
        number itself."""
        if self.simulated is None:
            return self.value, self.value
        return self.simulated.low, self.simulated.high


@result
class Validation:
    """All claims that were simulated in one run of the command."""

    repetitions: int
    """The number of simulated data sets per claim."""
    seed: int
    seconds: float
    versions: dict[str, str]
    findings: tuple[SimulatedClaim, ...]
