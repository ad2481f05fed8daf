"""Edits of the residual stream: what enters a block is replaced while the model runs.

A layer is edited where it is read, on entering a block or the final norm, so that whatever a model
adds between two blocks (visual features in DeepStack) is part of what is edited.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from data_prep.errors import UserError
from probes.answers.tree import DEEPEST
from probes.interventions.cached import CachedTokens, cached_tokens
from probes.vlm import VLM

Stream = Float[Tensor, "item token d_model"]
Change = Callable[[Stream], Stream]
"""From a stream to the one that takes its place; it must leave the one that it is given as is."""
RowChange = Callable[[Float[Tensor, "row d_model"]], Float[Tensor, "row d_model"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the residual stream at one layer."""

    layer: int
    """0 is what enters block 1, l what enters block l + 1, L what enters the final norm."""
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskedChange:
    """A change of the stream at some positions of each prompt; all others stay as they are.

    Positions are counted from the left. A pass may have a few more tokens (forced ones, which are
    left alone) or a few fewer (a prompt that was cut at its end) than the mask. UserError for a
    mask of other items, or of a length that differs by more than an answer can be long.
    """

    where: Bool[Tensor, "item token"]
    new: Change
    """The stream from which the rows at these positions are taken."""

    def __call__(self, stream: Stream) -> Stream:
        n_tokens = min(stream.shape[1], self.where.shape[1])
        more = abs(stream.shape[1] - self.where.shape[1])
        if len(self.where) != len(stream) or more > DEEPEST:
            raise UserError(
                f"a mask of positions must have the shape of the prompts, {tuple(stream.shape[:2])}"
                f", got {tuple(self.where.shape)}: make it from the inputs that are run"
            )
        where = self.where[:, :n_tokens, None].to(stream.device)
        changed = torch.where(where, self.new(stream)[:, :n_tokens], stream[:, :n_tokens])
        return torch.cat([changed, stream[:, n_tokens:]], dim=1) if more else changed


@contextmanager
def edited(vlm: VLM, edits: Sequence[Edit], *, n_tokens: int | None = None) -> Iterator[None]:
    """While it lasts, every forward pass over prompts has its residual stream edited.

    Steps that go on from a cache are left alone: they look back at what the prompt's pass, edited,
    has left in it. With `n_tokens` a change is given the first so many positions only, and what
    follows them stays. Several edits of a layer are made in their order. UserError for a layer that
    the model does not have and for a change that returns another shape.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> plain, without = vlm.new_buffer(1), vlm.new_buffer(1)
    >>> vlm.residuals_into(inputs, plain)
    >>> with edited(vlm, [Edit(layer=4, change=torch.zeros_like)]):
    ...     vlm.residuals_into(inputs, without)
    >>> torch.equal(without[:, :4], plain[:, :4]), without[:, 4].abs().max().item()
    (True, 0.0)
    """
    for edit in edits:
        require_layer(edit.layer, vlm.n_layers)
    modules = [*vlm.blocks, vlm.norm]
    with cached_tokens(vlm) as before, ExitStack() as hooks:
        for edit in edits:
            hook = _hook(edit.change, before, n_tokens)
            handle = modules[edit.layer].register_forward_pre_hook(hook, with_kwargs=True)
            hooks.callback(handle.remove)
        yield


def _hook(
    change: Change, before: CachedTokens, n_tokens: int | None
) -> Callable[[nn.Module, tuple, dict], tuple[tuple, dict] | None]:
    def hook(_: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        if before.now or before.left_alone:
            return None
        stream = args[0] if args else kwargs["hidden_states"]
        new = changed(change, stream[:, :n_tokens])
        if n_tokens is not None and n_tokens < stream.shape[1]:
            new = torch.cat([new, stream[:, n_tokens:]], dim=1)
        return with_stream(args, kwargs, new)

    return hook


def changed(change: Change, stream: Stream) -> Stream:
    """What a change makes of a stream, on its device; UserError if it has another shape.

    >>> changed(torch.neg, torch.ones(1, 2, 1)).tolist()
    [[[-1.0], [-1.0]]]
    """
    new = change(stream)
    if new.shape != stream.shape:
        raise UserError(
            f"a change of the stream must keep its shape {tuple(stream.shape)}, got "
            f"{tuple(new.shape)}: return a stream of all items and tokens"
        )
    return new.to(stream)


def with_stream(args: tuple, kwargs: dict[str, Any], stream: Stream) -> tuple[tuple, dict]:
    """How a block was called, but with another stream.

    >>> with_stream((), {"hidden_states": None, "use_cache": False}, torch.ones(1, 1, 1))
    ((), {'hidden_states': tensor([[[1.]]]), 'use_cache': False})
    """
    if args:
        return (stream, *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": stream}


def require_layer(layer: int, n_layers: int) -> None:
    """UserError for a layer that is not among 0..L.

    >>> require_layer(12, 12)
    >>> require_layer(13, 12)
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: a layer must be one of 0..12, got 13: 0 is what enters block 1
    """
    if not 0 <= layer <= n_layers:
        raise UserError(
            f"a layer must be one of 0..{n_layers}, got {layer}: 0 is what enters block 1"
        )


def replace_rows(where: Bool[Tensor, "_ _"], rows: Stream) -> MaskedChange:
    """The change that puts rows of another stream at some positions: a patch.

    UserError if mask and stream are not of the same prompts.

    >>> where = torch.tensor([[True, False]])
    >>> replace_rows(where, torch.ones(1, 2, 1))(torch.zeros(1, 2, 1)).tolist()
    [[[1.0], [0.0]]]
    """
    if where.shape != rows.shape[:2]:
        raise UserError(
            f"a mask must have the shape of the stream that rows are taken from, "
            f"{tuple(rows.shape[:2])}, got {tuple(where.shape)}: take both from the same prompts"
        )

    def new(stream: Stream) -> Stream:
        given = rows[:, : stream.shape[1]].to(stream)
        return torch.cat([given, stream[:, rows.shape[1] :]], dim=1)

    return MaskedChange(where=where, new=new)


def moved(
    where: Bool[Tensor, "item token"], displacement: Float[Tensor, "*item d_model"]
) -> MaskedChange:
    """The change that adds a displacement at some positions: one for all items, or one for each.

    >>> where = torch.tensor([[True, False]])
    >>> moved(where, torch.tensor([[2.0]]))(torch.ones(1, 2, 1)).tolist()
    [[[3.0], [1.0]]]
    """

    def new(stream: Stream) -> Stream:
        return stream + _per_item(displacement, stream)

    return MaskedChange(where=where, new=new)


def set_to(where: Bool[Tensor, "item token"], row: Float[Tensor, "*item d_model"]) -> MaskedChange:
    """The change that puts one row (a mean) at some positions: one for all items, or one for each.

    >>> where = torch.tensor([[True, False]])
    >>> set_to(where, torch.tensor([5.0]))(torch.ones(1, 2, 1)).tolist()
    [[[5.0], [1.0]]]
    """

    def new(stream: Stream) -> Stream:
        return _per_item(row, stream).expand(stream.shape)

    return MaskedChange(where=where, new=new)


def erased(where: Bool[Tensor, "item token"], eraser: RowChange) -> MaskedChange:
    """The change that gives rows at some positions to an eraser, or to any function of rows.

    >>> where = torch.tensor([[True, False]])
    >>> erased(where, torch.zeros_like)(torch.ones(1, 2, 1)).tolist()
    [[[0.0], [1.0]]]
    """

    def new(stream: Stream) -> Stream:
        return eraser(stream.flatten(0, 1)).to(stream).view(stream.shape)

    return MaskedChange(where=where, new=new)


def _per_item(rows: Float[Tensor, "*rows width"], stream: Stream) -> Float[Tensor, "_ 1 d_model"]:
    """One row for all items, or one for each, beside a stream."""
    if rows.shape[-1] != stream.shape[-1] or rows.shape[:-1] not in ((), stream.shape[:1]):
        raise UserError(
            f"a row must be given once, or once for each of {len(stream)} items, of width "
            f"{stream.shape[-1]}, got {tuple(rows.shape)}: take it at the layer that is edited"
        )
    return rows.reshape(-1, 1, rows.shape[-1]).to(stream)
