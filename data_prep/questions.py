"""Questions about a scene, and captions of it, in the words of CLEVR.

A referring question names one object by some of its properties ("the large sphere"), never by
the property it asks for, so that the text alone cannot answer it. Texts use canonical names
only: synonyms matter for reading answers, not for asking.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from numpy.random import Generator

from data_prep.attributes import attribute as attribute_named
from data_prep.errors import UserError
from data_prep.scenes import Scene, SceneObject

PROPERTIES: tuple[str, ...] = ("size", "color", "material", "shape")
"""The properties that can describe an object, in the order of the words in a phrase."""

Template = Literal["main", "referring", "count", "exist", "label", "presence"]
"""Kinds of question text. "label" and "presence" are for photographs, the others for CLEVR
scenes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Some properties of an object. A property that is None is not mentioned."""

    size: str | None = None
    color: str | None = None
    material: str | None = None
    shape: str | None = None

    def fits(self, thing: SceneObject) -> bool:
        """Whether `thing` has all properties of this description."""
        return all(getattr(thing, name) == getattr(self, name) for name in self.properties)

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties that this description mentions, in canonical order."""
        return tuple(name for name in PROPERTIES if getattr(self, name) is not None)

    @property
    def phrase(self) -> str:
        """The description as words without an article, such as "large red metal sphere". If the
        shape is not mentioned the noun is "thing", as in "blue thing"."""
        adjectives = [getattr(self, name) for name in self.properties if name != "shape"]
        return " ".join([*adjectives, self.shape or "thing"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The text of a question about one scene, and its right answer for this scene."""

    attribute: str
    """Name of one of the data's attributes, or "exist" for the template of that name, whose answers
    are yes and no."""
    template: Template
    text: str
    answer: str


def describe(thing: SceneObject, properties: tuple[str, ...]) -> Description:
    """A description of `thing` that mentions the given properties."""
    return Description(**{name: getattr(thing, name) for name in properties})


def descriptions(scene: Scene, target: int, attribute: str) -> tuple[Description, ...]:
    """Every description that fits only object number `target` of the scene, fewest words first.

    A description mentions at least one property, but never the one asked for. Descriptions of equal
    length are in canonical order (size, color, material, shape). Empty if another object has all
    the same properties.
    """
    found = (describe(scene.objects[target], chosen) for chosen in _subsets(without=attribute))
    others = [thing for place, thing in enumerate(scene.objects) if place != target]
    return tuple(each for each in found if not any(each.fits(thing) for thing in others))


def main_question(scene: Scene, attribute: str) -> Question:
    """The question for `attribute` of the scene's only object, which needs no description."""
    _check_property(attribute)
    if len(scene.objects) != 1:
        raise UserError(
            f"scene {scene.scene_id!r}: the main object is unique only where there is one object, "
            f"got {len(scene.objects)}: ask referring questions of scenes with several objects"
        )
    return _about_main_object(scene.objects[0], attribute)


def foremost_question(scene: Scene, attribute: str) -> Question:
    """The question for `attribute` of the foremost object, in the words of `main_question`.

    Published notebooks ask this of every scene, whatever its number of objects. The text does not
    say which object it means, so it has no single right answer: which object a model takes for the
    main one is part of what is measured.
    """
    _check_property(attribute)
    return _about_main_object(foremost_object(scene), attribute)


def foremost_object(scene: Scene) -> SceneObject:
    """The object that is lowest in the picture, among the large objects or, if none is large, among
    all."""
    if not scene.objects:
        raise UserError(
            f"scene {scene.scene_id!r}: a foremost object needs at least 1 object, got 0: leave "
            "it out"
        )
    large = [thing for thing in scene.objects if thing.size == "large"]
    return max(large or scene.objects, key=lambda thing: thing.position_px[1])


def _about_main_object(thing: SceneObject, attribute: str) -> Question:
    return Question(
        attribute=attribute,
        template="main",
        text=f"{attribute.capitalize()} of the main object:",
        answer=getattr(thing, attribute),
    )


def referring_questions(
    scene: Scene, attribute: str, *, target: int | None = None
) -> tuple[Question, ...]:
    """Every referring question for `attribute`, in order: about object `target`, or about all
    objects if it is None.

    No text occurs twice, because a description fits one object only. Empty if no object has such a
    description.
    """
    _check_property(attribute)
    n_objects = len(scene.objects)
    if target is not None and not 0 <= target < n_objects:
        raise UserError(
            f"scene {scene.scene_id!r}: objects are numbered from 0 to {n_objects - 1}, "
            f"got {target}: name an object of the scene"
        )
    targets = range(n_objects) if target is None else (target,)
    return tuple(
        Question(
            attribute=attribute,
            template="referring",
            text=f"What {attribute} is the {description.phrase}?",
            answer=getattr(scene.objects[place], attribute),
        )
        for place in targets
        for description in descriptions(scene, place, attribute)
    )


def referring_question(
    scene: Scene, attribute: str, rng: Generator, *, target: int | None = None
) -> Question:
    """One of `referring_questions`, drawn with equal probability. UserError if there is none."""
    offered = referring_questions(scene, attribute, target=target)
    if not offered:
        what = "any object" if target is None else f"object {target}"
        raise UserError(
            f"scene {scene.scene_id!r}: a question needs a unique referent, but no description "
            f"without {attribute} singles out {what} among {len(scene.objects)}: "
            "leave the scene out or ask for another attribute"
        )
    return offered[rng.integers(len(offered))]


def referent(scene: Scene, attribute: str, text: str) -> SceneObject:
    """The object that a main or referring question asks about. UserError if `text` is neither."""
    if attribute in PROPERTIES:
        if scene.objects and text == foremost_question(scene, attribute).text:
            return foremost_object(scene)
        for target, thing in enumerate(scene.objects):
            asked = referring_questions(scene, attribute, target=target)
            if any(question.text == text for question in asked):
                return thing
    raise UserError(
        f"scene {scene.scene_id!r}: {text!r} asks about no single object: read the position answer "
        "or image"
    )


def count_question(scene: Scene, *, main: bool = False) -> Question:
    """The question for the number of objects; with `main` it has the wording that published
    notebooks use."""
    return Question(
        attribute="count",
        template="count",
        text="Number of main objects:" if main else "Number of objects:",
        answer=str(len(scene.objects)),
    )


def exist_question(scene: Scene, rng: Generator) -> Question:
    """A question that asks whether an object of some description is there. Yes and no are equally
    likely.

    The properties to mention are drawn before the answer, from those that allow both answers:
    otherwise long descriptions would mostly mean "no". For a scene without objects only "no" is
    possible.
    """
    things = {chosen: {describe(thing, chosen) for thing in scene.objects} for chosen in _subsets()}
    open_both_ways = [chosen for chosen, there in things.items() if len(there) < _number(chosen)]
    chosen = open_both_ways[rng.integers(len(open_both_ways))]
    there = things[chosen]
    if scene.objects and rng.random() < 0.5:
        description = describe(scene.objects[rng.integers(len(scene.objects))], chosen)
    else:
        description = _random_description(chosen, rng)
        while description in there:
            description = _random_description(chosen, rng)
    return Question(
        attribute="exist",
        template="exist",
        text=f"Is there a {description.phrase}?",
        answer="yes" if description in there else "no",
    )


def caption(scene: Scene) -> str:
    """One sentence that lists all objects with all their properties, from left to right in the
    image."""
    if not scene.objects:
        raise UserError(
            f"scene {scene.scene_id!r}: a caption needs at least 1 object, got 0: leave it out"
        )
    ordered = sorted(scene.objects, key=lambda thing: thing.position_px)
    phrases = [f"a {describe(thing, PROPERTIES).phrase}" for thing in ordered]
    listed = " and ".join(part for part in (", ".join(phrases[:-1]), phrases[-1]) if part)
    return f"{listed[0].upper()}{listed[1:]}."


def _subsets(without: str | None = None) -> Iterator[tuple[str, ...]]:
    """All non-empty subsets of the properties other than `without`, smallest first, in canonical
    order."""
    allowed = [name for name in PROPERTIES if name != without]
    for size in range(1, len(allowed) + 1):
        yield from combinations(allowed, size)


def _number(properties: tuple[str, ...]) -> int:
    """The number of different descriptions that mention exactly these properties."""
    number = 1
    for name in properties:
        number *= len(attribute_named(name).answers)
    return number


def _random_description(properties: tuple[str, ...], rng: Generator) -> Description:
    answers = {name: attribute_named(name).answers for name in properties}
    return Description(**{name: each[rng.integers(len(each))] for name, each in answers.items()})


def _check_property(attribute: str) -> None:
    if attribute not in PROPERTIES:
        raise UserError(
            f"an object is asked for {', '.join(PROPERTIES)}, got {attribute!r}: choose one of them"
        )
