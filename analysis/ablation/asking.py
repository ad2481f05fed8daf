"""Which scenes are asked, and where in the image the object lies that the question is about."""

from dataclasses import dataclass

import pandas as pd

from analysis.capture.object_places import object_box
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, referent
from data_prep.scenes import Box, Photograph, Scene

NO_BOX, ABSENT = "no box of the object", "asked for what is absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedItems:
    """Items about an object whose place in the image is known."""

    items: pd.DataFrame
    boxes: tuple[tuple[Box, ...], ...]
    """The boxes of each item's object; several where several things are of the kind asked for."""
    left_out: dict[str, int]
    """Items without such a place, by reason."""


def placed_items(opened: OpenRun, attribute: str) -> PlacedItems:
    """The run's items of the attribute whose object has a place. UserError if none has."""
    items = items_of(opened.run, opened.data, attribute)
    scenes = {each.scene_id: each for each in opened.data.scenes}
    rows, boxes, left_out = [], [], {}
    columns = (items[name] for name in ("scene_id", "question", "answer"))
    for row, (scene_id, text, answer) in enumerate(zip(*columns, strict=True)):
        scene = scenes[scene_id]
        height = opened.data.image_size(scene.image)[1]
        found = _boxes(scene, attribute, text, answer, height)
        if isinstance(found, str):
            left_out[found] = left_out.get(found, 0) + 1
            continue
        rows.append(row)
        boxes.append(found)
    if not rows:
        why = ", ".join(f"{reason}: {count}" for reason, count in sorted(left_out.items()))
        raise UserError(
            f"no item of {attribute} says where its object lies ({why}): take rendered scenes, or "
            "COCO's object, animal or presence"
        )
    return PlacedItems(
        items=items.iloc[rows].reset_index(drop=True), boxes=tuple(boxes), left_out=left_out
    )


def _boxes(
    scene: Scene | Photograph, attribute: str, text: str, answer: str, height: int
) -> tuple[Box, ...] | str:
    """The boxes of the object that is asked about, or why there are none."""
    if isinstance(scene, Scene):
        if attribute not in PROPERTIES:
            return NO_BOX
        thing = referent(scene, attribute, text)
        return (object_box(scene, scene.objects.index(thing), height),)
    name = answer
    if attribute == "presence":
        if answer == "no":
            return ABSENT
        name = _category(scene, text)
    return scene.boxes.get(name) or NO_BOX


def _category(scene: Photograph, text: str) -> str:
    """The longest category whose name stands in the text; no name if there is none."""
    found = [each for each in scene.categories if each.lower() in text.lower()]
    return max(found, key=len, default="")
