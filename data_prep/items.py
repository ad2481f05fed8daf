"""From scenes to items: which question is asked of which image.

One item per scene and attribute, so that the scene stays the unit of analysis. Of the many
referring questions that a scene offers, the one asked is chosen such that every text serves many
scenes: then pairing the residual of one scene with the answer of another of the same text *is*
the shuffled-image control, and needs no further forward pass. Within a text the answers are
balanced as far as the scenes allow, because a text that gives its answer away has no information
left for the image.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from data_prep.attributes import ATTRIBUTES, Attribute, attribute
from data_prep.errors import UserError
from data_prep.questions import Question, count_question, main_question, referring_questions
from data_prep.scenes import Scene

COLUMNS: tuple[str, ...] = (
    "item_id", "scene_id", "attribute", "template", "question", "answer", "image", "n_objects",
)  # fmt: skip
"""Of every items table; all text but `n_objects`."""

_NO_TEXT = -1
_SWEEPS = 4


def build_items(
    scenes: Sequence[Scene],
    attribute_names: Sequence[str],
    *,
    rng: Generator,
    questions: Literal["referring", "main", "all"] = "all",
    min_scenes_per_text: int = 20,
) -> pd.DataFrame:
    """One row per attribute and scene that can be asked for it, in that order, under `COLUMNS`.

    `questions`: "main" asks scenes with one object, "referring" those with several, "all" both.
    Count is asked of every scene under each of them. No text serves fewer scenes than
    `min_scenes_per_text`; a scene that would need such a text is left out. How many scenes were
    left out, and why, stands in `.attrs["skipped"][attribute][reason]` (kept by to_parquet).

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
    rows, skipped = [], {}
    for name in dict.fromkeys(attribute_names):
        known = attribute(name)
        own_rng = np.random.default_rng([seed, ATTRIBUTES.index(name)])
        offers = [_offers(scene, name, questions) for scene in ordered]
        chosen = _choose(offers, known, min_scenes_per_text, own_rng)
        skipped[name] = _left_out(ordered, offers, chosen, questions)
        asked = [(scene, each) for scene, each in zip(ordered, chosen, strict=True) if each]
        if not asked:
            why = skipped[name]
            raise UserError(
                _nothing_to_ask(name, len(ordered), why, questions, min_scenes_per_text)
            )
        rows += [item_row(scene, question) for scene, question in asked]
    return items_table(rows, skipped=skipped)


def item_row(scene: Scene, question: Question) -> dict[str, str | int]:
    """The row of an items table that asks `question` of `scene`."""
    return {
        "item_id": f"{scene.scene_id}/{question.attribute}/{question.template}",
        "scene_id": scene.scene_id,
        "attribute": question.attribute,
        "template": question.template,
        "question": question.text,
        "answer": question.answer,
        "image": scene.image,
        "n_objects": len(scene.objects),
    }


def items_table(
    rows: Sequence[Mapping[str, str | int]], *, skipped: Mapping[str, Mapping[str, int]]
) -> pd.DataFrame:
    """Rows as a table with the columns and dtypes of every items table, even if there are none."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    table = table.astype({name: "int64" if name == "n_objects" else "str" for name in COLUMNS})
    table.attrs["skipped"] = {name: dict(reasons) for name, reasons in skipped.items()}
    return table


def answer_set(items: pd.DataFrame, attribute_name: str) -> Attribute:
    """The attribute with the answers that its items are scored against.

    The full set, except for count: there only numbers that occur, because which numbers are
    possible is a property of the data (CLEVR has scenes of 3 to 10 objects).
    """
    known = attribute(attribute_name)
    if attribute_name != "count":
        return known
    return known.restricted_to(items.loc[items["attribute"] == "count", "answer"])


def _sorted_unique(scenes: Sequence[Scene]) -> list[Scene]:
    times = Counter(scene.scene_id for scene in scenes)
    for scene_id, count in times.items():
        if count > 1:
            raise UserError(
                f"a scene is asked once per attribute, got scene id {scene_id!r} {count} times: "
                "give every image its own id"
            )
    return sorted(scenes, key=lambda scene: scene.scene_id)


def _offers(scene: Scene, name: str, questions: str) -> tuple[Question, ...]:
    """All questions after the attribute that may be asked of the scene."""
    if name == "count":
        return (count_question(scene),)
    if not _is_asked(scene, questions):
        return ()
    if len(scene.objects) == 1:
        return (main_question(scene, name),)
    return referring_questions(scene, name)


def _is_asked(scene: Scene, questions: str) -> bool:
    n_objects = len(scene.objects)
    return {"main": n_objects == 1, "referring": n_objects > 1, "all": n_objects > 0}[questions]


def _left_out(
    scenes: Sequence[Scene],
    offers: Sequence[Sequence[Question]],
    chosen: Sequence[Question | None],
    questions: str,
) -> dict[str, int]:
    """Number of scenes without an item, by reason."""
    reasons: Counter[str] = Counter()
    for scene, offered, question in zip(scenes, offers, chosen, strict=True):
        if question is None and offered:
            reasons["text serves too few scenes"] += 1
        elif question is None:
            asked = _is_asked(scene, questions)
            reasons["no unique referent" if asked else "number of objects"] += 1
    return dict(reasons)


def _nothing_to_ask(
    name: str, n_scenes: int, reasons: Mapping[str, int], questions: str, floor: int
) -> str:
    """Why an attribute has no item at all, and what to do about it."""
    why = ", ".join(f"{reason}: {count} scenes" for reason, count in sorted(reasons.items()))
    if "text serves too few scenes" in reasons:
        remedy = f"give more scenes or a min_scenes_per_text below {floor}"
    elif "no unique referent" in reasons:
        remedy = "give scenes whose objects differ"
    else:
        remedy = f"choose other questions than {questions!r} or give scenes with objects for it"
    found = f"got none in {n_scenes} scenes" + (f" ({why})" if why else "")
    return f"need at least 1 scene that can be asked for {name}, {found}: {remedy}"


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
