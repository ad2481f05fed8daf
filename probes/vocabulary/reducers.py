"""What can be kept of the logits in one pass over the vocabulary, however large that is.

Each reducer is given to `stream`, and asked for its numbers afterwards. Those that hold for
translators alone are in `probes.translators.output_map`.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

_BITS = math.log(2)


class Peak:
    """The largest logit of each row so far, to which sums of exponentials are relative.

    Taking it off keeps logits of any offset exact, and no exponential overflows.

    >>> peak = Peak((1,), torch.device("cpu"))
    >>> _ = peak.raised(torch.tensor([2.0]))
    >>> peak.raised(torch.tensor([5.0])), peak.value
    (tensor([-3.]), tensor([5.]))
    """

    def __init__(self, shape: Sequence[int], device: torch.device) -> None:
        # The lowest number, and not minus infinity: 0 times it is 0.
        lowest = torch.finfo(torch.float32).min
        self.value: Float[Tensor, "*batch"] = torch.full(tuple(shape), lowest, device=device)

    def raised(self, largest: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Take in the largest logits of a chunk, and tell the old peak less the new one.

        That is at most 0, and what has been summed must be multiplied by its exponential.
        """
        higher = torch.maximum(self.value, largest)
        lowered = self.value - higher
        self.value = higher
        return lowered


class LogNormaliser:
    """The natural log of the sum over the vocabulary of exp(logit), of every part.

    >>> total = LogNormaliser(torch.float64)
    >>> total.add(0, slice(0, 2), torch.zeros(1, 2))
    >>> total.add(0, slice(2, 4), torch.zeros(1, 2))
    >>> total.value().exp().round().tolist()
    [4.0]
    """

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self._dtype = dtype
        self._chunks: dict[int, list[Tensor]] = {}

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "*batch chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        self._chunks.setdefault(part, []).append(logits.to(self._dtype).logsumexp(-1))

    def value(self, part: int = 0) -> Float[Tensor, "*batch"]:
        """The log-normaliser of one part, in the number format asked for."""
        return torch.stack(self._chunks[part]).logsumexp(0)


class TopTokens:
    """The k largest logits of every row of a single part, largest first, and their tokens.

    >>> top = TopTokens(2)
    >>> top.add(0, slice(0, 2), torch.tensor([[1.0, 5.0]]))
    >>> top.add(0, slice(2, 4), torch.tensor([[7.0, 0.0]]))
    >>> top.ids.tolist(), top.logits.tolist()
    ([[2, 1]], [[7.0, 5.0]])
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self.logits: Float[Tensor, "*batch rank"] = torch.empty(0)
        self.ids: Int[Tensor, "*batch rank"] = torch.empty(0, dtype=torch.int64)

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "*batch chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        values, places = logits.topk(min(self._k, logits.shape[-1]), dim=-1)
        ids = places + tokens.start
        if tokens.start:
            values = torch.cat([self.logits, values], dim=-1)
            ids = torch.cat([self.ids, ids], dim=-1)
        self.logits, chosen = values.topk(min(self._k, values.shape[-1]), dim=-1)
        self.ids = ids.gather(-1, chosen)


class TopToken:
    """The most probable token of every row of every part, [part, row]; of equals the first.

    >>> top = TopToken(1, 1, torch.device("cpu"))
    >>> top.add(0, slice(4, 6), torch.tensor([[3.0, 3.0]]))
    >>> top.ids.tolist()
    [[4]]
    """

    def __init__(self, n_parts: int, n_rows: int, device: torch.device) -> None:
        self._peaks = [Peak((n_rows,), device) for _ in range(n_parts)]
        self.ids: Int[Tensor, "part row"] = torch.zeros(
            n_parts, n_rows, dtype=torch.int64, device=device
        )

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        value, place = logits.max(-1)
        lowered = self._peaks[part].raised(value)
        self.ids[part] = torch.where(lowered < 0, place + tokens.start, self.ids[part])


class ProbabilitySums:
    """Every token's probability summed over the rows of each part, [part, token], in float64.

    It needs the normalisers, [part, row], so a pass with `LogNormaliser` comes before.

    >>> sums = ProbabilitySums(torch.zeros(1, 3).add(math.log(2)), 2)
    >>> sums.add(0, slice(0, 2), torch.zeros(3, 2))
    >>> sums.value.tolist()
    [[1.5, 1.5]]
    """

    def __init__(self, log_normaliser: Float[Tensor, "part row"], n_vocab: int) -> None:
        self._log_normaliser = log_normaliser
        self.value: Float[Tensor, "part vocab"] = torch.zeros(
            len(log_normaliser), n_vocab, dtype=torch.float64
        )

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "row chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        p = (logits - self._log_normaliser[part][:, None]).exp()
        self.value[part, tokens] = p.sum(0, dtype=torch.float64).cpu()


class Moments:
    """Entropy of every layer, and divergence from the last layer, without a pass before.

    The one part is [item, layer, d_model]. With m the peak and w = exp(x - m): `mass` is the sum
    of w, `own` of w (x - m), `cross` of the last layer's w times this layer's (x - m). Everything
    else follows from these; a new peak moves what has been summed.

    >>> moments = Moments((1, 2), torch.device("cpu"))
    >>> moments.add(0, slice(0, 2), torch.tensor([[[0.0, 0.0], [0.0, -1000.0]]]))
    >>> moments.entropy_bits().tolist(), moments.kl_to_last_bits().tolist()
    ([[1.0, 0.0]], [[1.0, 0.0]])
    """

    def __init__(self, shape: Sequence[int], device: torch.device) -> None:
        zeros = torch.zeros(tuple(shape), dtype=torch.float64, device=device)
        self._peak = Peak(shape, device)
        self._mass, self._own, self._cross = zeros, zeros.clone(), zeros.clone()

    def add(self, part: int, tokens: slice, logits: Float[Tensor, "item layer chosen"]) -> None:
        """Take in a chunk; it is not changed."""
        self._move(self._peak.raised(logits.amax(-1)).double())
        below = logits - self._peak.value[..., None]
        weight = below.exp()
        self._mass += weight.sum(-1)
        self._cross += torch.einsum("iv,ilv->il", weight[:, -1], below)
        self._own += weight.mul_(below).sum(-1)

    def _move(self, lowered: Float[Tensor, "item layer"]) -> None:
        """Take all sums from the old peak to the new one, which lies `-lowered` above it."""
        shrink = lowered.exp()
        self._cross = shrink[:, -1:] * (self._cross + lowered * self._mass[:, -1:])
        self._own = shrink * (self._own + lowered * self._mass)
        self._mass = shrink * self._mass

    def probability(
        self, logits: Float[Tensor, "item layer rank"]
    ) -> Float[Tensor, "item layer rank"]:
        """The probabilities that belong to some of the logits, in float64."""
        return (logits - self._peak.value[..., None]).double().exp() / self._mass[..., None]

    def entropy_bits(self) -> Float[Tensor, "item layer"]:
        """The entropy of each layer's distribution, in float64."""
        return (self._mass.log() - self._own / self._mass) / _BITS

    def kl_to_last_bits(self) -> Float[Tensor, "item layer"]:
        """D(last layer || this layer), at least 0 and exactly 0 at the last layer, in float64."""
        log_likelihood = self._cross / self._mass[:, -1:] - self._mass.log()
        return (log_likelihood[:, -1:] - log_likelihood).clamp(min=0) / _BITS
