"""From scenes to items: which question is asked of which image.

One item per scene and attribute, so that the scene stays the unit of analysis. Of the many
referring questions that a scene offers, the one asked is chosen such that every text serves many
scenes: then pairing the residual of one scene with the answer of another of the same text *is*
the shuffled-image control, and needs no further forward pass. Within a text the answers are
balanced as far as the scenes allow, because a text that gives its answer away has no information
left for the image.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from data_prep.asking import OBJECT_SCENES, Asking
from data_prep.attributes import Attribute, attribute, stream_key
from data_prep.errors import UserError
from data_prep.questions import Question
from data_prep.scenes import AnyScene

COLUMNS: tuple[str, ...] = (
    "item_id", "scene_id", "attribute", "template", "question", "answer", "image", "n_objects",
)  # fmt: skip
"""Columns of every table of items. All hold text, except `n_objects`, which is a number."""

_RARE, _SHORT = "answer occurs too rarely", "text serves too few scenes"
_NO_TEXT, _FEW_SCENES = -1, 5
_SWEEPS = 4


def build_items(
    scenes: Sequence[AnyScene],
    attribute_names: Sequence[str],
    *,
    rng: Generator,
    questions: Literal["referring", "main", "all", "foremost"] = "all",
    min_scenes_per_text: int = 20,
    min_scenes_per_answer: int = 5,
    asking: Asking = OBJECT_SCENES,
) -> pd.DataFrame:
    """A table with one row per attribute and scene that can be asked for it, in that order; its
    columns are `COLUMNS`.

    `questions`: "main" asks scenes with one object, "referring" those with several, and "all" both;
    "foremost" asks every scene for its foremost object, in the words of "main". The count is asked
    of every scene under each of them, and for photographs they make no difference.

    Every text is asked of at least `min_scenes_per_text` scenes; a scene for which no such text is
    left is left out. If the data determines the answers, a scene is also left out if fewer than
    `min_scenes_per_answer` scenes have its answer. `.attrs["skipped"][attribute][reason]` holds how
    many were left out (kept by to_parquet).

    The order of `scenes` does not matter, and the items of an attribute do not depend on which
    other attributes are asked. UserError if a scene occurs twice or an attribute gets no item.
    """
    if min_scenes_per_text < 1:
        raise UserError(
            f"min_scenes_per_text must be at least 1, got {min_scenes_per_text}: "
            "1 lets a text serve a single scene"
        )
    ordered = _sorted_unique(scenes)
    seed = int(rng.integers(2**63))
    floors = {_RARE: min_scenes_per_answer, _SHORT: min_scenes_per_text}
    rows, skipped = [], {}
    for name in dict.fromkeys(attribute_names):
        own_rng = np.random.default_rng([seed, stream_key(name)])
        asked, skipped[name] = _asked(ordered, name, asking, questions, floors, own_rng)
        rows += [item_row(scene, question) for scene, question in asked]
    return items_table(rows, skipped=skipped)


def _asked(
    scenes: Sequence[AnyScene],
    name: str,
    asking: Asking,
    questions: str,
    floors: Mapping[str, int],
    rng: Generator,
) -> tuple[list[tuple[AnyScene, Question]], dict[str, int]]:
    """For one attribute: the scenes that are asked, each with its question, and the number of other
    scenes by reason."""
    known = known_attribute(name, asking.attributes)
    offers = [asking.offers(scene, name, questions) for scene in scenes]
    rare = _rare_answers(offers, known, floors[_RARE])
    usable = [[each for each in offered if each.answer not in rare] for offered in offers]
    chosen = _choose(usable, known, floors[_SHORT], rng)
    why_not = partial(asking.why_not, name=name, questions=questions)
    why = _left_out(scenes, offers, rare, chosen, why_not)
    asked = [(scene, each) for scene, each in zip(scenes, chosen, strict=True) if each]
    if not asked:
        remedy = _lower(floors, why) or asking.remedy(why, questions)
        raise UserError(_nothing_to_ask(name, len(scenes), why, remedy))
    return asked, why


def attribute_of_items(items: pd.DataFrame) -> str:
    """The attribute that all items of a table are asked for. ValueError for none, or for several.

    >>> attribute_of_items(pd.DataFrame({"attribute": ["color", "color"]}))
    'color'
    """
    names = sorted(set(items["attribute"]))
    if len(names) != 1:
        raise ValueError(f"items of one attribute are needed, got {names}: choose the rows of one")
    return str(names[0])


def known_attribute(name: str, attributes: Mapping[str, Attribute]) -> Attribute:
    """The attribute called `name` among `attributes`. UserError if there is none of that name."""
    if name not in attributes:
        raise UserError(f"unknown attribute {name!r}: choose from {', '.join(attributes)}")
    return attributes[name]


def item_row(scene: AnyScene, question: Question) -> dict[str, str | int]:
    """The row of a table of items for asking `question` of `scene`."""
    return {
        "item_id": f"{scene.scene_id}/{question.attribute}/{question.template}",
        "scene_id": scene.scene_id,
        "attribute": question.attribute,
        "template": question.template,
        "question": question.text,
        "answer": question.answer,
        "image": scene.image,
        "n_objects": scene.n_objects,
    }


def items_table(
    rows: Sequence[Mapping[str, str | int]], *, skipped: Mapping[str, Mapping[str, int]]
) -> pd.DataFrame:
    """The rows as a table with the columns and dtypes of every table of items, even if there are no
    rows."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    table = table.astype({name: "int64" if name == "n_objects" else "str" for name in COLUMNS})
    table.attrs["skipped"] = {name: dict(reasons) for name, reasons in skipped.items()}
    return table


def answer_set(
    items: pd.DataFrame, attribute_name: str, attributes: Mapping[str, Attribute] | None = None
) -> Attribute:
    """The attribute of `items` with the answers they are scored on; taken from `attributes`, or
    from CLEVR's if None.

    These are all answers of the attribute, except where the data determines which are possible: for
    numbers of objects (CLEVR has scenes of 3 to 10) and for labels only those that occur.
    """
    if attributes is None:
        known = attribute(attribute_name)
    else:
        known = known_attribute(attribute_name, attributes)
    if not known.from_data and attribute_name != "count":
        return known
    return known.restricted_to(items.loc[items["attribute"] == attribute_name, "answer"])


def _sorted_unique(
    scenes: Sequence[AnyScene],
) -> list[AnyScene]:
    times = Counter(scene.scene_id for scene in scenes)
    for scene_id, count in times.items():
        if count > 1:
            raise UserError(
                f"a scene is asked once per attribute, got scene id {scene_id!r} {count} times: "
                "give every image its own id"
            )
    return sorted(scenes, key=lambda scene: scene.scene_id)


def _left_out(
    scenes: Sequence[AnyScene],
    offers: Sequence[Sequence[Question]],
    rare: Set[str],
    chosen: Sequence[Question | None],
    why_not: Callable[[AnyScene], str],
) -> dict[str, int]:
    """The number of scenes that got no item, by reason."""
    reasons: Counter[str] = Counter()
    for scene, offered, question in zip(scenes, offers, chosen, strict=True):
        if question is not None:
            continue
        if not offered:
            reasons[why_not(scene)] += 1
        elif offered[0].answer in rare:
            reasons[_RARE] += 1
        else:
            reasons[_SHORT] += 1
    return dict(reasons)


def _nothing_to_ask(name: str, n_scenes: int, reasons: Mapping[str, int], remedy: str) -> str:
    """A message that says why an attribute has no items and what to do about it."""
    why = ", ".join(f"{reason}: {count} scenes" for reason, count in sorted(reasons.items()))
    found = f"got none in {n_scenes} scenes" + (f" ({why})" if why else "")
    return f"need at least 1 scene that can be asked for {name}, {found}: {remedy}"


def _lower(floors: Mapping[str, int], reasons: Mapping[str, int]) -> str | None:
    """Advice to lower one of the study's minimum numbers, if that is what keeps scenes from being
    asked. None if it is not."""
    if _SHORT in reasons:
        floor = floors[_SHORT]
        # Too few to permute images among: a study takes 5 or more, or swaps images.
        other = f"below {floor}" if floor > _FEW_SCENES else "of 1"
        return f"give more scenes or a min_scenes_per_text {other}"
    if _RARE in reasons:
        return f"give more scenes or a min_scenes_per_answer below {floors[_RARE]}"
    return None


def _rare_answers(
    offers: Sequence[Sequence[Question]], known: Attribute, floor: int
) -> frozenset[str]:
    """The answers with fewer than `floor` scenes, for an attribute whose answers the data
    determines. Empty for other attributes."""
    if not known.from_data:
        return frozenset()
    scenes_of = Counter(question.answer for each in offers for question in each)
    return frozenset(answer for answer, count in scenes_of.items() if count < floor)


def _choose(
    offers: Sequence[Sequence[Question]], known: Attribute, floor: int, rng: Generator
) -> list[Question | None]:
    """For each scene the offered question that is asked; None if it is not asked."""
    texts = sorted({question.text for each in offers for question in each})
    place = {text: column for column, text in enumerate(texts)}
    code = {answer: number for number, answer in enumerate(known.answers)}
    answers = np.full((len(offers), len(texts)), _NO_TEXT)
    for scene, each in enumerate(offers):
        for question in each:
            if question.answer not in code:
                known.restricted_to([question.answer])  # raises: says which answer and which set
            answers[scene, place[question.text]] = code[question.answer]
    chosen = assign_texts(answers, n_answers=len(code), floor=floor, rng=rng)
    return [
        next((question for question in each if column == place[question.text]), None)
        for each, column in zip(offers, chosen, strict=True)
    ]


def assign_texts(
    answers: Int[ndarray, "scene text"], *, n_answers: int, floor: int, rng: Generator
) -> Int[ndarray, " scene"]:
    """The number of the text that is asked of each scene; -1 if none. Each text is used by no scene
    or by at least `floor`.

    `answers` holds the number of the right answer if the scene offers the text, and -1 if not. The
    method is greedy. First, every scene takes the text in which its answer is rarest. Then the text
    that the fewest scenes need is given up, until all remaining texts reach `floor`. Then scenes
    change their text as long as that balances the answers: coordinate descent on the sum over texts
    and answers of (count - mean count of the text)^2, with ties broken at random.
    """
    usage = _Usage(answers, n_answers, rng)
    usage.usable = (answers >= 0).sum(axis=0) >= floor
    scenes = rng.permutation(len(answers))
    usage.place(scenes.tolist())
    while short := np.flatnonzero((usage.sizes > 0) & (usage.sizes < floor)).tolist():
        stranded = {text: usage.stranded_without(text) for text in short}
        usage.give_up(min(short, key=lambda text: (stranded[text], usage.sizes[text])))
    usage.usable &= usage.sizes > 0
    for _ in range(_SWEEPS):
        for scene in scenes.tolist():
            text = usage.chosen[scene]
            if text != _NO_TEXT and usage.sizes[text] > floor:
                usage.remove(scene)
                usage.place([scene])
    return usage.chosen


class _Usage:
    """The current choice of a text for each scene, and the counts that follow from it."""

    def __init__(self, answers: Int[ndarray, "scene text"], n_answers: int, rng: Generator) -> None:
        self.answers = answers
        self.chosen = np.full(len(answers), _NO_TEXT)
        self.counts = np.zeros((answers.shape[1], n_answers))
        self.usable = np.ones(answers.shape[1], dtype=bool)
        self._rng = rng

    @property
    def sizes(self) -> ndarray:
        """The number of scenes that use each text."""
        return self.counts.sum(axis=1)

    def place(self, scenes: Sequence[int]) -> None:
        """Give each of `scenes` the usable text in which its answer is most under-represented."""
        for scene in scenes:
            texts = np.flatnonzero((self.answers[scene] >= 0) & self.usable)
            if not texts.size:
                continue
            counts = self.counts[texts]
            excess = counts[np.arange(len(texts)), self.answers[scene, texts]] - counts.mean(axis=1)
            text = self._rng.choice(texts[excess <= excess.min() + 1e-9])
            self.chosen[scene] = text
            self.counts[text, self.answers[scene, text]] += 1

    def remove(self, scene: int) -> None:
        text = self.chosen[scene]
        self.counts[text, self.answers[scene, text]] -= 1
        self.chosen[scene] = _NO_TEXT

    def stranded_without(self, text: int) -> int:
        """The number of scenes that would have no text left if `text` were given up."""
        offered = (self.answers[self.chosen == text] >= 0) & self.usable
        return int((offered.sum(axis=1) == 1).sum())

    def give_up(self, text: int) -> None:
        """Stop using `text`; its scenes get other texts if they have any."""
        evicted = np.flatnonzero(self.chosen == text).tolist()
        self.usable[text] = False
        for scene in evicted:
            self.remove(scene)
        self.place(evicted)
