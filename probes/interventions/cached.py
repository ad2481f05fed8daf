"""How much of the sequence a pass under way finds in its cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from probes.untouched import is_untouched
from probes.view import View


class CachedTokens:
    """How many tokens lie before those of the pass under way: 0 for a pass over whole prompts."""

    def __init__(self, vlm: View) -> None:
        self.now = 0
        self._vlm = vlm

    @property
    def left_alone(self) -> bool:
        """Whether the pass under way is one that must be neither changed nor recorded."""
        return is_untouched(self._vlm)

    def _look(self, _: nn.Module, args: tuple, kwargs: dict) -> None:
        cache = kwargs.get("past_key_values")
        self.now = 0 if cache is None else int(cache.get_seq_length())


@contextmanager
def cached_tokens(vlm: View) -> Iterator[CachedTokens]:
    """While it lasts, what it yields says how many tokens each pass goes on from.

    Asked of the decoder as a whole: a block's cache grows during the pass, the norm is given none.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> with cached_tokens(vlm) as before:
    ...     _ = vlm.run(inputs)
    >>> before.now
    0
    """
    before = CachedTokens(vlm)
    decoder: Any = vlm.model.get_decoder()
    handle = decoder.register_forward_pre_hook(before._look, with_kwargs=True)
    try:
        yield before
    finally:
        handle.remove()
