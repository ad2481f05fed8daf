"""Residuals after forced tokens: read from a cached continuation of the prompt's pass.

It goes on token by token, as generation does: some models let the tokens of one pass see each
other. Where a model cannot go on from its cache, forced tokens get forward passes of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from probes.answers.tree import Node, Path

if TYPE_CHECKING:
    from probes.vlm import VLM

Way = Literal["cache", "passes"]
# Inputs with one entry for each token, beside the tokens themselves: what they hold of the prompt's
# last token they hold of what follows.
_BY_TOKEN = ("attention_mask", "token_type_ids", "mm_token_type_ids", "cross_attention_mask")
_OF_THE_HEAD = ("logits_to_keep", "labels")


def residuals_at_nodes(
    vlm: "VLM",
    inputs: Mapping[str, Any],
    nodes: Sequence[Node],
    buffer: Float[Tensor, "row layer d_model"],
    layers: Sequence[int] | None = None,
    *,
    way: Way,
) -> None:
    """Run a prepared batch and write its residuals at some nodes, item by item.

    `way` says how forced tokens are read. UserError as `VLM.residuals_into`.
    """
    out = buffer.unflatten(0, (-1, len(nodes)))
    ids = inputs["input_ids"]
    backs = sorted({node.back for node in nodes if node.forced})
    in_prompt = {-1 - node.back: place for place, node in enumerate(nodes) if not node.forced}
    with _writing(vlm, in_prompt, out, layers):
        found = vlm.run(inputs, use_cache=0 in backs and way == "cache")
    for back in backs:
        n_tokens = ids.shape[1] - back
        prompt = _longer(inputs, ids[:, :0], n_tokens) if back else inputs
        going_on = _GoingOn(vlm, prompt, None if back else found.past_key_values)
        for path, places in _paths(nodes, back):
            tokens = torch.tensor(path, device=ids.device).expand(len(ids), -1)
            if way == "passes":
                at = {n_tokens + depth - 1: place for depth, place in places.items()}
                with _writing(vlm, at, out, layers):
                    vlm.run(_longer(inputs, tokens, n_tokens))
                continue
            going_on.from_prompt()
            for depth in range(1, len(path) + 1):
                at = {0: places[depth]} if depth in places else {}
                with _writing(vlm, at, out, layers):
                    vlm.run(going_on.inputs(tokens[:, :depth]))


def _writing(
    vlm: "VLM",
    at: Mapping[int, int],
    out: Float[Tensor, "item place layer d_model"],
    layers: Sequence[int] | None,
) -> Any:
    """While it lasts, the stream at these positions is written to these places."""

    def write(layer: int, stream: Float[Tensor, "item token d_model"]) -> None:
        for position, place in at.items():
            out[:, place, layer].copy_(stream[:, position])

    return vlm.streams(write, layers)


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
    """The cache of some prompts, and what a model is given to go on from it.

    After Hugging Face transformers' generation, whose own preparation of inputs is used: what is
    kept of images, positions and masks differs by family.
    """

    def __init__(self, vlm: "VLM", prompt: Mapping[str, Any], cache: Any) -> None:
        self._vlm, self._prompt = vlm, prompt
        self._cache, self._lengths = cache, _lengths(cache)

    def from_prompt(self) -> None:
        """Takes off whatever has come after the prompt."""
        if self._cache is None or not self._rewound():
            self._cache = self._vlm.run(self._prompt, use_cache=True).past_key_values
            self._lengths = _lengths(self._cache)

    def _rewound(self) -> bool:
        grown = [now - n for now, n in zip(_lengths(self._cache), self._lengths, strict=True)]
        # What has left a window is gone: such a cache is filled again.
        if any(grown) and any(getattr(each, "is_sliding", False) for each in self._cache.layers):
            return False
        for layer, n_tokens in zip(self._cache.layers, grown, strict=True):
            if n_tokens:  # others hold an image that is looked at beside the text
                layer.crop(-n_tokens)
        return True

    def inputs(self, tokens: Int[Tensor, "item token"]) -> dict[str, Any]:
        """Those of the step that reads the last of the forced tokens, after the others."""
        longer = _longer(self._prompt, tokens, self._prompt["input_ids"].shape[1])
        model = self._vlm.model
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
        return given


def _lengths(cache: Any) -> list[int]:
    return [] if cache is None else [layer.get_seq_length() for layer in cache.layers]


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
