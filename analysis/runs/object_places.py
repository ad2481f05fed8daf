"""Where in its image each item's object lies, as far as the scenes say."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.runs.command import OpenRun
from data_prep.questions import referent

if TYPE_CHECKING:
    from probes.positions import Square

# Half the side of a square that lies inside an object of CLEVR's sizes at CLEVR's distances, as
# share of the image's height.
_HALF_SIDE = {"large": 1 / 16, "small": 1 / 32}


def object_squares(opened: OpenRun, items: pd.DataFrame) -> "dict[str, Square]":
    """By pass id (real and blank): a square inside the object that the item asks about.

    UserError for items that ask about no single object.
    """
    from probes.positions import Square

    scenes = opened.data.object_scenes()
    squares = {}
    columns = (items[name] for name in ("item_id", "scene_id", "attribute", "question"))
    for item_id, scene_id, attribute, text in zip(*columns, strict=True):
        scene = scenes[scene_id]
        thing = referent(scene, attribute, text)
        width, height = opened.data.image_size(scene.image)
        square = Square(
            x_px=thing.position_px[0],
            y_px=thing.position_px[1],
            half_width_px=_HALF_SIDE[thing.size] * height,
            image_size=(width, height),
        )
        for condition in ("real", "blank"):
            squares[f"{condition}:{item_id}"] = square
        for swap in range(opened.run.study.swaps):
            squares[f"swap{swap}:{item_id}"] = square
    return squares
