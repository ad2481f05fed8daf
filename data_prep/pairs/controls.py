"""Questions and images that show whether an intervention moved what it was meant to move.

Three controls: another object's value of the attribute must stay as it is (binding); another
attribute of the changed object must stay as it is; and activations from a third scene with the
same answer must not change the answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd
from numpy.random import Generator

from data_prep.errors import UserError
from data_prep.items import attribute_of_items
from data_prep.pairs.pair import Pair, Side, side_of
from data_prep.pairs.texts import shared_questions
from data_prep.questions import PROPERTIES, Question, referring_questions
from data_prep.scene_data import SceneData
from data_prep.scenes import Scene

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Donors:
    """The scenes of a data set by what they answer, so that one with a given answer to a given text
    is found at once."""

    data: SceneData
    by_answer: Mapping[tuple[str, str], Sequence[Side]]
    """The scenes for each text and answer."""


def other_object_question(pair: Pair, rng: Generator) -> Question | None:
    """A question for the pair's attribute of another object than the changed one, drawn with equal
    probability among those with the same answer in both images. None if there is none, and for
    matched pairs, in which no object is the changed one."""
    if pair.changed is None:
        return None
    others = (k for k in range(pair.base.scene.n_objects) if k != pair.changed)
    return _drawn([each for k in others for each in _unchanged(pair, pair.attribute, k)], rng)


def other_attribute_question(pair: Pair, rng: Generator) -> Question | None:
    """A question for another attribute of the changed object, by a description that holds in both
    images. First the attribute is drawn, then the question. None if there is none, and for matched
    pairs."""
    if pair.changed is None:
        return None
    names = [name for name in PROPERTIES if name != pair.attribute]
    offered = [_unchanged(pair, name, pair.changed) for name in names]
    questions = _drawn([each for each in offered if each], rng)
    return _drawn(questions, rng) if questions else None


def _unchanged(pair: Pair, attribute: str, target: int) -> list[Question]:
    """The questions for an attribute of object `target` with the same answer in both images."""
    base, source = (_object_scene(side) for side in pair.sides)
    asked = shared_questions(base, source, attribute, target=target)
    return [one for one, other in asked if one == other]


def donors_in_scenes(data: SceneData, attribute: str) -> Donors:
    """The scenes of `data` by their answers to all referring questions for an attribute. UserError
    for photographs."""
    scenes = data.object_scenes().values()
    offered = ((each, q) for each in scenes for q in referring_questions(each, attribute))
    return _donors(data, ((q.text, side_of(scene, q.answer)) for scene, q in offered))


def donors_in_items(data: SceneData, items: pd.DataFrame) -> Donors:
    """The scenes of `data` by their answers in a table of items of one attribute."""
    attribute_of_items(items)
    scenes = {scene.scene_id: scene for scene in data.scenes}
    rows = zip(items["question"], items["scene_id"], items["answer"], strict=True)
    return _donors(data, ((text, side_of(scenes[name], answer)) for text, name, answer in rows))


def same_answer_donor(
    pair: Pair, donors: Donors, rng: Generator
) -> tuple[Side | None, Side | None]:
    """For the base and for the source of a pair: a scene outside of the pair for which the pair's
    text has the same answer and whose image has the same size, drawn with equal probability. None
    where there is none."""
    base, source = (_donor(pair, side, donors, rng) for side in pair.sides)
    return base, source


def _donor(pair: Pair, side: Side, donors: Donors, rng: Generator) -> Side | None:
    own = {each.scene_id for each in pair.sides}
    offered = donors.by_answer.get((pair.question, side.answer), ())
    others = [each for each in offered if each.scene_id not in own]
    # A changed image is no image of the data; it has the size of its base.
    size = donors.data.image_size(pair.base.image)
    for place in rng.permutation(len(others)).tolist():
        if donors.data.image_size(others[place].image) == size:
            return others[place]
    return None


def _donors(data: SceneData, answered: Iterable[tuple[str, Side]]) -> Donors:
    found: dict[tuple[str, str], list[Side]] = {}
    for text, side in answered:
        found.setdefault((text, side.answer), []).append(side)
    return Donors(data=data, by_answer=found)


def _object_scene(side: Side) -> Scene:
    if not isinstance(side.scene, Scene):
        raise UserError(
            f"scene {side.scene_id!r}: only scenes with known objects have questions about one of "
            "them, got a photograph: use matched pairs"
        )
    return side.scene


def _drawn(offered: Sequence[_T], rng: Generator) -> _T | None:
    return offered[int(rng.integers(len(offered)))] if offered else None
