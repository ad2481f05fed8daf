"""What tests of questions about absence share: the bundled scenes, and texts read back."""

from functools import cache

import pandas as pd

from data_prep.attributes import attribute
from data_prep.bundled import load_bundled
from data_prep.questions import PROPERTIES, Description
from data_prep.scenes import Scene


@cache
def bundled() -> dict[str, Scene]:
    """The bundled scenes by id."""
    return {each.scene_id: each for each in load_bundled().scenes}


def description_in(text: str) -> Description:
    """The description in a question, read from its words alone."""
    words = set(text.removesuffix("?").split()[3:])
    named = {
        name: value for name in PROPERTIES for value in attribute(name).answers if value in words
    }
    return Description(**named)


def nearest(description: Description, scene: Scene) -> int:
    """The number of properties that the object lacks which has the most of them."""
    return min(
        sum(getattr(thing, name) != getattr(description, name) for name in description.properties)
        for thing in scene.objects
    )


def shares_nothing(description: Description, scene: Scene) -> bool:
    """Whether no object has any of the properties."""
    return not any(
        getattr(thing, name) == getattr(description, name)
        for thing in scene.objects
        for name in description.properties
    )


def require_neither_tells(items: pd.DataFrame) -> None:
    """Every scene has one thing present and one absent, and every text has equally many of both for
    each number of objects, also within each way of absence."""
    rows = items.to_dict("records")
    way = {row["scene_id"]: row["absent_by"] for row in rows if row["absent_by"]}
    of_scene: dict[str, list[bool]] = {}
    of_text: dict[tuple[str, int, str], list[bool]] = {}
    for row in rows:
        of_scene.setdefault(row["scene_id"], []).append(row["present"])
        alike = (row["question"], row["n_objects"], way[row["scene_id"]])
        of_text.setdefault(alike, []).append(row["present"])
    assert all(sorted(each) == [False, True] for each in of_scene.values())
    assert all(2 * sum(each) == len(each) for each in of_text.values())
