"""Scenes and their changed copies, made into pairs: which question is asked of both."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from PIL import Image

from data_prep.errors import UserError
from data_prep.pairs.pair import Pair, Pairs, minimal_pair, side_of
from data_prep.pairs.texts import fewest_texts, shared_questions
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene

_NO_QUESTION = "no question that is valid in both images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A scene, and a copy of it in which one attribute of one object differs."""

    attribute: str
    target: int
    """Index of the object that differs, in both scenes."""
    base: Scene
    changed: Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """All copies that a data set has."""

    copies: tuple[Copy, ...]
    skipped: Mapping[str, Mapping[str, int]]
    """For each attribute the number of scenes that have no copy, by reason."""
    changed_outside: Mapping[str, Mapping[int, float]]
    """For each attribute what `Pairs.changed_outside` holds."""

    def without_copies(self, scenes: Iterable[Scene]) -> list[Scene]:
        """The scenes that are no copy of another. Only they are independent of each other."""
        copied = {each.changed.scene_id for each in self.copies}
        return [scene for scene in scenes if scene.scene_id not in copied]

    def marks(self) -> dict[str, bytes]:
        """For the image of each copy, bytes that say what it is a copy of, for a fingerprint."""
        return {
            each.changed.image: f"{each.attribute}/{each.target}/{each.base.image}".encode()
            for each in self.copies
        }


def minimal_pairs(
    copies: Copies,
    open_image: Callable[[str], Image.Image],
    image_size: Callable[[str], tuple[int, int]],
    attribute: str,
) -> Pairs:
    """The pairs of a scene and its copy that differ in `attribute`, in the order of `copies`.

    Of the questions that are valid in both images, each pair is asked one such that few different
    texts are in use. UserError if there is no pair for the attribute.
    """
    own = [each for each in copies.copies if each.attribute == attribute]
    questions = [
        shared_questions(each.base, each.changed, attribute, target=each.target) for each in own
    ]
    askable = [(copy, asked) for copy, asked in zip(own, questions, strict=True) if asked]
    if not askable:
        raise UserError(_no_pairs(copies, attribute))
    texts = fewest_texts([[question.text for question, _ in asked] for _, asked in askable])
    pairs = []
    for (copy, asked), text in zip(askable, texts, strict=True):
        answers = next(both for both in asked if both[0].text == text)
        pairs.append(_pair(copy, text, answers[0].answer, answers[1].answer))
    skipped = Counter(copies.skipped.get(attribute, {}))
    skipped[_NO_QUESTION] += len(own) - len(askable)
    return Pairs(
        pairs=tuple(pairs),
        open_image=open_image,
        image_size=image_size,
        kind="minimal",
        skipped={reason: count for reason, count in skipped.items() if count},
        changed_outside=copies.changed_outside.get(attribute),
    )


def difference_of(base: Scene, changed: Scene) -> list[tuple[int, str]]:
    """The objects and their attributes in which two scenes differ; all attributes of objects that
    only one of them has. Places are not compared: a smaller object has its centre nearer to the
    ground."""
    return [
        (number, name)
        for number, (one, other) in enumerate(zip_longest(base.objects, changed.objects))
        for name in PROPERTIES
        if getattr(one, name, None) != getattr(other, name, None)
    ]


def _pair(copy: Copy, text: str, answer: str, changed_answer: str) -> Pair:
    return minimal_pair(
        attribute=copy.attribute,
        text=text,
        base=side_of(copy.base, answer),
        source=side_of(copy.changed, changed_answer),
        changed=copy.target,
    )


def _no_pairs(copies: Copies, attribute: str) -> str:
    """A message that says which minimal pairs there are and what to do."""
    names = [name for name in PROPERTIES if any(each.attribute == name for each in copies.copies)]
    remedy = "choose another attribute or matched pairs"
    if attribute in PROPERTIES:
        remedy = f"render them with --pairs {attribute}, or choose matched pairs"
    return (
        f"minimal pairs need copies of scenes with another {attribute}, got pairs for "
        f"{', '.join(names) or 'no attribute'} only: {remedy}"
    )
