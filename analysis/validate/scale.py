"""How much is simulated, and how what was found is compared with its bound."""

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
    measures: Measure
    """What the rate is a rate of."""
    repetitions: int | None
    """Of a rate; None for a number."""

    @property
    def simulated(self) -> ChanceInterval | None:
        """The 95% Monte-Carlo interval of a rate (Clopper-Pearson): chance of the simulation."""
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
        """The bounds as they are read."""
        if self.low <= 0:
            return f"<= {self.high:.4g}"
        if self.high >= 1:
            return f">= {self.low:.4g}"
        return f"{self.low:.4g} .. {self.high:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Repetitions and seed of a validation."""

    repetitions: int
    """Data sets per claim."""
    seed: int
    """Of all of them."""

    def rng(self, *key: int) -> np.random.Generator:
        """The generator of one claim: none depends on which others ran before."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def rate(
        self, section: str, claim: str, value: float, low: float, high: float,
        *, measures: Measure = "error", repetitions: int | None = None,
    ) -> Finding:  # fmt: skip
        """A share of repetitions; bounds widened by chance where they are few."""
        n = repetitions or self.repetitions
        if n < _FULL:
            low = float(binom.ppf(0.001, n, low)) / n if low > 0 else low
            high = float(binom.ppf(0.999, n, high)) / n if high < 1 else high
        return Finding(
            section=section, claim=claim, value=float(value), low=low, high=high, kind="rate",
            measures=measures, repetitions=n,
        )  # fmt: skip

    def value(self, section: str, claim: str, value: float, low: float, high: float) -> Finding:
        """A number with its bounds."""
        return Finding(
            section=section, claim=claim, value=float(value), low=float(low), high=float(high),
            kind="value", measures="number", repetitions=None,
        )  # fmt: skip
