"""The one form of every readout: residuals in, a distribution over the answer set out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

Read = Callable[
    [Float[Tensor, "some place layer d_model"], slice, Sequence[str]],
    Float[ndarray, "some layer answer"],
]
"""log2 p over the answer set of some items. Places are the nodes of the answer tree, or a single
one; the slice says which of the items these are; the scenes are those that each residual shows; of
a blank image, the scene whose item it is a control of: a fitted readout never reads a scene that it
was fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A readout of one attribute, fitted if need be."""

    read: Read
    notes: tuple[str, ...]
    """What the reader of a report should know of it."""
    whole: Read | None = None
    """The same from the probability of whole words, where it differs."""
