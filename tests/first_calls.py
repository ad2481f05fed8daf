"""Checks types and shapes in the first calls of our functions in every test.

A simulation calls the same functions with arrays of the same shapes many thousand times, and each
check takes longer than most of these calls.
"""

from collections.abc import Callable
from typing import Any

from beartype import beartype
from jaxtyping import config

CALLS = 5_000
"""Checks in a test, of all functions together: some tenths of a second."""
_OFF = "jaxtyping_disable"
_done = 0


def next_test() -> None:
    """To be called before each test: from here on first calls are checked again."""
    global _done
    _done = 0
    config.update(_OFF, False)


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Beartype's check of a function, counted."""
    always = beartype(function)

    def counted(*args: Any, **kwargs: Any) -> Any:
        global _done
        _done += 1
        if _done == CALLS:
            config.update(_OFF, True)
        return always(*args, **kwargs)

    return counted
