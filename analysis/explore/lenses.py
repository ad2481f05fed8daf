"""The lenses of a page, side by side: the logit lens, and a tuned lens where there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from analysis.readouts.registry import LOGIT_LENS, TUNED_LENS
from probes.tuned_lens import TunedLens
from probes.unembedding import Unembedding

if TYPE_CHECKING:
    from probes.vlm import VLM

LOGIT, TUNED = LOGIT_LENS.name, TUNED_LENS.name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lens:
    """A readout through the model's own output map, of residuals of all layers 0..L."""

    unembedding: Unembedding
    translate: Callable[[Float[Tensor, "*batch layer d_model"]], Float[Tensor, "..."]]
    """What the output map then reads."""
    notes: tuple[str, ...] = ()
    """What the reader should know of where the lens comes from."""


def lenses_of(
    vlm: "VLM", folder: Path | None, *, allow_other_head: bool = False
) -> dict[str, Lens]:
    """The logit lens, and the tuned lens in `folder`, in our format or the tuned-lens package's.

    UserError if that is missing, damaged, or of another model; with `allow_other_head` one of the
    package whose head is another is read all the same.
    """
    lenses = {LOGIT: Lens(unembedding=vlm.unembedding, translate=lambda residuals: residuals)}
    if folder is not None:
        if (folder / "params.pt").exists():
            lens = TunedLens.from_tuned_lens_format(folder, vlm, allow_other_head=allow_other_head)
        else:
            lens = TunedLens.load(folder, vlm)
        lenses[TUNED] = Lens(
            unembedding=vlm.unembedding, translate=lens.translate, notes=lens.notes
        )
    return lenses
