"""The way from a residual to the vocabulary: the final norm and head, detached from the model.

A laptop analyses with this object alone what a GPU box captured: it is saved beside the
residuals and loaded without the model.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from data_prep.errors import UserError
from data_prep.files.bounded import open_file
from data_prep.files.durable import write_durably
from data_prep.files.sealed import opened_json, read_sealed_json, read_vouched, sealed_json
from probes.vocabulary import FinalNorm, NormKind, Projection, Way, slices

_WEIGHTS_FILE = "unembedding.safetensors"
_DESCRIPTION_FILE = "unembedding.json"
# Rows of a half-precision head that are widened to float32 at a time.
_WIDENED_ROWS = 8192


class GateError(UserError):
    """What we would read from this model is not what the model computes: it is not loaded."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unembedding:
    """logits = cap(scale * (head @ norm(residual) + bias)), computed in float32.

    After the norm it is a `Projection`, the one place where normed residuals become logits.

    >>> norm = FinalNorm(kind="rms", weight=torch.ones(2), bias=None, eps=0.0)
    >>> head = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> unembedding = Unembedding(norm=norm, head=head, bias=None, scale=2.0, soft_cap=None)
    >>> residual = torch.tensor([5.0, -5.0])
    >>> unembedding.logits(residual).tolist()
    [2.0, -2.0, 0.0]
    >>> unembedding.logits_of_tokens(residual, torch.tensor([2, 0])).tolist()
    [0.0, 2.0]
    >>> [(start, part.tolist()) for start, part in
    ...  unembedding.vocabulary_chunks(norm(residual), 2)]
    [(0, [2.0, -2.0]), (2, [0.0])]
    >>> unembedding.of_rows(slice(1, 3)).logits(residual).tolist()
    [-2.0, 0.0]
    >>> Unembedding.unpacked(*unembedding.packed()).logits(residual).tolist()
    [2.0, -2.0, 0.0]
    """

    norm: FinalNorm
    head: Float[Tensor, "vocab d_model"]
    bias: Float[Tensor, " vocab"] | None
    scale: float
    soft_cap: float | None
    """cap(x) = soft_cap * tanh(x / soft_cap) (Gemma 2, PaliGemma 2); None: no cap."""

    @property
    def n_vocab(self) -> int:
        """The number of tokens, rows of the head."""
        return self.head.shape[0]

    @property
    def device(self) -> torch.device:
        """Where it computes, whatever device residuals come from."""
        return self.head.device

    def on(self, device: torch.device) -> "Unembedding":
        """This output map on a device; it moves there what it is given."""
        bias = None if self.bias is None else self.bias.to(device)
        return replace(self, norm=self.norm.on(device), head=self.head.to(device), bias=bias)

    def projection(self, way: Way = "plain") -> Projection:
        """What makes logits of normed residuals, in one of the ways that `Projection` explains."""
        return Projection(self.head, self.bias, scale=self.scale, soft_cap=self.soft_cap, way=way)

    def logits(self, residual: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch vocab"]:
        """Logits of the whole vocabulary, in float32, of raw residuals of any layer."""
        chunk = self.n_vocab if self.head.dtype == torch.float32 else _WIDENED_ROWS
        parts = [logits for _, logits in self.vocabulary_chunks(self.norm(residual), chunk)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def vocabulary_chunks(
        self, normed: Float[Tensor, "*batch d_model"], chunk: int
    ) -> Iterator[tuple[int, Float[Tensor, "*batch rows"]]]:
        """The logits of residuals already normed, as (first token id, logits) chunk by chunk."""
        project = self.projection()
        for tokens in slices(self.n_vocab, chunk):
            yield tokens.start, project(normed, tokens)

    def logits_of_tokens(
        self, residual: Float[Tensor, "*batch d_model"], token_ids: Int[Tensor, " token"]
    ) -> Float[Tensor, "*batch token"]:
        """Logits of a few tokens, of raw residuals: costs their rows of the head only."""
        return self.projection()(self.norm(residual), token_ids.to(self.head.device))

    def of_rows(self, rows: slice | Int[Tensor, " token"]) -> "Unembedding":
        """This output map for some tokens only; a slice shares the head's memory."""
        bias = None if self.bias is None else self.bias[rows]
        return replace(self, head=self.head[rows], bias=bias)

    def packed(self) -> tuple[bytes, bytes]:
        """Weights (safetensors) and their description (JSON), whose checksum vouches for them."""
        weights = save(self._tensors())
        vouched = {**self._about(), "sha256": hashlib.sha256(weights).hexdigest()}
        return weights, sealed_json(vouched)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {"norm.weight": self.norm.weight, "head.weight": self.head}
        if self.norm.bias is not None:
            tensors["norm.bias"] = self.norm.bias
        if self.bias is not None:
            tensors["head.bias"] = self.bias
        return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}

    def _about(self) -> dict[str, Any]:
        return {
            "norm": self.norm.kind,
            "eps": self.norm.eps,
            "scale": self.scale,
            "soft_cap": self.soft_cap,
        }

    @classmethod
    def unpacked(cls, weights: bytes, description: bytes) -> "Unembedding":
        """What `packed` was made of, on the CPU.

        ValueError, KeyError, TypeError or SafetensorError if it is damaged.
        """
        about = opened_json(description)
        if hashlib.sha256(weights).hexdigest() != about["sha256"]:
            raise ValueError("the weights do not match their checksum")
        return cls._of(about, weights)

    @classmethod
    def _of(cls, about: Mapping[str, Any], weights: bytes) -> "Unembedding":
        if about["norm"] not in get_args(NormKind):
            raise ValueError(f"unknown norm {about['norm']!r}")
        tensors = load(weights)
        norm = FinalNorm(
            kind=about["norm"],
            weight=tensors["norm.weight"],
            bias=tensors.get("norm.bias"),
            eps=about["eps"],
        )
        return cls(
            norm=norm,
            head=tensors["head.weight"],
            bias=tensors.get("head.bias"),
            scale=about["scale"],
            soft_cap=about["soft_cap"],
        )

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and description (JSON) into an existing folder.

        A folder that holds them already is left as it is: their bytes are compared where they lie,
        for a head of a large vocabulary would be copied several times to be written anew.
        """
        if self._lies_in(folder):
            return
        weights, description = self.packed()
        # The description last: it vouches for the weights.
        write_durably(folder / _WEIGHTS_FILE, weights)
        write_durably(folder / _DESCRIPTION_FILE, description)

    def _lies_in(self, folder: Path) -> bool:
        """Whether the folder holds just this, whole."""
        weights, own = folder / _WEIGHTS_FILE, self._tensors()
        try:
            about = read_sealed_json(folder / _DESCRIPTION_FILE)
            with open_file(weights) as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == about.pop("sha256")
            if not whole or about != self._about():
                return False
            with safe_open(weights, framework="pt") as kept:
                return set(kept.keys()) == set(own) and all(
                    _same_bytes(kept.get_tensor(name), tensor) for name, tensor in own.items()
                )
        except (OSError, ValueError, KeyError, SafetensorError):
            return False

    @classmethod
    def load(cls, folder: Path) -> "Unembedding":
        """Read what `save` wrote; UserError if it is missing or damaged."""
        try:
            return cls._of(*read_vouched(folder / _DESCRIPTION_FILE, folder / _WEIGHTS_FILE))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(
                f"no usable unembedding in {folder} ({error}): copy it again or repeat the capture"
            ) from error


def _same_bytes(one: Tensor, other: Tensor) -> bool:
    # Not as numbers: rows of the head that no token uses may hold NaN, which equals nothing.
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def detach_unembedding(
    norm: nn.Module, head: nn.Module, *, scale: float, soft_cap: float | None
) -> Unembedding:
    """The unembedding of a model's final norm and head modules; shares their memory.

    GateError if the head is not one linear map, or the norm none that is known.

    >>> norm, head = nn.RMSNorm(4, eps=1e-6), nn.Linear(4, 9, bias=False)
    >>> found = detach_unembedding(norm, head, scale=1.0, soft_cap=None)
    >>> found.norm.kind, found.n_vocab
    ('rms', 9)
    """
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
    # torch's own RMSNorm has None unless told, for the precision of what it is given.
    eps = torch.finfo(weight.dtype).eps if eps is None else eps
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
