"""Claims of the statistics package as they were simulated, as validation.json holds them."""

from typing import Literal

from analysis.typed import result


@result
class ChanceInterval:
    """The 95% Monte-Carlo interval of a rate: chance of the simulation."""

    low: float
    high: float


@result
class SimulatedClaim:
    """One claim with what was found."""

    section: str
    """Of the specification's list of what must be shown."""
    claim: str
    """In words, with its setting."""
    value: float
    """What was found."""
    low: float
    """Least value at which the claim holds."""
    high: float
    """Largest."""
    kind: Literal["rate", "value"]
    """A share of repetitions, or a number."""
    measures: Literal["error", "coverage", "power", "number"]
    """What the rate is a rate of."""
    repetitions: int | None
    """Of a rate; None for a number."""
    holds: bool
    simulated: ChanceInterval | None
    """Of a rate."""

    @property
    def is_control(self) -> bool:
        """Whether it is a negative control: a claim that the usual way fails."""
        return " fails" in self.claim

    @property
    def ends(self) -> tuple[float, float]:
        """Of its Monte-Carlo interval; of a number, the number itself."""
        if self.simulated is None:
            return self.value, self.value
        return self.simulated.low, self.simulated.high


@result
class Validation:
    """Everything that was simulated at one go."""

    repetitions: int
    """Data sets per claim."""
    seed: int
    seconds: float
    versions: dict[str, str]
    findings: tuple[SimulatedClaim, ...]
