"""The gate of cuts in attention: what is cut must have weight 0, and the rest add up to 1."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from probes.interventions.attention_masks import attention_of, implementation_of
from probes.trial import QUESTIONS, tolerance_of, trial_images
from probes.unembedding import GateError
from probes.vlm import VLM

Positions = Bool[Tensor, "item token"]
Cutting = Callable[[VLM, Positions, Positions, tuple[int, int]], AbstractContextManager[None]]
"""What cuts, given a model, keys, queries and the first and last block."""
# Models live long and are checked once; a model that is gone is forgotten.
_CHECKED: WeakKeyDictionary[nn.Module, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A call of one self attention during a cut pass."""

    block: int
    module: nn.Module
    args: tuple
    kwargs: dict[str, Any]
    output: Float[Tensor, "item token d_model"]
    weights: Float[Tensor, "item head query key"] | None


def require_checked(vlm: VLM, cutting: Cutting) -> None:
    """Check a way to cut attention, once for each model and implementation of attention.

    UserError for an implementation that takes no explicit mask; GateError as `check_cut`.

    >>> from probes.interventions.attention_cut import _cutting
    >>> require_checked(vlm, _cutting)  # says nothing, for what is cut has weight 0
    """
    found = [attention_of(block) for block in vlm.blocks]
    names = {implementation_of(module) for module in found if module is not None}
    if names <= _CHECKED.get(vlm.model, set()):
        return
    check_cut(vlm, cutting)
    _CHECKED.setdefault(vlm.model, set()).update(names)


def check_cut(vlm: VLM, cutting: Cutting) -> None:
    """Check a way to cut attention on the built-in trial batch, in every block.

    The last third of the tokens may not look at the middle third. Their attention must give the
    same, bit for bit, whatever stands in the middle third, and something else without the cut.
    Where the implementation shows its weights, they must be 0 there and add up to 1 in all.
    GateError otherwise.

    >>> from probes.interventions.attention_cut import _cutting
    >>> check_cut(vlm, _cutting)  # says nothing, for what is cut has weight 0
    """
    inputs = vlm.prepare(trial_images(), QUESTIONS)
    there = inputs["attention_mask"].bool()
    place = torch.arange(there.shape[1], device=there.device).expand_as(there)
    third = there.shape[1] // 3
    keys, queries = there & (place >= third) & (place < 2 * third), there & (place >= 2 * third)
    with cutting(vlm, keys, queries, (1, vlm.n_layers)):
        cut = _attention(vlm, inputs)
    for seen in cut:
        if implementation_of(seen.module) == "eager":
            _check_weights(vlm, seen, keys, queries)
        if not torch.equal(_disturbed(seen, keys)[queries], seen.output[queries]):
            _refuse(vlm, seen.block, "queries see what stands at the keys that are cut")
    plain = _attention(vlm, inputs)
    if all(torch.equal(_disturbed(each, keys)[queries], each.output[queries]) for each in plain):
        _refuse(vlm, 1, "queries see nothing of the keys without a cut, so it cannot be checked")


def _attention(vlm: VLM, inputs: Any) -> list[_Seen]:
    """How every self attention is called in a pass, and what it gives."""
    seen: list[_Seen] = []

    def hook_for(block: int) -> Callable[[nn.Module, tuple, dict, Any], None]:
        def hook(module: nn.Module, args: tuple, kwargs: dict, returned: Any) -> None:
            output, weights = returned[:2]
            call = _Seen(
                block=block, module=module, args=args, kwargs=kwargs, output=output, weights=weights
            )
            seen.append(call)

        return hook

    with ExitStack() as hooks:
        for number, block in enumerate(vlm.blocks, 1):
            module = attention_of(block)
            if module is not None:
                handle = module.register_forward_hook(hook_for(number), with_kwargs=True)
                hooks.callback(handle.remove)
        vlm.run(inputs)
    return seen


def _disturbed(seen: _Seen, keys: Positions) -> Float[Tensor, "item token d_model"]:
    """What the attention gives when other things stand at the keys, with the mask it was given."""
    stream = seen.args[0] if seen.args else seen.kwargs["hidden_states"]
    other = torch.where(keys[..., None].to(stream.device), 3 - 2 * stream.roll(1, -1), stream)
    args = (other, *seen.args[1:]) if seen.args else ()
    kwargs = seen.kwargs if seen.args else {**seen.kwargs, "hidden_states": other}
    with torch.inference_mode():
        return seen.module(*args, **kwargs)[0]


def _check_weights(vlm: VLM, seen: _Seen, keys: Positions, queries: Positions) -> None:
    weights = seen.weights
    if weights is None:
        return _refuse(vlm, seen.block, "eager attention does not show its weights")
    keys, queries = keys.to(weights.device), queries.to(weights.device)
    cut = (queries[:, :, None] & keys[:, None])[:, None].expand_as(weights)
    if weights[cut].any():
        _refuse(vlm, seen.block, f"a weight that is cut is {weights[cut].max().item():.2g}, not 0")
    sums = weights.float().sum(-1).transpose(1, 2)[queries]
    worst = (sums - 1).abs().max().item()
    if not worst <= tolerance_of(vlm).same:
        _refuse(vlm, seen.block, f"weights add up to 1 only within {worst:.2g}")


def _refuse(vlm: VLM, block: int, what: str) -> None:
    raise GateError(
        f"attention of {type(vlm.model).__name__} cannot be cut in block {block}: {what}; use "
        "another implementation of attention (vlm.model.set_attn_implementation)"
    )
