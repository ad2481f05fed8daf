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
"""Of every items table; all text but `n_objects`."""

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
    """One row per attribute and scene that can be asked for it, in that order, under `COLUMNS`.

    `questions`: "main" asks scenes with one object, "referring" those with several, "all" both;
    "foremost" asks every scene for its foremost object, in the words of "main".
    Count is asked of every scene under each of them, and photographs do not tell them apart. No
    text serves fewer scenes than `min_scenes_per_text`; a scene that would need such a text is left
    out. So is one whose answer is that of fewer than `min_scenes_per_answer` scenes, where the data
    decides on the answers. How many were left out, and why, stands in
    `.attrs["skipped"][attribute][reason]` (kept by to_parquet).

    The order of `scenes` does not matter, and the items of an attribute do not depend on which
    others are asked. UserError if a scene occurs twice or an attribute gets no item at all.
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
    """The scenes that are asked for one attribute, with the question, and why others are not."""
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
    """The attribute called `name` among those of the data; UserError for any other name."""
    if name not in attributes:
        raise UserError(f"unknown attribute {name!r}: choose from {', '.join(attributes)}")
    return attributes[name]


def item_row(scene: AnyScene, question: Question) -> dict[str, str | int]:
    """The row of an items table that asks `question` of `scene`."""
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
    """Rows as a table with the columns and dtypes of every items table, even if there are none."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    table = table.astype({name: "int64" if name == "n_objects" else "str" for name in COLUMNS})
    table.attrs["skipped"] = {name: dict(reasons) for name, reasons in skipped.items()}
    return table


def answer_set(
    items: pd.DataFrame, attribute_name: str, attributes: Mapping[str, Attribute] | None = None
) -> Attribute:
    """The attribute, CLEVR's or one of `attributes`, with the answers that its items are scored on.

    The full set, except where what is possible is a property of the data: for numbers of objects
    (CLEVR has scenes of 3 to 10) and labels, those that occur.
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
    """Number of scenes without an item, by reason."""
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
    """Why an attribute has no item at all, and what to do about it."""
    why = ", ".join(f"{reason}: {count} scenes" for reason, count in sorted(reasons.items()))
    found = f"got none in {n_scenes} scenes" + (f" ({why})" if why else "")
    return f"need at least 1 scene that can be asked for {name}, {found}: {remedy}"


def _lower(floors: Mapping[str, int], reasons: Mapping[str, int]) -> str | None:
    """The remedy where a floor of the study is what keeps scenes from being asked."""
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
    """Answers of too few scenes, for an answer set that the data decides."""
    if not known.from_data:
        return frozenset()
    scenes_of = Counter(question.answer for each in offers for question in each)
    return frozenset(answer for answer, count in scenes_of.items() if count < floor)


def _choose(
    offers: Sequence[Sequence[Question]], known: Attribute, floor: int, rng: Generator
) -> list[Question | None]:
    """One of the offered questions per scene, or None."""
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
    """One text per scene, each text used by none or by at least `floor` scenes; -1 for no text.

    `answers` holds the number of the right answer where a scene offers the text, -1 where not.
    Greedy: every scene takes the text in which its answer is rarest, then the text that the
    fewest scenes need is given up until all that are left reach the floor, then scenes move on
    while that evens out the answers: coordinate descent on the sum over texts and answers of
    (count - mean count of the text)^2, ties at random.
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
    """Which scene uses which text, with the counts that follow from it."""

    def __init__(self, answers: Int[ndarray, "scene text"], n_answers: int, rng: Generator) -> None:
        self.answers = answers
        self.chosen = np.full(len(answers), _NO_TEXT)
        self.counts = np.zeros((answers.shape[1], n_answers))
        self.usable = np.ones(answers.shape[1], dtype=bool)
        self._rng = rng

    @property
    def sizes(self) -> ndarray:
        """Scenes per text."""
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
        """Scenes for which giving up `text` leaves nothing to ask."""
        offered = (self.answers[self.chosen == text] >= 0) & self.usable
        return int((offered.sum(axis=1) == 1).sum())

    def give_up(self, text: int) -> None:
        """No longer use `text`; its scenes take others."""
        evicted = np.flatnonzero(self.chosen == text).tolist()
        self.usable[text] = False
        for scene in evicted:
            self.remove(scene)
        self.place(evicted)
