"""How far long work has come, told as the share of it that is done."""

from collections.abc import Callable

Done = Callable[[float], object]
"""Is told, now and then, which share of some work is done, from 0 to 1."""


def unheard(share: float) -> None:
    """Tells nobody.

    >>> unheard(0.5)
    """


def within(done: Done, first: float, last: float) -> Done:
    """Tells of a part of the work, which goes on from the share `first` of the whole to `last`.

    >>> told = []
    >>> within(told.append, 0.25, 0.75)(0.5)
    >>> told
    [0.5]
    """

    def tell(share: float) -> None:
        done(first + min(share, 1.0) * (last - first))

    return tell
