"""Who may look at whom in a block's self attention, read from the mask that it is given."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from data_prep.errors import UserError

EXPLICIT = ("eager", "sdpa")
"""Implementations of attention that take any mask as it is given."""
Looking = Bool[Tensor, "_ head query key"]
"""Whether a query may look at a key; one entry for all items, or all heads, where they agree."""


def attention_of(block: nn.Module) -> nn.Module | None:
    """A block's self attention; None for one that attends to something beside the text only.

    UserError for a block in which neither is found.

    >>> type(attention_of(vlm.blocks[0])).__name__
    'LlamaAttention'
    """
    found: Any = getattr(block, "self_attn", None)
    if found is None and not hasattr(block, "cross_attn"):
        raise UserError(
            f"no self attention is known in a {type(block).__name__} (it has no `self_attn`): cut "
            "the attention of another family"
        )
    return found


def implementation_of(module: nn.Module) -> str:
    """The implementation of attention that a module uses; UserError if it takes no explicit mask.

    >>> implementation_of(attention_of(vlm.blocks[0]))
    'sdpa'
    """
    config: Any = getattr(module, "config", None)
    found = str(getattr(config, "_attn_implementation", None))
    if found not in EXPLICIT:
        raise UserError(
            f"attention can be cut in an implementation that takes an explicit mask "
            f"({' or '.join(EXPLICIT)}), got {found}: choose one by "
            "vlm.model.set_attn_implementation"
        )
    return found


def can_look(
    module: nn.Module, args: tuple, kwargs: Mapping[str, Any], *, cached: int = 0
) -> Looking:
    """Who may look at whom when self attention is called so, after so many tokens in a cache.

    Without a mask, sdpa is causal where the module is, and in any other case all look at all.

    >>> stream, calls = torch.zeros(1, 3, vlm.d_model), {"attention_mask": None}
    >>> can_look(attention_of(vlm.blocks[0]), (stream,), calls)[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    implementation = implementation_of(module)
    mask = kwargs.get("attention_mask")
    if mask is not None:
        return mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2
    stream = args[0] if args else kwargs["hidden_states"]
    n_queries, causal = stream.shape[1], kwargs.get("is_causal")
    if causal is None:
        causal = getattr(module, "is_causal", True)
    all_of_them = torch.ones(
        1, 1, n_queries, cached + n_queries, dtype=torch.bool, device=stream.device
    )
    return all_of_them.tril(cached) if causal and implementation == "sdpa" else all_of_them


def without(module: nn.Module, kwargs: Mapping[str, Any], looking: Looking, cut: Looking) -> Tensor:
    """The mask that self attention is given instead of its own, with some looks taken away.

    It is of the kind of its own: true where a query may look, or what is added to its scores.

    >>> calls = {"attention_mask": torch.zeros(1, 1, 1, 2)}
    >>> looking = torch.ones(1, 1, 1, 2, dtype=torch.bool)
    >>> cut = torch.tensor([[[[True, False]]]])
    >>> without(attention_of(vlm.blocks[0]), calls, looking, cut)
    tensor([[[[-3.4028e+38,  0.0000e+00]]]])
    """
    mask = kwargs.get("attention_mask")
    if mask is None and implementation_of(module) == "eager":
        weights: Any = next(module.parameters())
        mask = torch.zeros(looking.shape, dtype=weights.dtype, device=looking.device)
    if mask is None or mask.dtype == torch.bool:
        return looking & ~cut
    return mask.masked_fill(cut, torch.finfo(mask.dtype).min)
