"""Attention cut between positions: what some tokens learn from others is kept from them.

Attention knockout of Geva et al. (2023), arXiv:2304.14767: in a window of blocks, some positions
(queries) may not look at some others (keys).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.functional import pad

from data_prep.errors import UserError
from probes.interventions.attention_masks import attention_of, can_look, without
from probes.interventions.cached import CachedTokens, cached_tokens
from probes.interventions.cut_gate import require_checked
from probes.vlm import VLM

Positions = Bool[Tensor, "item token"]
Given = Bool[Tensor, "_ _"]
"""Positions as somebody gives them, whose shape is still to be looked at."""


@contextmanager
def attention_cut(
    vlm: VLM,
    inputs: Mapping[str, Any],
    *,
    keys: Given,
    queries: Given,
    blocks: tuple[int, int],
) -> Iterator[None]:
    """While it lasts, `queries` do not look at `keys` in blocks first..last (1 is the first block).

    For passes over these inputs, and over them with forced tokens, which may look at what the
    prompt's last token may look at. Cross attention to an image beside the text is not cut. What
    is cut has weight 0 and the rest adds up to 1: found out once for each model and implementation
    of attention, on a small built-in batch (GateError if not).

    UserError for blocks that the model does not have, for masks of another shape, for an
    implementation that takes no explicit mask, and, on running, for a query that has no key left.

    >>> from PIL import Image
    >>> from probes.image_tokens import image_tokens
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> image, plain, blind = image_tokens(vlm, inputs), vlm.new_buffer(1), vlm.new_buffer(1)
    >>> vlm.residuals_into(inputs, plain)
    >>> with attention_cut(vlm, inputs, keys=image, queries=~image, blocks=(3, vlm.n_layers)):
    ...     vlm.residuals_into(inputs, blind)
    >>> torch.equal(plain[0, 2], blind[0, 2]), torch.equal(plain[0, 3], blind[0, 3])
    (True, False)
    """
    first, last = blocks
    if not 1 <= first <= last <= vlm.n_layers:
        raise UserError(
            f"blocks must be first..last among 1..{vlm.n_layers}, got {first}..{last}: block 1 is "
            "the first, and both ends are cut"
        )
    for name, mask in (("keys", keys), ("queries", queries)):
        if mask.shape != inputs["input_ids"].shape:
            raise UserError(
                f"{name} must have the shape of the prompts, {tuple(inputs['input_ids'].shape)}, "
                f"got {tuple(mask.shape)}: make them from these inputs"
            )
    require_checked(vlm, _cutting)
    with _cutting(vlm, keys, queries, blocks):
        yield


@contextmanager
def _cutting(
    vlm: VLM, keys: Positions, queries: Positions, blocks: tuple[int, int]
) -> Iterator[None]:
    """The cut itself, without the checks."""
    first, last = blocks
    with cached_tokens(vlm) as before, ExitStack() as hooks:
        for block in list(vlm.blocks)[first - 1 : last]:
            attention = attention_of(block)
            if attention is not None:
                hook = _hook(keys, queries, before)
                handle = attention.register_forward_pre_hook(hook, with_kwargs=True)
                hooks.callback(handle.remove)
        yield


def _hook(
    keys: Positions, queries: Positions, before: CachedTokens
) -> Callable[[nn.Module, tuple, dict], tuple[tuple, dict] | None]:
    def hook(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        if before.left_alone:
            return None
        stream = args[0] if args else kwargs["hidden_states"]
        looking = can_look(module, args, kwargs, cached=before.now)
        n_queries, n_keys = looking.shape[-2:]
        n_tokens = before.now + n_queries
        if len(keys) != len(stream) or n_keys != n_tokens:
            raise UserError(
                f"attention is cut for {len(keys)} prompts and whole sequences, got {len(stream)} "
                f"prompts and {n_keys} keys for {n_tokens} tokens: run the inputs that the cut was "
                "made for, and give answers of one token to a model with a sliding window"
            )
        there = _at(keys, n_keys, forced=False)
        asking = _at(queries, n_tokens, forced=True)[:, before.now :]
        cut = (asking[:, :, None] & there[:, None]).to(looking.device)[:, None]
        _require_a_key(looking, cut)
        return args, {**kwargs, "attention_mask": without(module, kwargs, looking, cut)}

    return hook


def _at(mask: Positions, n_tokens: int, *, forced: bool) -> Bool[Tensor, "item place"]:
    """A mask of prompts for a sequence that is cut at its end, or goes on with forced tokens."""
    more = n_tokens - mask.shape[1]
    if more <= 0:
        return mask[:, :n_tokens]
    if forced:
        return torch.cat([mask, mask[:, -1:].expand(-1, more)], dim=1)
    return pad(mask, (0, more))


def _require_a_key(
    looking: Bool[Tensor, "_ head query key"], cut: Bool[Tensor, "item 1 query key"]
) -> None:
    """UserError for a query that could look at something, and now cannot."""
    blinded = looking.any(-1) & ~(looking & ~cut).any(-1)
    if blinded.any():
        item, _, query = blinded.nonzero()[0].tolist()
        raise UserError(
            f"position {query} of prompt {item} would have no key left to look at: leave the query "
            "itself, or the beginning of the prompt, out of the keys"
        )
