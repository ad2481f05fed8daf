"""Passes over the last tokens only, beside the keys and values that a plain pass had before them.

Where attention looks back only, what is changed from some token on leaves all earlier tokens as
they were in the plain pass: they need not be run again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from probes.interventions.attention_masks import can_look, implementation_of

Stream = Float[Tensor, "item token d_model"]
Heads = Float[Tensor, "item head token unit"]
LongerHeads = Float[Tensor, "item head _ unit"]
# What the blocks of a decoder are given for each token, or that has no tokens.
_KNOWN = {"attention_mask", "position_ids", "position_embeddings", "hidden_states"}


@dataclass(slots=True)
class KeysAndValues:
    """Stands where a block expects its cache: keeps what it is given, or goes on from that."""

    kept: dict[int, tuple[Heads, Heads]] = field(default_factory=dict)
    start: int | None = None
    """How many tokens to go on from; None while a plain pass is kept."""

    def update(
        self, keys: Heads, values: Heads, layer_idx: int, *_: Any
    ) -> tuple[LongerHeads, LongerHeads]:
        """The keys and values of all tokens so far, as transformers' caches give them."""
        if self.start is None:
            self.kept[layer_idx] = keys, values
            return keys, values
        before = (each[:, :, : self.start] for each in self.kept[layer_idx])
        both = zip(before, (keys, values), strict=True)
        joined = [torch.cat(pair, dim=2) for pair in both]
        return joined[0], joined[1]


def starts_of(
    blocks: Iterable[nn.Module], calls: Sequence[tuple[tuple, Mapping[str, Any]]]
) -> Bool[Tensor, " start"]:
    """At which tokens (0..n) a pass over the last tokens can start: no earlier one looks past it.

    By the masks with which the blocks were called, each given with its arguments. Where it is not
    known what a block is given for each token (cross attention), at the first token alone: a pass
    over all tokens.

    >>> calls = [((torch.zeros(1, 3, vlm.d_model),), {"attention_mask": None})]
    >>> starts_of(vlm.blocks[:1], calls).tolist()
    [True, True, True, True]
    """
    n_tokens = _stream(*calls[0]).shape[1]
    found = torch.ones(n_tokens + 1, dtype=torch.bool)
    for block, (args, kwargs) in zip(blocks, calls, strict=True):
        module: Any = getattr(block, "self_attn", None)
        named = {name for name, value in kwargs.items() if isinstance(value, Tensor | tuple)}
        if module is None or len(args) > 1 or not named <= _KNOWN:
            found[1:] = False
            return found
        looking = can_look(module, args, kwargs).flatten(0, 1).any(0).cpu()
        place = torch.arange(n_tokens)
        furthest = torch.where(looking, place, -1).amax(1).cummax(0).values
        found[1:] &= furthest < place + 1
    return found


def keeps_all(blocks: Iterable[nn.Module]) -> bool:
    """Whether every block has self attention, and its keys and values can be kept.

    >>> keeps_all(vlm.blocks)
    True
    """
    return all(hasattr(block, "self_attn") for block in blocks)


def _stream(args: tuple, kwargs: Mapping[str, Any]) -> Stream:
    return args[0] if args else kwargs["hidden_states"]


def first_change(stream: Stream, own: Stream) -> int | None:
    """The first token at which two streams differ in any item; None if they are the same.

    >>> first_change(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[[0.0], [2.0]]]))
    1
    """
    differ = (stream != own).any(-1).any(0).nonzero()
    return int(differ[0]) if len(differ) else None


def call_of_tail(
    block: nn.Module, args: tuple, kwargs: Mapping[str, Any], start: int
) -> dict[str, Any]:
    """How a block is called for the tokens from `start` on, but for stream and cache.

    >>> stream, calls = torch.zeros(1, 3, vlm.d_model), {"attention_mask": None}
    >>> call_of_tail(vlm.blocks[0], (stream,), calls, 2)["attention_mask"].tolist()
    [[[[True, True, True]]]]
    """
    module: Any = block.self_attn
    mask = kwargs.get("attention_mask")
    if mask is None and implementation_of(module) == "sdpa":
        mask = can_look(module, args, kwargs)
    places, turns = kwargs.get("position_ids"), kwargs.get("position_embeddings")
    cut = {
        "attention_mask": None if mask is None else mask[..., start:, :],
        "position_ids": None if places is None else places[..., start:],
        "position_embeddings": turns and tuple(each[..., start:, :] for each in turns),
    }
    return {name: cut.get(name, value) for name, value in kwargs.items() if name != "hidden_states"}
