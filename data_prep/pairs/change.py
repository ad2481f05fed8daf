"""Which attribute of which object of a layout is changed for a minimal pair."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxtyping import Int8
from numpy import ndarray
from numpy.random import Generator

from data_prep.attributes import attribute as attribute_named
from data_prep.pairs.texts import shared_questions
from data_prep.rendered_files import scene_of
from data_prep.renderer import Renderer
from data_prep.sampler import Layout, stand_free
from data_prep.views import all_visible

FEW_OBJECTS = "fewer than two objects"
NO_REFERENT = "no object with a unique description beside another one"
NO_ROOM = "no changed object stands free with all objects visible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A layout in which one attribute of one object has another value."""

    target: int
    """Index of the changed object."""
    layout: Layout
    owner: Int8[ndarray, "size size"]
    """Index of the object at each pixel of the changed layout; -1 for the ground."""


def draw_change(layout: Layout, attribute: str, renderer: Renderer, rng: Generator) -> Change | str:
    """A change of `attribute` of one object of the layout; or, if none is possible, the reason in a
    few words.

    First the new value is drawn, then the object that gets it, both with equal probability among
    those that are possible. Were the object drawn first, most pairs for size would have the smaller
    object in the copy, because objects seldom have the room to grow.

    The object keeps its place and rotation, stands on the ground whatever its size, and neither
    touches another nor leaves the frame; enough of every object stays visible. A description that
    does not mention the attribute singles out the changed object in both layouts, and at least one
    other object has such a description as well.
    """
    if len(layout.objects) < 2:
        return FEW_OBJECTS
    reason = NO_REFERENT
    for target, value in _in_random_order(layout, attribute, rng):
        changed = changed_layout(layout, target, attribute, value)
        if not _askable(layout, changed, attribute, target):
            continue
        reason = NO_ROOM
        if stand_free(changed):
            owner = renderer.owners(changed)
            if all_visible(changed, owner):
                return Change(target=target, layout=changed, owner=owner)
    return reason


def _in_random_order(layout: Layout, attribute: str, rng: Generator) -> Iterator[tuple[int, str]]:
    """Every object with every other value that it can get, value by value."""
    for value in rng.permutation(attribute_named(attribute).answers).tolist():
        for target in rng.permutation(len(layout.objects)).tolist():
            if getattr(layout.objects[target], attribute) != value:
                yield target, value


def changed_layout(layout: Layout, target: int, attribute: str, value: str) -> Layout:
    """The layout with another value of one attribute of object `target`."""
    objects = list(layout.objects)
    objects[target] = replace(objects[target], **{attribute: value})
    return replace(layout, objects=tuple(objects))


def _askable(base: Layout, changed: Layout, attribute: str, target: int) -> bool:
    """Whether the changed object and at least one other can be asked for the attribute in both."""
    one, other = (scene_of(each, image="", split="", size=1) for each in (base, changed))
    asked = [
        bool(shared_questions(one, other, attribute, target=k)) for k in range(len(base.objects))
    ]
    return asked[target] and sum(asked) > 1
