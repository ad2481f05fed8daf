"""Every description there is, and how scenes stand to it: whether an object fits, and if none does,
how near the scene comes to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from data_prep.attributes import attribute as attribute_named
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, Description
from data_prep.scenes import Scene

AbsentBy = Literal["one property", "all"]
"""In what a described thing that is absent differs from the objects of the scene. "one property":
it has two properties or more, and an object has all of them but one. "all": no object has any of
its properties. The two exclude each other: of a thing described by a single property, that one is
all, so it counts as "all"."""

_NOT_MENTIONED, _NO_OBJECT = -1, -2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """How each of some scenes stands to each of some descriptions."""

    n_fitting: Int[ndarray, "scene description"]
    """Number of objects of the scene that fit the description."""
    absent_by: dict[AbsentBy, Bool[ndarray, "scene description"]]
    """Whether no object fits, and the described thing differs from the objects in this way. Where
    none fits and neither holds, it lies in between."""


def all_descriptions(*, without: str | None = None) -> tuple[Description, ...]:
    """Every description by at least one property, but never by the property `without`.

    >>> len(all_descriptions()), len(all_descriptions(without="color"))
    (323, 35)
    """
    names = [name for name in PROPERTIES if name != without]
    values = [(None, *attribute_named(name).answers) for name in names]
    found = (Description(**dict(zip(names, each, strict=True))) for each in product(*values))
    return tuple(each for each in found if each.properties)


def standing_of(scenes: Sequence[Scene], descriptions: Sequence[Description]) -> Standing:
    """How the scenes stand to the descriptions. UserError for an object with a property that has no
    place in the vocabulary."""
    wanted = _codes_of(descriptions)
    mentioned = (wanted != _NOT_MENTIONED).sum(axis=1)
    n_fitting = np.zeros((len(scenes), len(descriptions)), dtype=np.int64)
    most_shared = np.zeros_like(n_fitting)
    # One object of every scene at a time: all at once would need ten times the memory.
    for objects in _objects_by_place(scenes):
        shared = (objects[:, None, :] == wanted[None, :, :]).sum(axis=2)
        n_fitting += shared == mentioned
        most_shared = np.maximum(most_shared, shared)
    by_one = (most_shared == mentioned - 1) & (mentioned > 1)
    return Standing(
        n_fitting=n_fitting, absent_by={"one property": by_one, "all": most_shared == 0}
    )


def _codes_of(descriptions: Sequence[Description]) -> Int[ndarray, "description property"]:
    codes = _answer_codes()
    return np.array(
        [
            [codes[name].get(getattr(each, name), _NOT_MENTIONED) for name in PROPERTIES]
            for each in descriptions
        ]
    ).reshape(-1, len(PROPERTIES))


def _objects_by_place(scenes: Sequence[Scene]) -> Int[ndarray, "place scene property"]:
    """The codes of the properties of the first object of every scene, then of the second, and so
    on; a code that equals no other where a scene has fewer objects."""
    codes = _answer_codes()
    most = max((scene.n_objects for scene in scenes), default=0)
    found = np.full((most, len(scenes), len(PROPERTIES)), _NO_OBJECT)
    for number, scene in enumerate(scenes):
        for place, thing in enumerate(scene.objects):
            for column, name in enumerate(PROPERTIES):
                value = getattr(thing, name)
                if value not in codes[name]:
                    raise UserError(
                        f"scene {scene.scene_id!r}: {name} must be one of "
                        f"{', '.join(codes[name])}, got {value!r}: correct the data"
                    )
                found[place, number, column] = codes[name][value]
    return found


def _answer_codes() -> dict[str, dict[str, int]]:
    return {
        name: {answer: code for code, answer in enumerate(attribute_named(name).answers)}
        for name in PROPERTIES
    }
