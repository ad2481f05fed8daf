"""Residuals after forced tokens, found plainly: by whole passes, or while the model generates."""

from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from probes import VLM
from probes.answers.tree import Node


def in_one_pass(
    vlm: VLM, image: Image.Image, question: str, node: Node
) -> Float[Tensor, "layer d_model"]:
    """One uncached pass over prompt and forced tokens; what is said of a token is added by hand."""
    # PaliGemma's kind of a token: 1 where it sees only what is before it. Gemma 3's: 1 of an image.
    kind = int(vlm.model.config.model_type == "paligemma")
    inputs = dict(vlm.prepare([image], [question]))
    length = inputs["input_ids"].shape[1]
    kept, more = length - node.back, len(node.forced)
    for name, value in inputs.items():
        if value.shape[1:2] != (length,):
            continue
        if name == "input_ids":
            new = torch.tensor([node.forced], dtype=torch.int64)
        elif name == "attention_mask":
            new = torch.ones(1, more, dtype=value.dtype)
        elif name == "cross_attention_mask":
            new = value[:, -1:].repeat(1, more, 1, 1)
        else:
            assert name in ("token_type_ids", "mm_token_type_ids"), name
            new = torch.full((1, more), kind, dtype=value.dtype)
        inputs[name] = torch.cat([value[:, :kept], new], dim=1)
    read: list[Tensor] = []
    with vlm.streams(lambda _, stream: read.append(stream[0, -1].clone())):
        vlm.run(inputs)
    return torch.stack(read)


def while_it_generates(
    vlm: VLM, image: Image.Image, question: str, forced: tuple[int, ...]
) -> tuple[Float[Tensor, "step layer d_model"], Float[Tensor, "step vocab"]]:
    """Residuals and logits after each of the tokens, which are all that it may say."""
    inputs, model = vlm.prepare([image], [question]), cast(Any, vlm.model)
    length = inputs["input_ids"].shape[1]
    read: list[Tensor] = []
    with torch.no_grad(), _Watched(vlm, read):
        found = model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=len(forced) + 1,
            min_new_tokens=len(forced) + 1,
            prefix_allowed_tokens_fn=lambda _, said: [(*forced, forced[0])[len(said) - length]],
            output_logits=True,
            return_dict_in_generate=True,
            pad_token_id=vlm.tokenizer.pad_token_id,
        )
    assert found.sequences[0, length:-1].tolist() == list(forced)
    residuals = torch.stack(read).unflatten(0, (len(forced) + 1, -1))
    return residuals, torch.stack([logits[0].float() for logits in found.logits])


class _Watched(AbstractContextManager):
    """Keeps what enters every block and the norm, at the last position of every pass."""

    def __init__(self, vlm: VLM, read: list[Tensor]) -> None:
        self._modules: list[nn.Module] = [*vlm.blocks, vlm.norm]
        self._read = read

    def __enter__(self) -> None:
        self._handles = [
            each.register_forward_pre_hook(self._keep, with_kwargs=True) for each in self._modules
        ]

    def _keep(self, _, args: tuple, kwargs: dict) -> None:
        stream = args[0] if args else kwargs["hidden_states"]
        self._read.append(stream[0, -1].clone())

    def __exit__(self, *_) -> None:
        for handle in self._handles:
            handle.remove()


def share(
    got: Float[Tensor, "*item layer d_model"], wanted: Float[Tensor, "*item layer d_model"]
) -> float:
    """The largest difference, as a share of the largest value of its layer."""
    layers = range(wanted.shape[-2])
    return max(
        float((got[..., layer, :] - wanted[..., layer, :]).abs().max())
        / float(wanted[..., layer, :].abs().max())
        for layer in layers
    )
