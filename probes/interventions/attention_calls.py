"""The function with which a block attends, called through one of ours while that lasts.

transformers asks for the function anew at every call, by the name of an implementation. What is
put between is the answer to that question, so that the function is the one that the model really
uses, with all that its family does (soft caps, sliding windows, grouped heads, scale, sinks), and
configuration, masks and caches stay as they are.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from data_prep.errors import UserError
from probes.interventions.attention_masks import EXPLICIT, can_look

_INTERFACE = "ALL_ATTENTION_FUNCTIONS"
Queries = Float[Tensor, "item head query unit"]
Keys = Float[Tensor, "item group key unit"]
"""Of all tokens so far; there may be fewer heads of keys (groups) than of queries."""
Values = Float[Tensor, "item group key width"]
Attended = Float[Tensor, "item query head width"]
Scores = Float[Tensor, "item head query key"]
Result = tuple[Attended, Scores | None]
"""What attention gives: values, weighted, and the weights where the implementation shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    """How a block's self attention calls the function that attends."""

    block: int
    """1 is the first block."""
    function: Callable[..., Result]
    module: nn.Module
    query: Queries
    key: Keys
    value: Values
    mask: Tensor | None
    kwargs: Mapping[str, Any]

    @property
    def cached(self) -> int:
        """How many keys lie before those of the queries."""
        return self.key.shape[2] - self.query.shape[2]

    def whole(self) -> Result:
        """What the model's own function gives, called as it was."""
        return self.function(
            self.module, self.query, self.key, self.value, self.mask, **self.kwargs
        )

    def of(
        self, queries: slice, *, values: Values | None = None, more: Scores | None = None
    ) -> Result:
        """What the model's own function gives for some queries, in float32.

        With other values than its own, or with `more` added to the scores before the softmax.
        """
        mask = self._mask(queries)
        if more is not None:
            mask = more if mask is None else _added(mask, more)
        elif mask is not None and mask.dtype != torch.bool:
            mask = mask.float()
        value = self.value if values is None else values
        some = self.query[:, :, queries].float()
        return self.function(
            self.module, some, self.key.float(), value.float(), mask, **self.kwargs
        )

    def scores(self, queries: slice) -> Scores:
        """Scaled and capped products of some queries and all keys in float32, without the mask."""
        scale = self.kwargs.get("scaling")
        some = self.query[:, :, queries].float()
        products = some @ self._each_head(self.key).float().mT
        products *= self.query.shape[-1] ** -0.5 if scale is None else scale
        cap = self.kwargs.get("softcap")
        return products if cap is None else cap * torch.tanh(products / cap)

    def by_scores(self, queries: slice) -> Attended:
        """What some queries attend to if nothing but scores and mask counts, in float32."""
        scores, mask = self.scores(queries), self._mask(queries)
        weights = (scores if mask is None else _added(mask, scores)).softmax(-1)
        return (weights @ self._each_head(self.value).float()).transpose(1, 2)

    def _each_head(
        self, heads: Float[Tensor, "item group key _"]
    ) -> Float[Tensor, "item head key _"]:
        return heads.repeat_interleave(self.query.shape[1] // heads.shape[1], dim=1)

    def _mask(self, queries: slice) -> Bool[Tensor, "..."] | Float[Tensor, "..."] | None:
        if self.mask is not None:
            return self.mask[..., queries, :]
        # Without a mask sdpa finds out by itself what comes before a query, but for all queries.
        given, tokens = {"is_causal": self.kwargs.get("is_causal")}, self.query.transpose(1, 2)
        looking = can_look(self.module, (tokens,), given, cached=self.cached)[..., queries, :]
        return None if looking.all() else looking


def _added(mask: Tensor, scores: Scores) -> Scores:
    if mask.dtype == torch.bool:
        return torch.where(mask, scores, torch.finfo(scores.dtype).min)
    return scores + mask.float()


Around = Callable[[AttentionCall], Result]
"""What is called instead of the function that attends, and gives what it would."""


def attending(block: nn.Module, number: int) -> nn.Module:
    """A block's self attention, if its calls can be seen.

    UserError for a block without one (linear attention, cross attention to an image beside the
    text), for an attention that does not ask transformers for its function, and for an
    implementation that takes no explicit mask.

    >>> type(attending(vlm.blocks[0], 1)).__name__
    'LlamaAttention'
    """
    module: Any = getattr(block, "self_attn", None)
    if module is None:
        raise UserError(
            f"attention to the image needs self attention over the sequence, and block {number}, "
            f"a {type(block).__name__}, has none: choose other blocks or another model"
        )
    _interface_of(module)
    found = str(getattr(module.config, "_attn_implementation", None))
    if found not in EXPLICIT:
        raise UserError(
            f"attention can be seen in an implementation that takes an explicit mask "
            f"({' or '.join(EXPLICIT)}), got {found}: choose one by "
            "vlm.model.set_attn_implementation"
        )
    return module


@contextmanager
def attention_through(modules: Mapping[int, nn.Module], around: Around) -> Iterator[None]:
    """While it lasts, the self attentions of some blocks, given by number, attend through `around`.

    Several can be nested: the one that begins last is called first, and the function that it is
    given is the one before it. UserError as `attending`.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> seen = []
    >>> def around(call):
    ...     seen.append(call.block)
    ...     return call.whole()
    >>> with attention_through({2: attending(vlm.blocks[1], 2)}, around):
    ...     _ = vlm.run(inputs)
    >>> seen
    [2]
    """
    numbers = {module: number for number, module in modules.items()}
    interfaces = {id(found): found for found in map(_interface_of, numbers)}
    with ExitStack() as stack:
        for interface in interfaces.values():
            stack.enter_context(_answering(interface, numbers, around))
        yield


def _interface_of(module: nn.Module) -> Any:
    """What the module asks for its function; it may be another for another family."""
    forward = inspect.unwrap(type(module).forward)
    if _INTERFACE not in forward.__code__.co_names:
        raise UserError(
            f"attention can be seen where it asks transformers for the function that attends, and "
            f"{type(module).__name__} does not: take a model of another family"
        )
    return forward.__globals__[_INTERFACE]


@contextmanager
def _answering(interface: Any, numbers: Mapping[nn.Module, int], around: Around) -> Iterator[None]:
    before, own = interface.get_interface, vars(interface).get("get_interface")

    def get_interface(*asked: Any, **named: Any) -> Callable[..., Result]:
        function = before(*asked, **named)

        def attend(
            module: nn.Module,
            query: Queries,
            key: Keys,
            value: Values,
            attention_mask: Tensor | None = None,
            **kwargs: Any,
        ) -> Result:
            number = numbers.get(module)
            if number is None:
                return function(module, query, key, value, attention_mask, **kwargs)
            return around(
                AttentionCall(
                    block=number,
                    function=function,
                    module=module,
                    query=query,
                    key=key,
                    value=value,
                    mask=attention_mask,
                    kwargs=kwargs,
                )
            )

        return attend

    interface.get_interface = get_interface
    try:
        yield
    finally:
        del interface.get_interface
        if own is not None:
            interface.get_interface = own
