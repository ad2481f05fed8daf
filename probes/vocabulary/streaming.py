"""One pass over the vocabulary in chunks, which any number of reducers sum up together."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from probes.vocabulary.projection import Projection


@runtime_checkable
class Reducer(Protocol):
    """What is kept of logits that are never all there at once."""

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "*batch chosen"]) -> None:
        """Take in the logits of a part of the rows for a chunk of the vocabulary.

        Only the last of several reducers may overwrite the logits.
        """
        ...


def slices(n_vocab: int, chunk: int) -> list[slice]:
    """Chunks of the vocabulary, the last one as short as it must be.

    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + chunk, n_vocab)) for start in range(0, n_vocab, chunk)]


def stream(
    projection: Projection,
    parts: Sequence[Float[Tensor, "..."]],
    reducers: Sequence[Reducer],
    *,
    chunk: int,
    into: Callable[[slice], Float[Tensor, "row chosen"]] | None = None,
) -> None:
    """Give every reducer the logits of all parts, `chunk` tokens of the vocabulary at a time.

    `parts` are residuals already normed, each [..., d_model]: within a chunk they come one after
    the other, so that only the logits of one part and one chunk are held, and a reducer can
    compare each with the first. `into` says where the logits of a chunk are to be written, and
    without it they lie in fresh memory.

    >>> import torch
    >>> from probes.vocabulary import LogNormaliser
    >>> project = Projection(torch.zeros(8, 2), None, scale=1.0, soft_cap=None)
    >>> total = LogNormaliser()
    >>> stream(project, [torch.ones(3, 2)], [total], chunk=3)
    >>> total.value().exp().round().tolist()
    [8.0, 8.0, 8.0]
    """
    for tokens in slices(projection.n_vocab, chunk):
        out = None if into is None else into(tokens)
        for part, normed in enumerate(parts):
            logits = projection(normed, tokens, out)
            for reducer in reducers:
                reducer.add(part, tokens, logits)
            # Lest they stay while the next ones are made, in other memory that is not near yet.
            del logits
