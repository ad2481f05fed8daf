"""What can be asked of a kind of data: its attributes, and the questions that a scene offers."""

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
    """How the scenes of one kind of data are asked."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What can be asked, by name, in the order of the tables."""
        ...

    @property
    def usual(self) -> tuple[str, ...]:
        """Names of the attributes that are asked where a study names none."""
        ...

    @property
    def left_out(self) -> Mapping[str, str]:
        """What the data holds and cannot be asked, with the reason."""
        ...

    def offers(self, scene: Any, name: str, questions: str) -> tuple[Question, ...]:
        """All questions after the attribute that may be asked of the scene."""
        ...

    def why_not(self, scene: Any, name: str, questions: str) -> str:
        """The reason, in a few words, for which a scene offers no question."""
        ...

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        """What a user can do where no scene offers a question, for these reasons."""
        ...


class ObjectScenes:
    """CLEVR's way: referring questions after the properties of objects, and their number."""

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
