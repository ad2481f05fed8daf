"""Files to items: scenes, questions, answer words, controls and splits. No model, no torch."""

from data_prep.attributes import ATTRIBUTES, Attribute, attribute, surface_forms
from data_prep.errors import UserError
from data_prep.questions import Description, Question
from data_prep.scenes import Scene, SceneObject

__all__ = [
    "ATTRIBUTES",
    "Attribute",
    "Description",
    "Question",
    "Scene",
    "SceneObject",
    "UserError",
    "attribute",
    "surface_forms",
]
