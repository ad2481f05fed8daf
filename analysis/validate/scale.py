"""How many data sets are simulated, and how the result is compared with its bound."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom, binomtest

from analysis.validate.found import ChanceInterval

# In the full run a rate meets its bound as it is; with fewer repetitions, what a right
# implementation would find by chance in all but one of a thousand runs is allowed.
_FULL = 1000

Measure = Literal["error", "coverage", "power", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
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
    measures: Measure
    """What the rate is a rate of; "number" if the value is no rate."""
    repetitions: int | None
    """The number of repetitions behind a rate; None if the value is no rate."""

    @property
    def simulated(self) -> ChanceInterval | None:
        """The 95% Monte-Carlo interval of a rate (Clopper-Pearson): how far chance in the
        simulation may have moved it. None if the value is no rate."""
        if self.repetitions is None:
            return None
        hits = round(self.value * self.repetitions)
        ends = binomtest(hits, self.repetitions).proportion_ci(0.95)
        return ChanceInterval(low=float(ends.low), high=float(ends.high))

    @property
    def holds(self) -> bool:
        """Whether the value lies within its bounds."""
        return self.low <= self.value <= self.high

    @property
    def bound(self) -> str:
        """The bounds as text for a table."""
        if self.low <= 0:
            return f"<= {self.high:.4g}"
        if self.high >= 1:
            return f">= {self.low:.4g}"
        return f"{self.low:.4g} .. {self.high:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much a validation simulates, and from which seed."""

    repetitions: int
    """The number of simulated data sets per claim."""
    seed: int
    """The seed that all simulations start from."""

    def rng(self, *key: int) -> np.random.Generator:
        """The random generator of one claim; it does not depend on which claims ran before."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def rate(
        self, section: str, claim: str, value: float, low: float, high: float,
        *, measures: Measure = "error", repetitions: int | None = None,
    ) -> Finding:  # fmt: skip
        """The finding for a share of repetitions; where these are few, its bounds are widened for
        chance."""
        n = repetitions or self.repetitions
        if n < _FULL:
            low = float(binom.ppf(0.001, n, low)) / n if low > 0 else low
            high = float(binom.ppf(0.999, n, high)) / n if high < 1 else high
        return Finding(
            section=section, claim=claim, value=float(value), low=low, high=high, kind="rate",
            measures=measures, repetitions=n,
        )  # fmt: skip

    def value(self, section: str, claim: str, value: float, low: float, high: float) -> Finding:
        """The finding for a number, with its bounds."""
        return Finding(
            section=section, claim=claim, value=float(value), low=float(low), high=float(high),
            kind="value", measures="number", repetitions=None,
        )  # fmt: skip
