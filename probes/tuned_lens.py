"""The tuned lens: what each layer's residual says through a translator and the unembedding.

Belrose et al. (2023), "Eliciting latent predictions from transformers with the tuned lens",
arXiv:2303.08112.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from probes import tuned_lens_format
from probes.translators.affine import Translators
from probes.translators.finished_group import read_translators, write_translators
from probes.unembedding import Unembedding

if TYPE_CHECKING:
    from probes.vlm import VLM

_WEIGHTS_FILE = "translators.safetensors"
_DESCRIPTION_FILE = "tuned_lens.json"
_FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TunedLens:
    """logits = unembedding(h + A h + b) with A and b of the residual's layer.

    The last layer has no translator: there the lens is the model's own output map. With all
    translators zero it is the logit lens, bit for bit.
    """

    unembedding: Unembedding
    translators: Translators
    model: str
    """Name of the model it was trained for, for people."""
    revision: str
    """Revision of that model, which decides whether it is the same."""
    notes: tuple[str, ...] = ()
    """What the reader of its results should know of where it comes from; not saved."""

    def __post_init__(self) -> None:
        width = self.unembedding.head.shape[1]
        maps, offsets = self.translators.maps, self.translators.offsets
        if maps.shape != (len(maps), width, width) or offsets.shape != (len(maps), width):
            raise UserError(
                f"translators for width {width} must have shape [layer, {width}, {width}] and "
                f"[layer, {width}], got {tuple(maps.shape)} and {tuple(offsets.shape)}: they were "
                "made for another model"
            )

    @classmethod
    def logit_lens(cls, vlm: "VLM") -> "TunedLens":
        """The lens before training: zero translators."""
        return cls(
            unembedding=vlm.unembedding,
            translators=Translators.zero(vlm.n_layers, vlm.d_model),
            model=vlm.name,
            revision=vlm.revision,
        )

    @property
    def n_layers(self) -> int:
        """L: translators of layers 0..L-1."""
        return len(self.translators.maps)

    @property
    def d_model(self) -> int:
        return self.unembedding.head.shape[1]

    def on(self, device: torch.device) -> "TunedLens":
        """This lens on a device; it moves there what it is given."""
        return replace(
            self, unembedding=self.unembedding.on(device), translators=self.translators.on(device)
        )

    def __call__(
        self, residual: Float[Tensor, "*batch d_model"], layer: int
    ) -> Float[Tensor, "*batch vocab"]:
        """Logits of residuals of one layer, 0..L."""
        return self.unembedding.logits(self.translated(residual, layer))

    @torch.no_grad()
    def translated(
        self, residual: Float[Tensor, "*batch d_model"], layer: int
    ) -> Float[Tensor, "*batch d_model"]:
        """The residual that the last layer would have by this layer's account, in its dtype."""
        self._require_shape(residual.shape[-1])
        if not 0 <= layer <= self.n_layers:
            raise UserError(
                f"layer must lie in 0..{self.n_layers}, got {layer}: layers are counted from 0, "
                "what enters the first block, and never negative"
            )
        residual = residual.to(self.unembedding.device)
        if layer == self.n_layers:
            return residual
        a, b = self.translators.maps[layer], self.translators.offsets[layer]
        wide = residual.float()
        change = wide @ a.to(wide.device).T + b.to(wide.device)
        return (wide + change).to(residual.dtype)

    def translate(
        self, residuals: Float[Tensor, "*batch layer d_model"]
    ) -> Float[Tensor, "*batch layer d_model"]:
        """All layers 0..L at once: what the functions of the logit lens then read."""
        if residuals.shape[-2] != self.n_layers + 1:
            raise UserError(
                f"this lens has layers 0..{self.n_layers}, got residuals of "
                f"{residuals.shape[-2]} layers: it was made for another model"
            )
        layers = [
            self.translated(residuals[..., layer, :], layer) for layer in range(self.n_layers + 1)
        ]
        return torch.stack(layers, dim=-2)

    def require_model(self, vlm: "VLM") -> None:
        """Refuse another model: UserError unless this lens was trained for `vlm`."""
        for what, mine, theirs in (
            ("layer count", self.n_layers, vlm.n_layers),
            ("width", self.d_model, vlm.d_model),
            ("revision", self.revision, vlm.revision),
        ):
            if mine != theirs:
                raise UserError(
                    f"this tuned lens was trained for another model ({self.model}, {what} "
                    f"{mine}; {vlm.name} has {theirs}): train one for {vlm.name}"
                )

    def save(self, folder: Path | str) -> None:
        """Write translators and unembedding (safetensors) and their description (JSON)."""
        folder = _made(Path(folder))
        self.unembedding.save(folder)
        # The description last: it vouches for the weights.
        digest = write_translators(folder / _WEIGHTS_FILE, [self.translators])
        description = {
            "format": _FORMAT,
            "model": self.model,
            "revision": self.revision,
            "n_layers": self.n_layers,
            "d_model": self.d_model,
            "sha256": digest,
        }
        write_durably(folder / _DESCRIPTION_FILE, sealed_json(description))

    @classmethod
    def load(cls, folder: Path | str, vlm: "VLM | None" = None) -> "TunedLens":
        """Read what `save` wrote, without the model; with `vlm`, check that it is its lens.

        UserError if it is missing, damaged, or of another model.
        """
        folder = Path(folder)
        unembedding = Unembedding.load(folder)
        try:
            description = read_sealed_json(folder / _DESCRIPTION_FILE)
            if description["format"] != _FORMAT:
                raise ValueError(f"format {description['format']}, this version reads {_FORMAT}")
            translators = read_translators(folder / _WEIGHTS_FILE, description["sha256"])
            model, revision = str(description["model"]), str(description["revision"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(
                f"no usable tuned lens in {folder} ({error}): copy it again or train it again"
            ) from error
        lens = cls(unembedding=unembedding, translators=translators, model=model, revision=revision)
        if vlm is not None:
            lens.require_model(vlm)
        return lens

    def to_tuned_lens_format(self, folder: Path | str) -> None:
        """Write params.pt and config.json as the `tuned-lens` package reads them."""
        tuned_lens_format.write(
            _made(Path(folder)),
            self.translators,
            self.unembedding,
            model=self.model,
            revision=self.revision,
        )

    @classmethod
    def from_tuned_lens_format(
        cls, folder: Path | str, vlm: "VLM", *, allow_other_head: bool = False
    ) -> "TunedLens":
        """Read a lens of the `tuned-lens` package that was trained for `vlm`, or for its decoder.

        UserError if it is missing or damaged, holds code, or was made for another model. With
        `allow_other_head` one whose layers and width fit is read all the same, and its notes say
        what it was made for: its translators aim at that model's last layer, not at this one's.
        """
        found = tuned_lens_format.read(Path(folder), vlm, allow_other_head=allow_other_head)
        return cls(
            unembedding=vlm.unembedding,
            translators=found.translators,
            model=vlm.name,
            revision=vlm.revision,
            notes=found.notes,
        )

    def _require_shape(self, width: int) -> None:
        if width != self.d_model:
            raise UserError(
                f"this lens has width {self.d_model}, got residuals of width {width}: it was made "
                "for another model"
            )


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}: choose another"
        ) from error
    return folder
