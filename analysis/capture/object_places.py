"""Where the object that each item asks about lies in its image, as far as the scenes say."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.run.items import require_enough, with_note
from analysis.run.opened import OpenRun
from data_prep.items import attribute_of_items
from data_prep.questions import referent
from data_prep.scenes import Box, Scene

if TYPE_CHECKING:
    from probes.positions import Square

# Half the side of a square that lies inside an object of CLEVR's sizes at CLEVR's distances, as
# share of the image's height.
_HALF_SIDE = {"large": 1 / 16, "small": 1 / 32}
# The same of a box around such an object.
_HALF_BOX = {"large": 1 / 10, "small": 1 / 20}


def object_squares(opened: OpenRun, items: pd.DataFrame) -> "dict[str, Square]":
    """A square inside the object that the item asks about, by the id of the pass (the real one and
    the blank one).

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


def shown_items(opened: OpenRun, items: pd.DataFrame) -> pd.DataFrame:
    """The items whose object the model is shown: some image processors crop wide or high images.

    If the run has captured the residuals already, they tell this without the model. How many items
    are left out becomes a note of the items. UserError if too few are left.
    """
    shown = _captured_items(opened, items)
    if shown is None:
        shown = _seen_by_the_model(opened, items)
    n_cropped = len(items) - len(shown)
    if not n_cropped:
        return items
    kept = items.loc[items["item_id"].isin(sorted(shown))].reset_index(drop=True)
    require_enough(kept)
    return with_note(kept, f"items whose object the processor crops away: {n_cropped:,}")


def _captured_items(opened: OpenRun, items: pd.DataFrame) -> set[str] | None:
    from probes.residuals.store import ResidualStore

    folder = opened.run.residuals(attribute_of_items(items), "object")
    if not (folder / "manifest.json").exists():
        return None
    ids = (row_id.partition("real:")[2] for row_id in ResidualStore.open(folder).row_ids)
    return {each for each in ids if each}


def _seen_by_the_model(opened: OpenRun, items: pd.DataFrame) -> set[str]:
    from probes.image_places import shares_of

    squares, vlm = object_squares(opened, items), opened.load_model()
    return {
        item_id
        for item_id in items["item_id"]
        if (square := squares[f"real:{item_id}"])
        and shares_of(vlm.image_boxes(square.image_size), square.box).sum() > 0
    }


def object_box(scene: Scene, target: int, height: int) -> Box:
    """A box around an object of a rendered scene, whose image is so many pixels high."""
    thing = scene.objects[target]
    x, y = thing.position_px
    reach = _HALF_BOX[thing.size] * height
    return (x - reach, y - reach, x + reach, y + reach)
