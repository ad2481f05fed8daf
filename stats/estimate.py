"""One estimated number."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number with its interval, in the same unit.

    >>> Estimate(value=0.1, low=0.05, high=0.2).value
    0.1
    """

    value: float
    """The number for the sample as it is."""
    low: float
    """Lower end of the interval, for this number alone."""
    high: float
    """Upper end of the interval, likewise."""
