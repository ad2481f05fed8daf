"""What can be asked of one kind of data: its attributes, and the possible questions for a scene."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from data_prep.attributes import ATTRIBUTES, Attribute, attribute
from data_prep.questions import (
    Question,
    count_question,
    foremost_question,
    main_question,
    referring_questions,
)
from data_prep.scenes import Scene


@runtime_checkable
class Asking(Protocol):
    """Interface that gives the attributes and questions for one kind of data."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The attributes that can be asked, by name and in the order of the tables."""
        ...

    @property
    def usual(self) -> tuple[str, ...]:
        """Names of the attributes that are asked if a study names none."""
        ...

    @property
    def left_out(self) -> Mapping[str, str]:
        """Parts of the data that cannot be asked, by name, with the reason."""
        ...

    def offers(self, scene: Any, name: str, questions: str) -> tuple[Question, ...]:
        """All questions for the attribute `name` that may be asked of the scene. `questions` is the
        study's choice of question type."""
        ...

    def why_not(self, scene: Any, name: str, questions: str) -> str:
        """The reason, in a few words, why a scene has no question for the attribute."""
        ...

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        """Advice for the user if no scene has a question. `reasons` counts the scenes by reason."""
        ...


class ObjectScenes:
    """How CLEVR-style scenes are asked: for a property of an object, or for the number of
    objects."""

    usual = ("color", "shape", "material")
    left_out: Mapping[str, str] = MappingProxyType({})

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        return MappingProxyType({name: attribute(name) for name in ATTRIBUTES})

    def offers(self, scene: Scene, name: str, questions: str) -> tuple[Question, ...]:
        if name == "count":
            return (count_question(scene, main=questions == "foremost"),)
        if not _is_asked(scene, questions):
            return ()
        if questions == "foremost":
            return (foremost_question(scene, name),)
        if len(scene.objects) == 1:
            return (main_question(scene, name),)
        return referring_questions(scene, name)

    def why_not(self, scene: Scene, name: str, questions: str) -> str:
        return "no unique referent" if _is_asked(scene, questions) else "number of objects"

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        if "no unique referent" in reasons:
            return "give scenes whose objects differ"
        return f"choose other questions than {questions!r} or give scenes with objects for it"


OBJECT_SCENES = ObjectScenes()


def _is_asked(scene: Scene, questions: str) -> bool:
    n_objects = len(scene.objects)
    asked = {"main": n_objects == 1, "referring": n_objects > 1}
    return asked.get(questions, n_objects > 0)
