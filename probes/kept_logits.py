"""The logits of a few rows over the whole vocabulary, chunk by chunk, to be passed over again."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.unembedding import Unembedding
from probes.vocabulary import Peak, Reducer, stream

# Logits that are kept at a time (256 MiB), and rows, so that a chunk of them stays in the cache.
_KEPT_LOGITS = 2**26
_ROWS = 512
# Tokens whose largest logit is remembered: the k largest of all lie in the k groups with the
# largest maxima, so no other logit need be sorted.
_GROUP = 64
# Stands where the vocabulary does not fill the last chunk: its exponential is 0, and 0 times it
# too, which does not hold of an infinity.
_NOWHERE = -1e30


def items_per_block(n_layers: int, n_vocab: int) -> int:
    """How many items are taken together, so that the logits of all their layers can be kept.

    >>> items_per_block(28, 32_000), items_per_block(28, 1_000_000)
    (18, 2)
    """
    return max(1, min(_KEPT_LOGITS // (n_layers * n_vocab), _ROWS // n_layers))


class KeptLogits:
    """Buffers for the logits of at most `n_rows` rows, in float32, filled again and again.

    They are made by the buffered way of `Projection`, in chunks of `chunk` tokens rounded up to
    whole groups.

    >>> from probes.vocabulary import FinalNorm
    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)
    >>> kept = KeptLogits(unembedding, n_rows=1, chunk=2)
    >>> kept.fill(torch.tensor([[3.0, 3.0]]))
    >>> values, tokens = kept.top(1)
    >>> values.tolist(), tokens.tolist(), kept.count_above(torch.tensor([0.5])).tolist()
    ([[2.0]], [[2]], [3])
    """

    def __init__(
        self,
        unembedding: Unembedding,
        *,
        n_rows: int,
        chunk: int,
    ) -> None:
        self._unembedding = unembedding
        self._project = unembedding.projection("buffered")
        self.device, self.n_vocab = unembedding.head.device, unembedding.n_vocab
        groups = -(-min(chunk, unembedding.n_vocab) // _GROUP)
        self._width = groups * _GROUP
        self.n_chunks = -(-unembedding.n_vocab // self._width)
        self.n_rows = n_rows
        self._all = torch.empty(self.n_chunks, n_rows, self._width, device=self.device)
        self._all[-1] = _NOWHERE

    def chunk(self, place: int) -> Float[Tensor, "row token"]:
        """The logits of one chunk, which ends in `_NOWHERE` where the vocabulary does.

        They may be overwritten; the other methods then no longer hold.
        """
        return self._all[place, : self.n_rows]

    def fill(self, residuals: Float[Tensor, "row d_model"]) -> None:
        """Keep the logits of these rows, each normed by its own statistics, and their normalisers.

        There are at most `n_rows` of them, raw residuals of any layers.
        """
        normed = self._unembedding.norm(residuals.to(self.device))
        self.n_rows = len(normed)
        self._all[-1] = _NOWHERE
        found = _Summary(self)
        stream(
            self._project,
            [normed],
            [found],
            chunk=self._width,
            into=lambda tokens: self._here(tokens)[:, : tokens.stop - tokens.start],
        )
        self._maxima = torch.cat(found.maxima, dim=-1)
        self.peak: Float[Tensor, " row"] = found.peak.value
        self.log_mass: Float[Tensor, " row"] = found.mass.log()

    def pass_again(self, reducer: Reducer) -> None:
        """Give a reducer all chunks once more; it may overwrite them.

        All are equally wide: tokens that the last one has too many are `_NOWHERE`.
        """
        for place in range(self.n_chunks):
            first = place * self._width
            reducer.add(0, slice(first, first + self._width), self.chunk(place))

    def _here(self, tokens: slice) -> Float[Tensor, "row token"]:
        return self.chunk(tokens.start // self._width)

    @property
    def log_normaliser(self) -> Float[Tensor, " row"]:
        """Natural log of each row's sum of exp(logit), in float64."""
        return self.peak + self.log_mass

    def top(self, k: int) -> tuple[Float[Tensor, "row k"], Int[Tensor, "row k"]]:
        """The k largest logits of every row, largest first, and their tokens."""
        n_groups = min(k, self._maxima.shape[-1])
        groups = self._maxima.topk(n_groups, dim=-1).indices
        inside = torch.arange(_GROUP, device=self.device)
        candidates = (groups[..., None] * _GROUP + inside).flatten(1)
        values, places = self._at(candidates).topk(k, dim=-1)
        return values, candidates.gather(-1, places)

    def of_tokens(self, tokens: Sequence[tuple[int, ...]]) -> Float[Tensor, "row most"]:
        """The logits of some tokens of each row; rows with fewer end in minus infinity."""
        most = max(map(len, tokens))
        padded = [[*own, *[-1] * (most - len(own))] for own in tokens]
        ids = torch.tensor(padded, device=self.device)
        return torch.where(ids < 0, -torch.inf, self._at(ids.clamp(min=0)))

    def count_above(self, threshold: Float[Tensor, " row"]) -> Int[Tensor, " row"]:
        """How many tokens of each row have a larger logit."""
        total = torch.zeros(self.n_rows, dtype=torch.int64, device=self.device)
        above = torch.empty(self.n_rows, self._width, device=self.device)
        for place in range(self.n_chunks):
            # As numbers: flags take many times as long to count.
            torch.gt(self.chunk(place), threshold[:, None], out=above)
            total += above.sum(-1).long()
        return total

    def _at(self, ids: Int[Tensor, "row chosen"]) -> Float[Tensor, "row chosen"]:
        rows = torch.arange(self.n_rows, device=self.device)[:, None]
        return self._all[ids // self._width, rows, ids % self._width]


class _Summary:
    """What is summed up while the logits are made: group maxima, peak and mass of every row."""

    def __init__(self, kept: KeptLogits) -> None:
        self._kept = kept
        self.peak = Peak((kept.n_rows,), kept.device)
        self.mass = torch.zeros(kept.n_rows, dtype=torch.float64, device=kept.device)
        self.maxima: list[Tensor] = []
        self._below = torch.empty_like(kept.chunk(0))

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        # The whole chunk instead, whose width is that of whole groups.
        logits = self._kept.chunk(len(self.maxima))
        self.maxima.append(logits.unflatten(-1, (-1, _GROUP)).amax(-1))
        self.mass *= self.peak.raised(self.maxima[-1].amax(-1)).double().exp()
        below = torch.sub(logits, self.peak.value[:, None], out=self._below)
        self.mass += below.exp_().sum(-1)
