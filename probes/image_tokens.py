"""Which tokens of a prompt stand for the image."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from data_prep.errors import UserError
from probes.families import family_of
from probes.view import View


def image_tokens(vlm: View, inputs: Mapping[str, Any]) -> Bool[Tensor, "item token"]:
    """Which tokens of each prompt stand for the image. UserError for a model that has none.

    >>> from PIL import Image
    >>> inputs = vlm.processed([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> image_tokens(vlm, inputs).sum().item()
    64
    """
    config = vlm.model.config
    token = getattr(config, "image_token_id", None)
    token = getattr(config, "image_token_index", None) if token is None else token
    found = inputs["input_ids"] == token
    # One whose image is looked at by cross attention has a token that only says where it came.
    beside = family_of(config).image_layout == "beside"
    if token is None or beside or not found.any(1).all():
        raise UserError(
            f"{type(vlm.model).__name__} has no image tokens in its sequence: read the position "
            "answer or question"
        )
    return found
