"""Passes that are left alone by whatever changes or records passes of the model at the moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from probes.view import View

_left_alone: list[View] = []


@contextmanager
def untouched(vlm: View) -> Iterator[None]:
    """While it lasts, interventions on the model's passes do nothing, and recordings see nothing.

    For trials that have to be made on a batch of their own in the middle of other work.

    >>> with untouched(vlm):
    ...     is_untouched(vlm)
    True
    >>> is_untouched(vlm)
    False
    """
    _left_alone.append(vlm)
    try:
        yield
    finally:
        _left_alone.pop()


def is_untouched(vlm: View) -> bool:
    """Whether passes of the model are to be left alone now.

    >>> is_untouched(vlm)
    False
    """
    return any(each is vlm for each in _left_alone)
