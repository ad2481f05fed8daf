"""The questions that all models are asked, and what a model answers."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from analysis.absence.passes import NONE, with_none
from analysis.absence.questions import Questions
from analysis.run.image_survey import chosen_scenes
from analysis.streams import Stream, stream_rng
from data_prep.absence.existence import EXIST, existence_questions
from data_prep.absence.false_premise import false_premises
from data_prep.attributes import Attribute, attribute, attribute_of, stream_key
from data_prep.errors import UserError
from data_prep.photographs.labels import YES_NO
from data_prep.questions import PROPERTIES
from data_prep.scene_data import SceneData
from data_prep.scenes import Scene
from data_prep.terminal.progress import Progress
from probes.answers.scores import answer_log_probs
from probes.answers.trees import answer_trees
from probes.answers.words import word_log_probs
from probes.linear_probe import cross_fit
from probes.vlm import VLM

LEAST_GROUPS = 20
_BATCH = 64
_PER_TEXT = 2
"""Scenes of a text, in one of which its thing is present: texts are matched within the groups."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllQuestions:
    """What every model is asked."""

    premises: tuple[Questions, ...]
    """For each attribute, about scenes of its own, so that no scene is in two groups."""
    existence: Questions
    scenes: tuple[Scene, ...]
    """The scenes that questions are taken from."""

    @property
    def digest(self) -> str:
        """Tells these questions from others."""
        every = " ".join(each.digest for each in (*self.premises, self.existence))
        return hashlib.sha256(every.encode()).hexdigest()[:16]

    @property
    def premise_groups(self) -> list[str]:
        """The group of scenes of every question under a premise."""
        return [str(group) for each in self.premises for group in each.items["group"]]

    @property
    def premise_absent(self) -> Bool[ndarray, " item"]:
        return np.concatenate([each.absent for each in self.premises])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """What one model says at the end, where several answers that tie for the first place share
    it."""

    none: Float[ndarray, " premise"]
    """1 where the answer is none, 0 where it is another."""
    right: Float[ndarray, " premise"]
    """1 where the answer is right; 0 for absent things."""
    log_odds: Float[ndarray, " premise"]
    """log2 odds of none against the best other answer."""
    probe: Float[ndarray, " premise"]
    """log2 odds of absence by a linear probe on the last residual that has not seen the group."""
    bare_no: Float[ndarray, " premise"]
    """1 where the answer would be none if "no" alone were counted as none, and is not."""
    yes: Float[ndarray, " existence"]
    yes_odds: Float[ndarray, " existence"]
    """log2 odds of yes."""


def all_questions(data: SceneData, *, n_scenes: int, about: Sequence[str]) -> AllQuestions:
    """The questions about the first `n_scenes` scenes of the data. They depend on nothing else.

    Every scene is asked whether things are there, and for one of the attributes `about` under a
    premise. UserError for other attributes than those of objects and for too few scenes.
    """
    names = tuple(dict.fromkeys(about))
    for name in names:
        if name not in PROPERTIES:
            raise UserError(f"--about must be among {', '.join(PROPERTIES)}, got {name!r}")
    if not names:
        raise UserError(f"--about needs at least one of {', '.join(PROPERTIES)}, got none")
    scenes = [each for each in chosen_scenes(data, n_scenes) if isinstance(each, Scene)]
    order = stream_rng(0, Stream.REMEDY_SCENES).permutation(len(scenes))
    parts = [[scenes[place] for place in sorted(own)] for own in np.array_split(order, len(names))]
    existence = existence_questions(
        scenes, rng=stream_rng(0, Stream.REMEDY_EXISTENCE), min_scenes_per_text=_PER_TEXT
    )
    found = AllQuestions(
        premises=tuple(_premises(name, own) for name, own in zip(names, parts, strict=True)),
        existence=Questions(
            name=EXIST, kind="existence", items=existence, answers=attribute_of(EXIST, YES_NO)
        ),
        scenes=tuple(scenes),
    )
    n_groups = min(len(set(found.premise_groups)), found.existence.n_groups)
    if n_groups < LEAST_GROUPS:
        raise _too_few(n_scenes, n_groups)
    return found


def _premises(name: str, scenes: Sequence[Scene]) -> Questions:
    rng = stream_rng(0, Stream.REMEDY_PREMISES, stream_key(name))
    items = false_premises(scenes, [name], rng=rng, min_scenes_per_text=_PER_TEXT)
    return Questions(name=name, kind="premise", items=items, answers=attribute(name))


def _too_few(n_scenes: int, n_groups: int) -> UserError:
    return UserError(
        f"--scenes must give at least {LEAST_GROUPS} groups of scenes, got {n_groups} from "
        f"{n_scenes} scenes: ask for more scenes or fewer attributes"
    )


def answers_of(vlm: VLM, data: SceneData, asked: AllQuestions, *, name: str) -> Answered:
    """Asks a model everything, in the same batches whatever the model. UserError for answers that
    it cannot write, or cannot tell apart."""
    total = sum(len(each.items) for each in (*asked.premises, asked.existence))
    with Progress(total=total, what=name, unit="question", leave=False) as bar:
        parts = [_Premise.of(vlm, data, each, bar) for each in asked.premises]
        log_p, _, _ = _said(vlm, data, asked.existence, asked.existence.answers, bar)
    yes, no = (asked.existence.answers.answers.index(each) for each in ("yes", "no"))
    together = {
        field: np.concatenate([getattr(each, field) for each in parts])
        for field in ("none", "right", "log_odds", "bare_no")
    }
    return Answered(
        **together,
        probe=_probed(torch.cat([each.residuals for each in parts]), asked),
        yes=on_top(log_p)[:, yes],
        yes_odds=log_p[:, yes] - log_p[:, no],
    )


def on_top(log_p: Float[ndarray, "item answer"]) -> Float[ndarray, "item answer"]:
    """1 for the answer that an item prefers; answers that tie have equal shares, in whatever order
    they stand.

    >>> on_top(np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, -2.0]])).tolist()
    [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    first = (log_p == log_p.max(axis=1, keepdims=True)).astype(np.float64)
    return first / first.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Premise:
    """What is said about things of which one attribute is asked."""

    none: Float[ndarray, " item"]
    right: Float[ndarray, " item"]
    log_odds: Float[ndarray, " item"]
    bare_no: Float[ndarray, " item"]
    residuals: Float[Tensor, "item d_model"]

    @classmethod
    def of(cls, vlm: VLM, data: SceneData, questions: Questions, bar: Progress) -> "_Premise":
        words = with_none(questions.answers)
        log_p, as_parted, residuals = _said(vlm, data, questions, words, bar)
        place = words.answers.index(NONE)
        top = on_top(log_p)
        answer = questions.right_answer
        rows = np.arange(len(answer))
        return cls(
            none=top[:, place],
            right=np.where(answer >= 0, top[rows, answer], 0.0),
            log_odds=log_p[:, place] - np.delete(log_p, place, axis=1).max(axis=1),
            bare_no=np.maximum(0.0, on_top(as_parted)[:, place] - top[:, place]),
            residuals=residuals,
        )


def _said(
    vlm: VLM, data: SceneData, questions: Questions, words: Attribute, bar: Progress
) -> tuple[
    Float[ndarray, "item answer"], Float[ndarray, "item answer"], Float[Tensor, "item d_model"]
]:
    """log2 of the probability that the model says each answer, every token of it; the same where
    each answer is followed only up to the point where it parts from the others; and the last
    layer's residuals at the answer position.

    "none" begins like "no" here, and no other answer of an attribute does: whoever does not read on
    counts "no" as none.
    """
    texts = questions.items["question"].tolist()
    trees = answer_trees(vlm, words, texts)
    nodes, own = trees.places(whole=True), trees.of(texts)
    parts = []
    for rows in _batches(len(texts)):
        images = [data.open_image(each) for each in questions.items["image"].iloc[rows]]
        inputs = vlm.prepare(images, texts[rows])
        buffer = vlm.new_buffer(len(images) * len(nodes), n_layers=1)
        vlm.residuals_at(inputs, nodes, buffer, [vlm.n_layers])
        read = buffer.unflatten(0, (len(images), len(nodes)))
        whole, parted = (
            score(read, vlm.unembedding, own[rows], nodes)[:, 0].astype(np.float64)
            for score in (word_log_probs, answer_log_probs)
        )
        parts.append((whole, parted, read[:, 0, 0].float().cpu()))
        bar.update(len(images))
    whole, parted, residuals = zip(*parts, strict=True)
    return np.concatenate(whole), np.concatenate(parted), torch.cat(residuals)


def _batches(n_items: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH) for start in range(0, n_items, _BATCH))


def _probed(
    residuals: Float[Tensor, "item d_model"], asked: AllQuestions
) -> Float[ndarray, " item"]:
    groups = asked.premise_groups
    probe = cross_fit(
        residuals[:, None],
        asked.premise_absent.astype(np.int64),
        scenes=groups,
        answers=["there", "absent"],
    )
    log_p = probe.log_probs(residuals[:, None], scenes=groups)[:, 0].astype(np.float64)
    return log_p[:, 1] - log_p[:, 0]
