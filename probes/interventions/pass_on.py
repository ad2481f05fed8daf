"""Forward passes that go on from an edited residual stream, without what lies before it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data_prep.errors import UserError
from probes.answers.tree import ANSWER_NODE, Node
from probes.interventions.edit import (
    Change,
    Edit,
    MaskedChange,
    Stream,
    changed,
    edited,
    require_layer,
    with_stream,
)
from probes.interventions.tail import (
    KeysAndValues,
    call_of_tail,
    first_change,
    keeps_all,
    starts_of,
)
from probes.vlm import VLM

Last = Float[Tensor, "item d_model"]
"""The last residual (layer L, raw, before the norm) at the answer position of each item."""


@dataclass(slots=True, kw_only=True)
class _Call:
    """How a block was called in the plain pass, and what it returned."""

    args: tuple
    kwargs: dict[str, Any]
    returned: Stream | None = None


class Intervened:
    """A prepared batch whose pass can be gone on with from any layer, as often as wanted.

    One plain pass is run, and the stream of every layer kept: (L + 1) x items x tokens x d_model
    numbers in the model's dtype. OutOfMemory if the batch does not fit beside the model.

    A pass that goes on calls the blocks themselves as they were called in the plain pass: neither
    earlier blocks nor the vision tower run again. That is the model's own computation only as far
    as what a block returned is, bit for bit, what entered the next; `safe_from` is the first layer
    from which it is so. Below it (DeepStack adds visual features after early blocks) a whole pass
    is run with its stream edited, which costs as much as the plain one.

    With `tails`, keys and values are kept, too, and of a stream that differs from the plain one
    only from some token on, only the tokens from there on are run. What comes out is then the same
    up to rounding, not bit for bit, and nothing else may change the model meanwhile (as a cut of
    its attention does). Where tokens look ahead (at all of an image, or of a prompt) a pass starts
    at the first that is looked at with those that differ; by cross attention, at the first of all.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> begun = Intervened(vlm, inputs)
    >>> begun.safe_from, torch.equal(begun.go_on(4, begun.streams[4]), begun.last)
    (0, True)
    """

    def __init__(self, vlm: VLM, inputs: Mapping[str, Any], *, tails: bool = False) -> None:
        self.vlm, self.inputs = vlm, inputs
        self._kept = KeysAndValues() if tails and keeps_all(vlm.blocks) else None
        self.streams: list[Stream] = []
        """The stream of every layer, 0..L."""
        self._calls: list[_Call] = []
        with ExitStack() as hooks:
            for block in vlm.blocks:
                hooks.enter_context(_calls_of(block, self._calls, self._kept))
            with vlm.streams(lambda _, stream: self.streams.append(stream)):
                vlm.run(inputs)
        self._implementation = _implementation(vlm)
        self.safe_from = self._safe_from()
        if self._kept is not None:
            calls = [(call.args, call.kwargs) for call in self._calls]
            self._starts = starts_of(vlm.blocks, calls)

    @property
    def last(self) -> Last:
        """The last residual of the plain pass at the answer position."""
        return self.streams[-1][:, -1]

    def _safe_from(self) -> int:
        kept = [
            call.returned is not None and torch.equal(call.returned, entered)
            for call, entered in zip(self._calls, self.streams[1:], strict=True)
        ]
        for call in self._calls:
            call.returned = None
        return max((layer for layer, same in enumerate(kept, 1) if not same), default=0)

    def go_on(self, layer: int, stream: Stream) -> Last:
        """The last residual at the answer position when `stream` takes the place of a layer's.

        The stream is the whole one, of all items and tokens. UserError for a layer that the model
        does not have and for a stream of another shape.
        """
        self._require(layer, stream)
        stream = stream.to(self.streams[layer])
        if layer < self.safe_from:
            return self._whole_pass(layer, lambda _: stream, [ANSWER_NODE])[:, 0]
        if self._kept is not None:
            return self._tail(layer, stream, self._kept)
        return self._blocks(layer, stream)

    def _blocks(self, layer: int, stream: Stream) -> Last:
        with torch.inference_mode():
            for block, call in zip(self.vlm.blocks[layer:], self._calls[layer:], strict=True):
                args, kwargs = with_stream(call.args, call.kwargs, stream)
                stream = _stream_of(block(*args, **kwargs))
        return stream[:, -1]

    def _tail(self, layer: int, stream: Stream, kept: KeysAndValues) -> Last:
        first = first_change(stream, self.streams[layer])
        if first is None:
            return self.last
        start = int(self._starts[: first + 1].nonzero()[-1])
        if start == 0:
            return self._blocks(layer, stream)
        stream, before = stream[:, start:], KeysAndValues(kept=kept.kept, start=start)
        with torch.inference_mode():
            for block, call in zip(self.vlm.blocks[layer:], self._calls[layer:], strict=True):
                given = call_of_tail(block, call.args, call.kwargs, start)
                stream = _stream_of(block(stream, **{**given, "past_key_values": before}))
        return stream[:, -1]

    def at_nodes(
        self, layer: int, change: Change, nodes: Sequence[Node]
    ) -> Float[Tensor, "item node d_model"]:
        """The last residual at nodes of an answer tree when a layer's stream is changed.

        At the answer position alone the pass goes on from the layer; after forced tokens whole
        passes are run, in which the prompt's positions are changed and forced tokens are not.
        Errors as `go_on`, and UserError for a mask of other prompts.
        """
        require_layer(layer, self.vlm.n_layers)
        if isinstance(change, MaskedChange) and change.where.shape != self.streams[0].shape[:2]:
            raise UserError(
                f"a mask of positions must have the shape of the prompts, "
                f"{tuple(self.streams[0].shape[:2])}, got {tuple(change.where.shape)}: make it "
                "from the inputs that are run"
            )
        if list(nodes) == [ANSWER_NODE]:
            return self.go_on(layer, changed(change, self.streams[layer]))[:, None]
        return self._whole_pass(layer, change, nodes)

    def _whole_pass(
        self, layer: int, change: Change, nodes: Sequence[Node]
    ) -> Float[Tensor, "item node d_model"]:
        """Whole passes with the stream edited; nodes that begin at one place share one."""
        vlm = self.vlm
        n_items, n_tokens, d_model = self.streams[0].shape
        out = self.streams[-1].new_empty(n_items, len(nodes), d_model)
        for back in sorted({node.back for node in nodes}):
            places = [place for place, node in enumerate(nodes) if node.back == back]
            buffer = vlm.new_buffer(n_items * len(places), n_layers=1)
            edit = Edit(layer=layer, change=change)
            with edited(vlm, [edit], n_tokens=n_tokens - back):
                chosen = [nodes[place] for place in places]
                vlm.residuals_at(self.inputs, chosen, buffer, layers=[vlm.n_layers])
            out[:, places] = buffer.view(n_items, len(places), d_model).to(out)
        return out

    def _require(self, layer: int, stream: Stream) -> None:
        require_layer(layer, self.vlm.n_layers)
        if stream.shape != self.streams[layer].shape:
            raise UserError(
                f"a stream must have the shape of the pass, {tuple(self.streams[layer].shape)}, "
                f"got {tuple(stream.shape)}: give all items and tokens of these inputs"
            )
        # A mask for one implementation is another thing to the next, which would not complain.
        if (now := _implementation(self.vlm)) != self._implementation:
            raise UserError(
                f"a pass can be gone on with by the attention that it was begun with, "
                f"{self._implementation}, got {now}: begin it anew"
            )


@contextmanager
def _calls_of(block: nn.Module, calls: list[_Call], kept: KeysAndValues | None) -> Iterator[None]:
    """While it lasts, every call of a block is added to `calls`, its keys and values to `kept`."""

    def before(_: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        calls.append(_Call(args=args, kwargs=kwargs))
        return None if kept is None else (args, {**kwargs, "past_key_values": kept})

    def after(_: nn.Module, __: tuple, returned: Any) -> None:
        calls[-1].returned = _stream_of(returned)

    handles = [
        block.register_forward_pre_hook(before, with_kwargs=True),
        block.register_forward_hook(after),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _stream_of(returned: Any) -> Stream:
    """The stream that a block returned, which some give as the first of several things."""
    return returned[0] if isinstance(returned, tuple) else returned


def _implementation(vlm: VLM) -> str | None:
    """The implementation of attention of the model's decoder."""
    decoder: Any = vlm.model.get_decoder()
    return getattr(decoder.config, "_attn_implementation", None)
