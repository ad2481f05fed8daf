"""The arms, and the batch that each of them sees at a step.

All arms draw the same batches of the bundled model's language stage. Then the arms with "none"
put false premises in the place of some referring questions, and "contrast" puts pairs of a scene
and its copy with one object removed in the place of some images. The number of images and of
exchanges stays as it is; in the arms with "none" so does every question's number of tokens.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
from numpy.random import Generator

from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, Question, referring_questions
from probes.bundled.corpus import Exchange, draw_exchanges
from probes.bundled.language import LanguagePlan
from probes.bundled.remedies.false_premises import (
    NONE,
    exchange_of,
    false_premise,
    form_of,
    text_of,
)
from probes.bundled.remedies.material import Material, Removal

Arm: TypeAlias = Literal["plain", "none5", "none20", "contrast"]
ARMS: tuple[Arm, ...] = ("plain", "none5", "none20", "contrast")
FALSE_SHARE: dict[Arm, float] = {"plain": 0.0, "none5": 0.05, "none20": 0.2, "contrast": 0.2}
"""Number of false premises as a share of the referring questions of a batch."""
_Slot: TypeAlias = tuple[int, int]  # image of the batch, and exchange about it
_BATCH_STREAM, _NONE_STREAM, _PAIR_STREAM = 11, 12, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The images of one step, as indices of `Material.scenes`, and the exchanges about each."""

    scenes: list[int]
    views: list[int]
    exchanges: list[list[Exchange]]


def false_premises_of(arm: Arm, plan: LanguagePlan) -> int:
    """The number of false premises in each batch that is not of captions."""
    return round(FALSE_SHARE[arm] * plan.batch * plan.referring)


def is_of_captions(step: int, plan: LanguagePlan) -> bool:
    """Whether the batch of this step holds captions only, which no arm changes."""
    return step % plan.caption_every == plan.caption_every - 1


def draw_batch(arm: Arm, material: Material, plan: LanguagePlan, *, seed: int, step: int) -> Batch:
    """The batch of one step, from generators of its own, so that it depends on no other step."""
    rng = _rng(seed, _BATCH_STREAM, step)
    scenes = rng.integers(material.n_plain, size=plan.batch).tolist()
    views = rng.integers(2, size=plan.batch).tolist()
    batch = Batch(
        scenes=scenes,
        views=views,
        exchanges=[
            _drawn(material, scene, view, plan, step, rng)
            for scene, view in zip(scenes, views, strict=True)
        ],
    )
    wanted = false_premises_of(arm, plan)
    if not wanted or is_of_captions(step, plan):
        return batch
    if arm == "contrast":
        put_pairs(batch, material, plan, wanted, _rng(seed, _PAIR_STREAM, step))
    else:
        put_false_premises(batch, material, plan, wanted, _rng(seed, _NONE_STREAM, step))
    return batch


def put_false_premises(
    batch: Batch, material: Material, plan: LanguagePlan, wanted: int, rng: Generator
) -> None:
    """Puts false premises in the place of `wanted` referring questions of the batch, or of fewer
    where its scenes offer no more.

    Their forms are those of a random sample of the batch's referring questions. Where the scene of
    such a question has no false premise of its form (in a scene with a large and a small object
    nothing is missing by its size alone), the false premise goes to another scene of the batch, in
    the place of a question with as many tokens.
    """
    asked = {
        (row, place): batch.exchanges[row][place]
        for row, (scene, view) in enumerate(zip(batch.scenes, batch.views, strict=True))
        if material.lessons(scene, view).referring
        for place in range(plan.referring)
    }
    free = _shuffled([*asked], rng)
    for sample in _shuffled([*asked], rng):
        if not wanted:
            return
        form = form_of(text_of(asked[sample], material.tokenizer))
        length = len(asked[sample].question)
        # The question's own place first.
        for slot in sorted(free, key=lambda each: each != sample):
            scene = material.scenes[batch.scenes[slot[0]]]
            same_length = len(asked[slot].question) == length
            text = false_premise(scene, form, rng) if form and same_length else None
            if text is not None:
                batch.exchanges[slot[0]][slot[1]] = exchange_of(text, NONE, material.tokenizer)
                free.remove(slot)
                wanted -= 1
                break


def put_pairs(
    batch: Batch, material: Material, plan: LanguagePlan, wanted: int, rng: Generator
) -> None:
    """Puts pairs of a scene and its copy with one object removed in the place of the first images.

    Half of a pair's referring questions are about the removed object; its scene is asked them for
    the answer, and its copy for "none". One plain question of both is whether there is such an
    object. There are so many pairs that `wanted` false premises are asked in all.
    """
    per_pair = max(1, plan.referring // 2)
    for number in range(ceil(wanted / per_pair)):
        removal = material.removals[rng.integers(len(material.removals))]
        questions = _about_target(material, removal, min(per_pair, wanted), rng)
        wanted -= len(questions)
        view = int(rng.integers(2))
        sides = ((removal.scene, False), (removal.copy, True))
        for row, (scene, removed) in enumerate(sides, start=2 * number):
            batch.scenes[row], batch.views[row] = scene, view
            batch.exchanges[row] = _drawn(material, scene, view, plan, None, rng)
            batch.exchanges[row][: len(questions)] = [
                exchange_of(each.text, NONE if removed else each.answer, material.tokenizer)
                for each in questions
            ]
            if plan.plain:
                batch.exchanges[row][plan.referring] = exchange_of(
                    f"Is there a {questions[0].text.removesuffix('?').split(' is the ')[1]}?",
                    "no" if removed else "yes",
                    material.tokenizer,
                )


def require_room(arm: Arm, plan: LanguagePlan) -> None:
    """UserError unless the pairs of a batch fit into it."""
    pairs = ceil(false_premises_of(arm, plan) / max(1, plan.referring // 2))
    if arm == "contrast" and 2 * pairs > plan.batch:
        raise UserError(
            f"contrast needs {2 * pairs} images in a batch for its pairs, got --language.batch "
            f"{plan.batch}: give a larger batch"
        )


def _about_target(
    material: Material, removal: Removal, number: int, rng: Generator
) -> list[Question]:
    """Referring questions about the removed object, drawn like those of a scene: the number of
    words first."""
    scene = material.scenes[removal.scene]
    by_length: dict[int, list[Question]] = {}
    for name in PROPERTIES:
        for question in referring_questions(scene, name, target=removal.target):
            by_length.setdefault(len(question.text.split()), []).append(question)
    groups = [by_length[words] for words in sorted(by_length)]
    drawn = [groups[rng.integers(len(groups))] for _ in range(number)]
    return [group[rng.integers(len(group))] for group in drawn]


def _drawn(
    material: Material, scene: int, view: int, plan: LanguagePlan, step: int | None, rng: Generator
) -> list[Exchange]:
    """Exchanges about one image, as in the bundled model's training; captions at their steps."""
    of = material.lessons(scene, view)
    if step is not None and is_of_captions(step, plan):
        return [of.captions[k] for k in rng.integers(len(of.captions), size=plan.captions)]
    return draw_exchanges(
        of,
        referring=plan.referring,
        plain=plan.plain,
        descriptions=plan.descriptions,
        rng=rng,
    )


def _shuffled(slots: list[_Slot], rng: Generator) -> list[_Slot]:
    return [slots[place] for place in rng.permutation(len(slots)).tolist()]


def _rng(seed: int, stream: int, step: int) -> Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, step)))
