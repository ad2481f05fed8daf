"""Residual streams as they pass through a model: caught on entering a block, averaged, checked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data_prep.errors import UserError

Write = Callable[[int, Float[Tensor, "item token d_model"]], None]


@contextmanager
def entering(modules: Sequence[nn.Module], write: Write) -> Iterator[list[int]]:
    """While it lasts, `write` is given what enters each module, with its place among `modules`.

    Yields the places in the order in which they were passed. What *enters* a block or the norm is
    the stream itself: where a model adds something between two blocks (visual features in
    DeepStack), a block's output would miss it.

    >>> blocks = [nn.Linear(1, 1, bias=False), nn.ReLU()]
    >>> _ = nn.init.constant_(blocks[0].weight, 2.0)
    >>> with entering(blocks, lambda place, stream: print(place, stream.tolist())) as seen:
    ...     _ = nn.Sequential(*blocks)(torch.tensor([[[3.0]]]))
    0 [[[3.0]]]
    1 [[[6.0]]]
    >>> seen
    [0, 1]
    """
    seen: list[int] = []

    def hook_for(place: int) -> Callable[[nn.Module, tuple, dict], None]:
        def hook(_: nn.Module, args: tuple, kwargs: dict) -> None:
            write(place, args[0] if args else kwargs["hidden_states"])
            seen.append(place)

        return hook

    handles = [
        module.register_forward_pre_hook(hook_for(place), with_kwargs=True)
        for place, module in enumerate(modules)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def weighted_means(
    weights: Float[Tensor, "item place token"], stream: Float[Tensor, "item token d_model"]
) -> Float[Tensor, "row d_model"]:
    """Weighted means over the tokens, taken in float32, item after item.

    >>> stream = torch.tensor([[[0.0], [4.0]]])  # one item of two tokens
    >>> weighted_means(torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]), stream).tolist()
    [[2.0], [4.0]]
    """
    weights = weights.to(stream.device)
    if stream.dtype == torch.float32:
        return (weights @ stream).flatten(0, 1)
    # One item is widened at a time: all of them would take more room than the stream itself.
    return torch.cat([own @ tokens.float() for own, tokens in zip(weights, stream, strict=True)])


def require_finite(
    residuals: Float[Tensor, "item layer d_model"],
    item_ids: Sequence[str],
    layers: Sequence[int] | None = None,
) -> None:
    """Refuse residuals with a NaN or an infinity: UserError that names the first item and layer.

    `layers` are those that the layer axis holds, if not 0..L.

    >>> require_finite(torch.zeros(1, 2, 1), ["scene 1"])
    >>> require_finite(torch.tensor([[[0.0], [torch.inf]]]), ["scene 1"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: residuals must be finite, got inf for item scene 1 at layer ...
    """
    # A sum is not finite if any term is not, and needs no array of flags as large as the data.
    if torch.isfinite(residuals.sum(dtype=torch.float32)):
        return
    bad = (~torch.isfinite(residuals)).nonzero()
    if len(bad):
        item, place, unit = bad[0].tolist()
        layer = place if layers is None else layers[place]
        raise UserError(
            f"residuals must be finite, got {residuals[item, place, unit].item()} for item "
            f"{item_ids[item]} at layer {layer}: load the model in float32 or bfloat16 (float16 "
            "overflows), or leave the item out"
        )
