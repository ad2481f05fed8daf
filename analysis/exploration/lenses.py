"""The lenses of a page, side by side: the logit lens, and a tuned lens where there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from probes.tuned_lens import TunedLens
from probes.unembedding import Unembedding

if TYPE_CHECKING:
    from probes.vlm import VLM

LOGIT, TUNED = "logit_lens", "tuned_lens"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lens:
    """A readout through the model's own output map, of residuals of all layers 0..L."""

    unembedding: Unembedding
    translate: Callable[[Float[Tensor, "*batch layer d_model"]], Float[Tensor, "..."]]
    """What the output map then reads."""


def lenses_of(vlm: "VLM", folder: Path | None) -> dict[str, Lens]:
    """The logit lens, and the tuned lens in `folder`, in our format or the tuned-lens package's.

    UserError if that is missing, damaged, or of another model.
    """
    lenses = {LOGIT: Lens(unembedding=vlm.unembedding, translate=lambda residuals: residuals)}
    if folder is not None:
        foreign = (folder / "params.pt").exists()
        read = TunedLens.from_tuned_lens_format if foreign else TunedLens.load
        lenses[TUNED] = Lens(unembedding=vlm.unembedding, translate=read(folder, vlm).translate)
    return lenses
