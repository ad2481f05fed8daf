"""What is read of questions about absence at every layer: answers, the vocabulary, residuals, and
what the model looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from analysis.absence.passes import Passes, passes_of
from analysis.absence.questions import Questions
from analysis.capture.captures import passes_at_once
from analysis.capture.output_map import output_map
from analysis.run.kept_arrays import Tensors, kept
from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from probes.answers.scores import answer_log_probs
from probes.image_lens import image_confidence, word_tokens
from probes.interventions.image_attention import attention_to_image, recorded_image_attention
from probes.lens_trajectory import lens_trajectory
from probes.trial import QUESTIONS, trial_images
from probes.vlm import VLM

_NOT_SAID = frozenset({"thing", "a", "an", "the"})
_ATTENTION, _WORDS = "attention", "words"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """Everything that signals are made of, for the items of some questions."""

    opened: OpenRun
    questions: Questions
    real: Float[ndarray, "item layer answer"]
    """log2 of each answer's probability among the answers, with the image."""
    blank: Float[ndarray, "item layer answer"]
    """The same with a blank image."""
    entropy_bits: Float[ndarray, "item layer"]
    """Of the next token, over the whole vocabulary."""
    kl_to_last_bits: Float[ndarray, "item layer"]
    """Divergence of the layer's next token from the last layer's."""
    begins_answer: Bool[ndarray, " item"]
    """Whether the most probable token of all begins one of the answers."""
    residuals: Float[Tensor, "item layer d_model"]
    """At the answer position."""
    attention: Float[ndarray, "item layer"] | None
    """Share of the answer position's attention in block l that goes to the image; NaN at layer 0
    and where a block has no such attention. None where the model does not show its attention."""
    words: Float[ndarray, "item layer"] | None
    """log2 of the largest probability over the image's positions of the word that the question
    names, of several words the least probable one. None where the data does not say the word."""
    notes: tuple[str, ...]

    @property
    def wrong(self) -> Bool[ndarray, " item"]:
        """Which items are not answered right at the last layer. Every answer about an absent thing
        is wrong, unless it is no."""
        return self.real[:, -1].argmax(axis=1) != self.questions.right_answer

    @property
    def says_yes(self) -> Bool[ndarray, " item"]:
        """Which items are answered yes at the last layer; for questions of yes and no."""
        yes = self.questions.answers.answers.index("yes")
        return self.real[:, -1].argmax(axis=1) == yes


def read_questions(opened: OpenRun, questions: Questions) -> Read:
    """Reads the passes with the image and with a blank one, and looks once more where the model
    looks; from the run, or captured now."""
    real, blank = (passes_of(opened, questions, each) for each in ("real", "blank"))
    unembedding = output_map(opened)
    own = real.rows.read()
    trajectory = lens_trajectory(own, unembedding, k=1)
    looked, notes = _looked(opened, questions, own.shape[1])
    return Read(
        opened=opened,
        questions=questions,
        real=answer_scores(opened, real),
        blank=answer_scores(opened, blank),
        entropy_bits=trajectory.entropy_bits,
        kl_to_last_bits=trajectory.kl_to_final_bits,
        begins_answer=_begins(real, trajectory.token_ids[:, -1, 0]),
        residuals=own,
        attention=looked.get(_ATTENTION),
        words=looked.get(_WORDS),
        notes=notes,
    )


def answer_scores(opened: OpenRun, passes: Passes) -> Float[ndarray, "item layer answer"]:
    """log2 of the answers' probabilities among each other, by the logit lens, at every layer."""
    unembedding = output_map(opened)
    parts = [
        answer_log_probs(block, unembedding, passes.trees[where], passes.rows.nodes)
        for where, block in passes.rows.place_blocks()
    ]
    return np.concatenate(parts)


def _begins(passes: Passes, top: ndarray) -> Bool[ndarray, " item"]:
    begin = [set(tree.children[()]) for tree in passes.trees]
    return np.array([token in own for token, own in zip(top.tolist(), begin, strict=True)])


def _looked(
    opened: OpenRun, questions: Questions, n_states: int
) -> tuple[Tensors, tuple[str, ...]]:
    """Attention to the image and the image's own words, by one more pass over every item, kept in
    the run."""
    file = opened.run.folder / "hallucination" / f"{questions.name}-{questions.digest}.safetensors"
    names = [_ATTENTION, _WORDS]
    there = file.exists()
    size = 32 if there else passes_at_once(opened, opened.load_model())
    shown = not there and _shows_attention(opened.load_model())
    found = kept(
        file,
        len(questions.items),
        size,
        lambda rows: _look(opened, questions, rows, n_states, attention_is_shown=shown),
        names=names,
        what=f"where it looks, {questions.name}",
    )
    told = {name: each for name, each in found.items() if np.isfinite(each).any()}
    words = {
        _ATTENTION: "this model does not show its attention to the image",
        _WORDS: "the data does not say which word each question names, or the tokenizer lacks it",
    }
    return told, tuple(f"left out: {words[name]}" for name in names if name not in told)


def _look(
    opened: OpenRun, questions: Questions, rows: slice, n_states: int, *, attention_is_shown: bool
) -> Tensors:
    vlm, items = opened.load_model(), questions.items.iloc[rows]
    images = [opened.data.open_image(each) for each in items["image"]]
    inputs = vlm.prepare(images, items["question"].tolist())
    tokens = _tokens(vlm, items["thing"].tolist())

    def confidence() -> Float[ndarray, "item layer"]:
        if tokens is None:
            vlm.run(inputs)
            return np.full((len(items), n_states), np.nan, dtype=np.float32)
        return image_confidence(vlm, inputs, tokens).amin(-1).log2().cpu().numpy()

    attention = np.full((len(items), n_states), np.nan, dtype=np.float32)
    if not attention_is_shown:
        return {_ATTENTION: attention, _WORDS: confidence()}
    with recorded_image_attention(vlm, inputs) as shares:
        words = confidence()
    attention[:, 1:] = shares.float().cpu().numpy()
    return {_ATTENTION: attention, _WORDS: words}


def _tokens(vlm: VLM, things: Sequence[str]) -> list[list[tuple[int, ...]]] | None:
    """The tokens of the words of each thing, for all as many; None if some thing has no words, or
    one that cannot be written."""
    asked = [[word for word in thing.split() if word not in _NOT_SAID] for thing in things]
    if not all(asked):
        return None
    most = max(len(words) for words in asked)
    try:
        known = {word: word_tokens(vlm, word) for words in asked for word in words}
    except UserError:
        return None
    # The first word once more changes no minimum.
    return [[known[word] for word in (*own, *own[:1] * (most - len(own)))] for own in asked]


def _shows_attention(vlm: VLM) -> bool:
    """Whether the attention of the model's blocks can be recorded."""
    try:
        attention_to_image(vlm, vlm.prepare(trial_images()[:1], QUESTIONS[:1]))
    except UserError:
        return False
    return True
