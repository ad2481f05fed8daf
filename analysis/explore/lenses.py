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
    """A lens that reads residuals of all layers 0 to L through the model's own output map."""

    unembedding: Unembedding
    translate: Callable[[Float[Tensor, "*batch layer d_model"]], Float[Tensor, "..."]]
    """Turns residuals into the states that the output map reads."""
    notes: tuple[str, ...] = ()
    """What the reader should know about the origin of the lens."""


def lenses_of(
    vlm: "VLM", folder: Path | None, *, allow_other_head: bool = False
) -> dict[str, Lens]:
    """The logit lens, and the tuned lens in `folder`, in Onset's format or that of the tuned-lens
    package.

    UserError if the tuned lens is missing, damaged, or made for another model. With
    `allow_other_head` a lens of that package is also read if it was made for another head.
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
