"""Residuals after forced tokens: read from a cached continuation of the prompt's pass.

It goes on token by token, as generation does: some models let the tokens of one pass see each
other. Where a model cannot go on from its cache, forced tokens get forward passes of their own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.answers.tree import Node, Path
from probes.view import View

Way = Literal["cache", "passes"]
# Inputs with one entry for each token, beside the tokens themselves: what they hold of the prompt's
# last token they hold of what follows.
_BY_TOKEN = ("attention_mask", "token_type_ids", "mm_token_type_ids", "cross_attention_mask")
_OF_THE_HEAD = ("logits_to_keep", "labels")


def residuals_at_nodes(
    vlm: View,
    inputs: Mapping[str, Any],
    nodes: Sequence[Node],
    buffer: Float[Tensor, "row layer d_model"],
    layers: Sequence[int] | None = None,
    *,
    way: Way,
) -> None:
    """Run a prepared batch and write its residuals at some nodes, item by item.

    `way` says how forced tokens are read. UserError as `VLM.residuals_into`.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> nodes, buffer = [Node(), Node(forced=(370,))], vlm.new_buffer(2)
    >>> residuals_at_nodes(vlm, inputs, nodes, buffer, way="cache")
    >>> by_passes = torch.empty_like(buffer)
    >>> residuals_at_nodes(vlm, inputs, nodes, by_passes, way="passes")
    >>> torch.allclose(buffer, by_passes, atol=1e-3)
    True
    """
    out = buffer.unflatten(0, (-1, len(nodes)))
    reading = _by_passes if way == "passes" else _from_cache
    for given, at in reading(vlm, inputs, nodes):

        def write(
            layer: int,
            stream: Float[Tensor, "item token d_model"],
            at: Mapping[int, int] = at,
        ) -> None:
            for position, place in at.items():
                out[:, place, layer].copy_(stream[:, position])

        with vlm.streams(write, layers):
            given()


Step = tuple[Callable[[], None], Mapping[int, int]]
"""What runs the model, and which positions of that pass are which places among the nodes."""


def _by_passes(vlm: View, inputs: Mapping[str, Any], nodes: Sequence[Node]) -> Iterator[Step]:
    """A pass for each path, the first of which reads the prompt's end, too."""
    ids = inputs["input_ids"]
    for back, prompt, at_end in _prompts(inputs, nodes):
        n_tokens = ids.shape[1] - back
        for path, places in _paths(nodes, back):
            at = {n_tokens + depth - 1: place for depth, place in places.items()} | at_end
            tokens = torch.tensor(path, device=ids.device).expand(len(ids), -1)
            yield partial(vlm.run, _longer(inputs, tokens, n_tokens)), at
            at_end = {}
        if at_end:
            yield partial(vlm.run, prompt), at_end


def _from_cache(vlm: View, inputs: Mapping[str, Any], nodes: Sequence[Node]) -> Iterator[Step]:
    """The prompt's pass, then a step for each forced token."""
    ids = inputs["input_ids"]
    for back, prompt, at_end in _prompts(inputs, nodes):
        going_on = _GoingOn(vlm, prompt)
        yield going_on.begin, at_end
        for path, places in _paths(nodes, back):
            going_on.rewind()
            tokens = torch.tensor(path, device=ids.device).expand(len(ids), -1)
            for depth in range(1, len(path) + 1):
                at = {0: places[depth]} if depth in places else {}
                yield partial(going_on.step, tokens[:, :depth]), at


def _prompts(
    inputs: Mapping[str, Any], nodes: Sequence[Node]
) -> Iterator[tuple[int, Mapping[str, Any], dict[int, int]]]:
    """How many tokens are taken off, what is left, and the place of the node at its end, if any.

    Cut, and not read within the whole: a prompt whose tokens see each other is then another one.
    """
    for back in sorted({node.back for node in nodes}):
        n_tokens = inputs["input_ids"].shape[1] - back
        prompt = _longer(inputs, inputs["input_ids"][:, :0], n_tokens) if back else inputs
        ends = [place for place, node in enumerate(nodes) if node == Node(back=back)]
        yield back, prompt, dict.fromkeys([n_tokens - 1], ends[0]) if ends else {}


def _paths(nodes: Sequence[Node], back: int) -> Iterator[tuple[Path, dict[int, int]]]:
    """Paths along which all nodes that begin so far back are read, each once.

    With the places of those that are read there, by how many tokens are forced.
    """
    place_of = {
        node.forced: place for place, node in enumerate(nodes) if node.forced and node.back == back
    }
    for path in sorted(place_of):
        if any(other != path and other[: len(path)] == path for other in place_of):
            continue
        depths = range(1, len(path) + 1)
        here = [depth for depth in depths if path[:depth] in place_of]
        yield path, {depth: place_of.pop(path[:depth]) for depth in here}


class _GoingOn:
    """The cache of some prompts, from which a model goes on.

    After Hugging Face transformers' generation, whose own preparation of inputs is used: what is
    kept of images, positions and masks differs by family.
    """

    def __init__(self, vlm: View, prompt: Mapping[str, Any]) -> None:
        self._vlm, self._prompt = vlm, prompt
        self._cache: Any = None

    def begin(self) -> None:
        """Run the prompts and keep the cache."""
        self._cache = self._vlm.run(self._prompt, use_cache=True).past_key_values
        self._lengths = _lengths(self._cache)

    def rewind(self) -> None:
        """Take off whatever has come after the prompts."""
        grown = [now - n for now, n in zip(_lengths(self._cache), self._lengths, strict=True)]
        # What has left a window is gone: such a cache is filled again.
        if any(grown) and any(getattr(each, "is_sliding", False) for each in self._cache.layers):
            self.begin()
            return
        for layer, n_tokens in zip(self._cache.layers, grown, strict=True):
            if n_tokens:  # others hold an image that is looked at beside the text
                layer.crop(-n_tokens)

    def step(self, tokens: Int[Tensor, "item token"]) -> None:
        """Read the last of the forced tokens, after the others."""
        longer = _longer(self._prompt, tokens, self._prompt["input_ids"].shape[1])
        model = cast(Any, self._vlm.model)
        prepared = model.prepare_inputs_for_generation(
            **longer,
            next_sequence_length=1,
            past_key_values=self._cache,
            use_cache=True,
            is_first_iteration=False,
        )
        given = {
            name: value
            for name, value in prepared.items()
            if value is not None and name not in _OF_THE_HEAD
        }
        deltas = getattr(model.base_model, "rope_deltas", None)
        if deltas is not None:
            # Generation keeps its own count of positions, which an image's tokens share.
            place = longer["attention_mask"].cumsum(-1)[:, -1:] - 1 + deltas
            given["position_ids"] = place.expand(3, -1, -1)
        self._vlm.run(given)


def _lengths(cache: Any) -> list[int]:
    return [layer.get_seq_length() for layer in cache.layers]


def _longer(
    inputs: Mapping[str, Any], tokens: Int[Tensor, "item token"], n_tokens: int
) -> dict[str, Any]:
    """The prompt's inputs with tokens after the first `n_tokens` of its own."""
    longer = dict(inputs)
    longer["input_ids"] = torch.cat([inputs["input_ids"][:, :n_tokens], tokens], dim=1)
    for name in _BY_TOKEN:
        if name in inputs:
            own = inputs[name]
            more = own[:, -1:].expand(-1, tokens.shape[1], *own.shape[2:])
            longer[name] = torch.cat([own[:, :n_tokens], more], dim=1)
    return longer
