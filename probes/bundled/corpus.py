"""What the language model is taught: questions, short descriptions and captions of each scene.

Several exchanges about one image share its tokens: every exchange sees the image and itself only,
at the positions it would have alone (see packed_attention.py). So it has the logits of the same
exchange asked on its own, at a fraction of the work.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from transformers import PreTrainedTokenizerFast

from data_prep.attributes import ATTRIBUTES, attribute, surface_forms
from data_prep.questions import (
    PROPERTIES,
    Question,
    caption,
    count_question,
    describe,
    exist_question,
    main_question,
    referring_questions,
)
from data_prep.scenes import Scene
from probes.bundled.architecture import IMAGE_SIZE, PROMPT

DESCRIBE_ONE = "Describe one object."
DESCRIBE_ALL = "Describe the image."
EXIST_QUESTIONS = 8
_SYNONYM_SHARE = 0.25
_PREFIX, _SUFFIX = PROMPT.split("{question}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question and the answer to be learnt, as token ids."""

    question: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneLessons:
    """Everything that can be asked about one scene, by kind."""

    referring: tuple[tuple[Exchange, ...], ...]
    """By number of words in the description: a scene's short ones first."""
    plain: tuple[Exchange, ...]
    """Main-object, counting and existence questions."""
    descriptions: tuple[Exchange, ...]
    captions: tuple[Exchange, ...]


def texts_for_tokenizer(scenes: Sequence[Scene], rng: np.random.Generator) -> Iterator[str]:
    """What the tokenizer is trained on: exchanges, and all answer words in all their forms."""
    words = [
        space + form
        for name in ATTRIBUTES
        for spellings in attribute(name).words.values()
        for word in spellings
        for space in ("", " ")
        for form in surface_forms(word)
    ]
    for _ in range(50):
        yield from words
    for scene in scenes:
        yield PROMPT.format(question=DESCRIBE_ALL) + " " + _reworded(caption(scene), rng)
        for question in [*_plain(scene, rng), *_referring(scene)]:
            yield PROMPT.format(question=question.text) + " " + question.answer


def mirrored(scene: Scene) -> Scene:
    """The scene as its mirrored picture shows it."""
    flipped = tuple(
        replace(thing, position_px=(IMAGE_SIZE - thing.position_px[0], thing.position_px[1]))
        for thing in scene.objects
    )
    return replace(scene, objects=flipped)


def lessons(
    scene: Scene, tokenizer: PreTrainedTokenizerFast, rng: np.random.Generator
) -> SceneLessons:
    """All exchanges about `scene`; wording and existence questions are drawn from `rng`."""

    def exchange(question: str, answer: str) -> Exchange:
        asked, told = tokenizer(
            [question + _SUFFIX, " " + answer + str(tokenizer.eos_token)],
            add_special_tokens=False,
        )["input_ids"]
        return Exchange(question=tuple(asked), answer=tuple(told))

    by_length: dict[int, list[Exchange]] = {}
    for question in _referring(scene):
        words = len(question.text.split())
        by_length.setdefault(words, []).append(exchange(question.text, question.answer))
    things = [describe(thing, PROPERTIES).phrase for thing in scene.objects]
    return SceneLessons(
        referring=tuple(tuple(by_length[words]) for words in sorted(by_length)),
        plain=tuple(exchange(q.text, q.answer) for q in _plain(scene, rng)),
        descriptions=tuple(exchange(DESCRIBE_ONE, phrase) for phrase in things),
        captions=tuple(
            exchange(DESCRIBE_ALL, text)
            for text in (caption(scene), _reworded(caption(scene), rng))
        ),
    )


def draw_exchanges(
    of: SceneLessons, *, referring: int, plain: int, descriptions: int, rng: np.random.Generator
) -> list[Exchange]:
    """So many of each kind. A scene without referring questions gets plain ones instead."""
    chosen: list[Exchange] = []
    if not of.referring:
        referring, plain = 0, plain + referring
    for _ in range(referring):
        group = of.referring[rng.integers(len(of.referring))]
        chosen.append(group[rng.integers(len(group))])
    chosen += [of.plain[k] for k in rng.integers(len(of.plain), size=plain)]
    picks = rng.integers(len(of.descriptions), size=descriptions)
    return chosen + [of.descriptions[k] for k in picks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Equally many exchanges about each image, padded at the right to the longest."""

    ids: Int64[ndarray, "image exchange token"]
    targets: Int64[ndarray, "image exchange token"]
    """The token to be predicted from this one; -100 where nothing is to be learnt."""


def pack(exchanges: Sequence[Sequence[Exchange]], *, pad_id: int) -> Packed:
    """One row of exchanges for each image; all rows of the same length."""
    length = max(len(each.question) + len(each.answer) for row in exchanges for each in row)
    shape = (len(exchanges), len(exchanges[0]), length)
    ids, targets = np.full(shape, pad_id), np.full(shape, -100)
    for place, row in enumerate(exchanges):
        for number, each in enumerate(row):
            asked, told = len(each.question), len(each.answer)
            ids[place, number, : asked + told] = each.question + each.answer
            targets[place, number, asked - 1 : asked + told - 1] = each.answer
    return Packed(ids=ids, targets=targets)


def prefix_ids(tokenizer: PreTrainedTokenizerFast, n_image_tokens: int) -> list[int]:
    """Token ids of everything that stands before a question, the image expanded."""
    text = str(tokenizer.bos_token) + _PREFIX.replace("<image>", "<image>" * n_image_tokens)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _plain(scene: Scene, rng: np.random.Generator) -> list[Question]:
    asked = [count_question(scene)] * EXIST_QUESTIONS
    asked += [exist_question(scene, rng) for _ in range(EXIST_QUESTIONS)]
    if len(scene.objects) == 1:
        asked += [main_question(scene, name) for name in PROPERTIES] * EXIST_QUESTIONS
    return asked


def _referring(scene: Scene) -> list[Question]:
    return [question for name in PROPERTIES for question in referring_questions(scene, name)]


def _reworded(text: str, rng: np.random.Generator) -> str:
    """Some words replaced by synonyms that the vocabulary knows."""
    synonyms = {
        spellings[0]: spellings[1:]
        for name in PROPERTIES
        for spellings in attribute(name).words.values()
        if len(spellings) > 1
    }
    words = []
    for word in text.split(" "):
        bare = word.rstrip(".,")
        if bare in synonyms and rng.random() < _SYNONYM_SHARE:
            others = synonyms[bare]
            word = others[rng.integers(len(others))] + word[len(bare) :]
        words.append(word)
    return " ".join(words)
