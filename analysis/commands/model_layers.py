"""Checks layers that were typed against the model, before it works."""

from collections.abc import Sequence

from analysis.run.opened import OpenRun
from data_prep.errors import UserError


def require_layers_of_model(opened: OpenRun, layers: Sequence[int], option: str) -> None:
    """UserError for a layer that the model does not have.

    A model that is not here does not work either: then what the run holds is read, and its own
    number of layers is checked by who reads it.
    """
    if not layers:
        return
    try:
        last = opened.load_model().n_layers
    except UserError:
        return
    require_up_to(last, layers, option)


def require_up_to(last: int, layers: Sequence[int], option: str) -> None:
    """UserError for a layer beyond the last."""
    for layer in layers:
        if layer > last:
            raise UserError(f"{option} must lie in 0..{last}, got {layer}: lower it")
