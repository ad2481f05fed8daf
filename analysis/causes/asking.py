"""What is asked of the pairs of an attribute: their own question, and those of the controls."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import pandas as pd

from analysis.capture.object_places import object_box
from analysis.causes.swaps import Swap
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from data_prep.items import items_table
from data_prep.pairs.controls import (
    Donors,
    donors_in_items,
    donors_in_scenes,
    other_attribute_question,
    other_object_question,
    same_answer_donor,
)
from data_prep.pairs.matched import matched_pairs
from data_prep.pairs.pair import Kind, Pair, Pairs, Side
from data_prep.questions import PROPERTIES, Question
from data_prep.scenes import Box, Scene

Choice = Literal["auto", "minimal", "matched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swaps:
    """What is run of an attribute's pairs. Those of a control lack the pairs that allow none."""

    pairs: Pairs
    main: tuple[Swap, ...]
    """Both directions of every pair, under its own question."""
    same_answer: tuple[Swap, ...]
    """The same recipients, but the donor is another scene with the recipient's own answer."""
    other_object: tuple[Swap, ...]
    """The same images, but asked of an object that is the same in both (binding): does it take the
    answer of the one that was changed?"""
    other_attribute: Mapping[str, tuple[Swap, ...]]
    """The same images, but asked for another attribute of the object that was changed
    (specificity), by that attribute."""

    @property
    def digest(self) -> str:
        """Tells these swaps from others."""
        parts = [*self.main, *self.same_answer, *self.other_object]
        parts += [each for swaps in self.other_attribute.values() for each in swaps]
        content = json.dumps([asdict(each) for each in parts])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def questions(self) -> dict[str, list[str]]:
        """The texts that are asked, by the attribute that they ask for."""
        own = self.pairs.pairs[0].attribute
        asked = {own: (*self.main, *self.same_answer, *self.other_object)}
        asked |= self.other_attribute
        return {name: sorted({each.question for each in swaps}) for name, swaps in asked.items()}


def pairs_of(opened: OpenRun, attribute: str, choice: Choice, *, most: int) -> Pairs:
    """The pairs of an attribute, at most so many: minimal ones where the data has some, else
    matched ones of the run's items. UserError if there is no pair of the kind that was chosen."""
    data, rng = opened.data, opened.run.study.rng(Stream.CAUSES_PAIRS, stream_key(attribute))
    if data.minimal_pairs is None and choice == "minimal":
        raise UserError(
            f"{data.name} has no minimal pairs: render some with python -m data_prep.render "
            "--pairs, or take --pairs matched"
        )
    # Numbers of objects and labels have no minimal pairs: no single change makes one.
    changes = data.minimal_pairs is not None and (attribute in PROPERTIES or choice == "minimal")
    if data.minimal_pairs is None or not changes or choice == "matched":
        return matched_pairs(items_of(opened.run, data, attribute), data, rng=rng, most=most)
    found = data.minimal_pairs(attribute)
    order = rng.permutation(len(found.pairs))[:most]
    return replace(found, pairs=tuple(found.pairs[place] for place in sorted(order.tolist())))


def swaps_of(opened: OpenRun, pairs: Pairs) -> Swaps:
    """Every swap of the pairs, in both directions, and those of their controls."""
    attribute = pairs.pairs[0].attribute
    rng = opened.run.study.rng(Stream.CAUSES_CONTROLS, stream_key(attribute))
    donors = _donors(opened, attribute, pairs.kind)
    main, same, other_object = [], [], []
    other_attribute: dict[str, list[Swap]] = {}
    for pair in pairs.pairs:
        main += _both_ways(pair, pairs)
        for swap, donor in zip(main[-2:], same_answer_donor(pair, donors, rng), strict=True):
            if donor is not None:
                same.append(replace(swap, donor=donor.image, boxes=()))
        if (question := other_object_question(pair, rng)) is not None:
            other_object += _against(question, main[-2:])
        if (question := other_attribute_question(pair, rng)) is not None:
            answers = opened.data.attributes[question.attribute].answers
            wrong = rng.choice([each for each in answers if each != question.answer])
            other_attribute.setdefault(question.attribute, []).extend(
                replace(
                    each, question=question.text, towards=str(wrong), away=question.answer, boxes=()
                )
                for each in main[-2:]
            )
    return Swaps(
        pairs=pairs,
        main=tuple(main),
        same_answer=tuple(same),
        other_object=tuple(other_object),
        other_attribute={name: tuple(each) for name, each in sorted(other_attribute.items())},
    )


def _against(question: Question, swaps: Sequence[Swap]) -> list[Swap]:
    """The swaps under a question whose answer is the same in both images: measured is whether it
    gives way to what the donor's changed object would be answered. Without the direction in which
    the two are the same."""
    return [
        replace(each, question=question.text, away=question.answer, boxes=())
        for each in swaps
        if each.towards != question.answer
    ]


def pair_items(pairs: Pairs) -> pd.DataFrame:
    """A row for each side of every pair, in the columns of every table of items: first all bases,
    then all sources.

    Both images of a minimal pair are of one scene, so that no probe is fitted on one and reads the
    other.
    """
    rows = [
        {
            "item_id": f"{pair.pair_id}/{name}",
            "scene_id": pair.base.scene_id if pairs.kind == "minimal" else side.scene_id,
            "attribute": pair.attribute,
            "template": pair.template,
            "question": pair.question,
            "answer": side.answer,
            "image": side.image,
            "n_objects": side.scene.n_objects,
        }
        for name, sides in (("base", 0), ("source", 1))
        for pair in pairs.pairs
        for side in (pair.sides[sides],)
    ]
    return items_table(rows, skipped={})


def object_boxes(pair: Pair, pairs: Pairs) -> tuple[Box, ...]:
    """Boxes around the changed object in both images; none for matched pairs, whose images have no
    object in common."""
    target = pair.changed
    if target is None:
        return ()
    return tuple(
        object_box(side.scene, target, pairs.image_size(side.image)[1])
        for side in pair.sides
        if isinstance(side.scene, Scene)
    )


def _donors(opened: OpenRun, attribute: str, kind: Kind) -> Donors:
    if kind == "minimal":
        return donors_in_scenes(opened.data, attribute)
    return donors_in_items(opened.data, items_of(opened.run, opened.data, attribute))


def _both_ways(pair: Pair, pairs: Pairs) -> Iterator[Swap]:
    boxes = object_boxes(pair, pairs)
    for recipient, donor in (pair.sides, pair.sides[::-1]):
        yield _swap(pair, recipient, donor, boxes)


def _swap(pair: Pair, recipient: Side, donor: Side, boxes: Sequence[Box]) -> Swap:
    return Swap(
        pair_id=pair.pair_id,
        question=pair.question,
        recipient=recipient.image,
        donor=donor.image,
        towards=donor.answer,
        away=recipient.answer,
        boxes=tuple(boxes),
    )
