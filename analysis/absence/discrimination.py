"""Discrimination and threshold of answers yes and no."""

from typing import Protocol, runtime_checkable

from numpy import ndarray

from analysis.absence.found import Discriminated
from analysis.effects.found import Interval
from stats import SignalDetection


@runtime_checkable
class Columns(Protocol):
    """Estimates of several columns with the ends of their intervals."""

    @property
    def estimate(self) -> ndarray: ...
    @property
    def low(self) -> ndarray: ...
    @property
    def high(self) -> ndarray: ...


def discriminated(found: SignalDetection) -> list[Discriminated]:
    """The result for every column that was judged."""
    names = {
        "hits": found.hit_rate, "false_alarms": found.false_alarm_rate, "yes": found.yes_share,
        "accuracy": found.accuracy, "d_prime": found.d_prime, "criterion": found.criterion,
    }  # fmt: skip
    return [
        Discriminated(**{name: column(each, place) for name, each in names.items()})
        for place in range(len(found.accuracy.estimate))
    ]


def column(found: Columns, place: int) -> Interval:
    """One of several estimates, with its interval."""
    return Interval(
        estimate=float(found.estimate[place]),
        low=float(found.low[place]),
        high=float(found.high[place]),
    )
