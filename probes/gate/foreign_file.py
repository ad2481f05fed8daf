"""Residuals that another tool captured, with the model's own logits: a file of two tensors."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from data_prep.errors import UserError, lacks_memory
from probes.loading.remarks import reason
from probes.vlm import VLM

_FORMAT = (
    "a safetensors file with the tensors `residuals` [item, layer, d_model], at the position from "
    "which the answer's first token is predicted, and `logits` [item, vocab] of the same model "
    "there, or [item, token, vocab] with the answer position last"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignResiduals:
    """What another tool captured, and what the model said to the same items."""

    residuals: Float[Tensor, "item layer d_model"]
    logits: Float[Tensor, "item token vocab"]
    """With one token if the file holds those of the answer position only; that is the last one."""


def read_foreign(path: Path, vlm: VLM) -> ForeignResiduals:
    """The residuals and logits in a file, of shapes that fit to the model.

    UserError that says the format, if they are not there or do not fit.

    >>> from pathlib import Path
    >>> read_foreign(Path("no/such/file"), vlm)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: cannot read no/such/file (...): give a safetensors file with ...
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            found = {
                each: file.get_tensor(each) for each in ("residuals", "logits") if each in names
            }
    except Exception as error:  # of a file from elsewhere: its reader raises what it likes
        if lacks_memory(error):
            raise
        raise UserError(f"cannot read {path} ({reason(error)}): give {_FORMAT}") from error
    for name in ("residuals", "logits"):
        if name not in found:
            raise UserError(f"{path} has no tensor {name!r}: give {_FORMAT}")
    residuals, logits = found["residuals"], found["logits"]
    if logits.ndim == 2:
        logits = logits[:, None]
    _require_shapes(residuals, logits, vlm, path)
    return ForeignResiduals(residuals=residuals.to(vlm.device), logits=logits.to(vlm.device))


def _require_shapes(residuals: Tensor, logits: Tensor, vlm: VLM, path: Path) -> None:
    n_vocab = vlm.unembedding.n_vocab
    for name, tensor, axes in (("residuals", residuals, 3), ("logits", logits, 3)):
        if tensor.ndim != axes or not tensor.is_floating_point() or not tensor.numel():
            raise UserError(
                f"{name} of {path} have the shape {tuple(tensor.shape)} in "
                f"{str(tensor.dtype).removeprefix('torch.')}: give {_FORMAT}"
            )
    if len(residuals) != len(logits):
        raise UserError(
            f"{path} has residuals of {len(residuals)} items and logits of {len(logits)}: give "
            "those of the same items, in one order"
        )
    if residuals.shape[-1] != vlm.d_model or logits.shape[-1] > n_vocab:
        raise UserError(
            f"{path} has residuals of width {residuals.shape[-1]} and logits of "
            f"{logits.shape[-1]:,} tokens, {vlm.name} has width {vlm.d_model} and {n_vocab:,} "
            "tokens: name the model that they were captured from"
        )
    if not (torch.isfinite(residuals).all() and torch.isfinite(logits).all()):
        raise UserError(
            f"residuals and logits of {path} must be finite: capture them in float32 or bfloat16"
        )
