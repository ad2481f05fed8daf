"""Whether probes can be fitted to the images of some pairs: found out before the model works."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from numpy import ndarray

from data_prep.errors import UserError
from probes.linear_probe import cross_fit


def why_no_probe(
    labels: Int[ndarray, " item"], scenes: Sequence[str], answers: Sequence[str]
) -> str | None:
    """Why no cross-fitted probe can be fitted to items with these labels and scenes; None if one
    can.

    Tried on residuals of a single layer and unit that tell nothing: what a fit refuses, it refuses
    for its labels, its scenes and its folds.
    """
    nothing = torch.linspace(-1, 1, len(labels))[:, None, None]
    try:
        cross_fit(nothing, labels, scenes=scenes, answers=answers)
    except UserError as error:
        return str(error)
    return None
