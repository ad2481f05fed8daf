"""Files to items: scenes, questions, answer words, controls and splits. No model, no torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_prep.attributes import ATTRIBUTES, Attribute, attribute, surface_forms
    from data_prep.clevr import read_clevr
    from data_prep.controls import blank_image, derangement, mean_color, strata
    from data_prep.errors import UserError
    from data_prep.items import answer_set, build_items
    from data_prep.questions import Description, Question
    from data_prep.scenes import Scene, SceneObject
    from data_prep.sources import SceneData, open_data
    from data_prep.splits import split_of

__all__ = [
    "ATTRIBUTES",
    "Attribute",
    "Description",
    "Question",
    "Scene",
    "SceneData",
    "SceneObject",
    "UserError",
    "answer_set",
    "attribute",
    "blank_image",
    "build_items",
    "derangement",
    "mean_color",
    "open_data",
    "read_clevr",
    "split_of",
    "strata",
    "surface_forms",
]

_HOMES = {
    "attributes": ("ATTRIBUTES", "Attribute", "attribute", "surface_forms"),
    "clevr": ("read_clevr",),
    "controls": ("blank_image", "derangement", "mean_color", "strata"),
    "errors": ("UserError",),
    "items": ("answer_set", "build_items"),
    "questions": ("Description", "Question"),
    "scenes": ("Scene", "SceneObject"),
    "sources": ("SceneData", "open_data"),
    "splits": ("split_of",),
}


def __getattr__(name: str) -> Any:
    # Pandas takes half a second to import: a command that finds nothing to do should not wait.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
