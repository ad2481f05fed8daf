"""From a residual to the vocabulary: the model's final norm and head, detached from the model.

A laptop analyses with this object alone what a GPU box captured: it is saved beside the
residuals and loaded without the model.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from data_prep.errors import UserError
from probes.durable import write_durably

NormKind = Literal["rms", "rms_plus_one", "layer"]
_WEIGHTS_FILE = "unembedding.safetensors"
_DESCRIPTION_FILE = "unembedding.json"
# Rows of a half-precision head that are widened to float32 at a time.
_WIDENED_ROWS = 8192


class GateError(UserError):
    """What we would read from this model is not what the model computes: it is not loaded."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinalNorm:
    """The norm before the head. It keeps no state: each residual gets its own statistics."""

    kind: NormKind
    """`rms`: w x/rms (Llama, Qwen); `rms_plus_one`: (1 + w) x/rms (Gemma); `layer`: LayerNorm."""
    weight: Float[Tensor, " d_model"]
    bias: Float[Tensor, " d_model"] | None
    eps: float

    def __call__(
        self, residual: Float[Tensor, "*batch d_model"]
    ) -> Float[Tensor, "*batch d_model"]:
        """Rounded where the model rounds, so that half precision gives the model's own values."""
        wide = residual.float()
        if self.kind == "layer":
            bias = None if self.bias is None else self.bias.float()
            normed = nn.functional.layer_norm(
                wide, self.weight.shape, self.weight.float(), bias, self.eps
            )
            return normed.to(residual.dtype)
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        if self.kind == "rms_plus_one":
            return (normed * (1 + self.weight.float())).to(residual.dtype)
        return (self.weight * normed.to(residual.dtype)).to(residual.dtype)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unembedding:
    """logits = cap(scale * (head @ norm(residual) + bias)), computed in float32."""

    norm: FinalNorm
    head: Float[Tensor, "vocab d_model"]
    bias: Float[Tensor, " vocab"] | None
    scale: float
    soft_cap: float | None
    """cap(x) = soft_cap * tanh(x / soft_cap) (Gemma 2, PaliGemma 2); None: no cap."""

    @property
    def n_vocab(self) -> int:
        return self.head.shape[0]

    def logits(self, residual: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch vocab"]:
        """Logits of the whole vocabulary."""
        chunk = self.n_vocab if self.head.dtype == torch.float32 else _WIDENED_ROWS
        parts = [logits for _, logits in self.vocabulary_chunks(self.norm(residual), chunk)]
        return torch.cat(parts, dim=-1)

    def vocabulary_chunks(
        self, normed: Float[Tensor, "*batch d_model"], chunk: int
    ) -> Iterator[tuple[int, Float[Tensor, "*batch rows"]]]:
        """(first token id, logits) for `chunk` tokens at a time, of residuals already normed."""
        for start in range(0, self.n_vocab, chunk):
            rows = slice(start, start + chunk)
            yield start, self._project(normed, rows)

    def logits_of_tokens(
        self, residual: Float[Tensor, "*batch d_model"], token_ids: Int[Tensor, " token"]
    ) -> Float[Tensor, "*batch token"]:
        """Logits of a few tokens: costs their rows of the head only."""
        return self._project(self.norm(residual), token_ids.to(self.head.device))

    def _project(
        self, normed: Float[Tensor, "*batch d_model"], rows: slice | Int[Tensor, " token"]
    ) -> Float[Tensor, "*batch rows"]:
        logits = normed.float() @ self.head[rows].float().T
        if self.bias is not None:
            logits = logits + self.bias[rows].float()
        if self.scale != 1:
            logits = logits * self.scale
        if self.soft_cap is not None:
            logits = self.soft_cap * torch.tanh(logits / self.soft_cap)
        return logits

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and description (JSON) into an existing folder."""
        tensors = {"norm.weight": self.norm.weight, "head.weight": self.head}
        if self.norm.bias is not None:
            tensors["norm.bias"] = self.norm.bias
        if self.bias is not None:
            tensors["head.bias"] = self.bias
        weights = save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()})
        description = {
            "norm": self.norm.kind,
            "eps": self.norm.eps,
            "scale": self.scale,
            "soft_cap": self.soft_cap,
            "sha256": hashlib.sha256(weights).hexdigest(),
        }
        # The description last: it vouches for the weights.
        write_durably(folder / _WEIGHTS_FILE, weights)
        write_durably(folder / _DESCRIPTION_FILE, json.dumps(description, indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> "Unembedding":
        """Read what `save` wrote; UserError if it is missing or damaged."""
        try:
            description = json.loads((folder / _DESCRIPTION_FILE).read_text(encoding="utf-8"))
            content = (folder / _WEIGHTS_FILE).read_bytes()
            if hashlib.sha256(content).hexdigest() != description["sha256"]:
                raise ValueError("the weights do not match their checksum")
            if description["norm"] not in get_args(NormKind):
                raise ValueError(f"unknown norm {description['norm']!r}")
            tensors = load(content)
            return cls(
                norm=FinalNorm(
                    kind=description["norm"],
                    weight=tensors["norm.weight"],
                    bias=tensors.get("norm.bias"),
                    eps=description["eps"],
                ),
                head=tensors["head.weight"],
                bias=tensors.get("head.bias"),
                scale=description["scale"],
                soft_cap=description["soft_cap"],
            )
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(
                f"no usable unembedding in {folder} ({error}): copy it again or repeat the capture"
            ) from error


def detach_unembedding(
    norm: nn.Module, head: nn.Module, *, scale: float, soft_cap: float | None
) -> Unembedding:
    """The unembedding of a model's final norm and head modules; shares their memory."""
    weight = getattr(head, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        raise GateError(f"the head {type(head).__name__} is not one linear map: no lens through it")
    bias = getattr(head, "bias", None)
    return Unembedding(
        norm=_recognised(norm, d_model=weight.shape[1]),
        head=weight.detach(),
        bias=None if bias is None else bias.detach(),
        scale=float(scale),
        soft_cap=None if soft_cap is None else float(soft_cap),
    )


def _recognised(module: nn.Module, *, d_model: int) -> FinalNorm:
    """The formula that the module computes, found by what it does: names differ by family."""
    weight = getattr(module, "weight", None)
    weight = torch.ones(d_model) if weight is None else weight.detach()
    bias = getattr(module, "bias", None)
    eps = next(
        (getattr(module, name) for name in ("variance_epsilon", "eps") if hasattr(module, name)),
        1e-6,
    )
    # Off-centre, so that LayerNorm and RMSNorm differ; small rows, so that eps shows.
    generator = torch.Generator().manual_seed(0)
    trial = torch.randn(4, d_model, generator=generator) + 0.5
    trial = (trial * torch.tensor([[1e-3], [0.1], [1.0], [30.0]])).to(weight)
    with torch.no_grad():
        wanted = module(trial).float()
    errors = {}
    for kind in get_args(NormKind):
        norm = FinalNorm(
            kind=kind, weight=weight, bias=None if bias is None else bias.detach(), eps=float(eps)
        )
        errors[kind] = float((norm(trial).float() - wanted).abs().max() / wanted.abs().max())
        if errors[kind] <= 4 * torch.finfo(weight.dtype).eps:
            return norm
    nearest = min(errors, key=lambda kind: errors[kind])
    raise GateError(
        f"the final norm {type(module).__name__} is none of {', '.join(errors)}: the nearest, "
        f"{nearest}, differs by {errors[nearest]:.2g} of its largest value"
    )
