"""Item-level scores of a readout, from its distribution over the answer set."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What each item scores at each layer, its own answer being right."""

    bits: Float[ndarray, "item layer"]
    """log2 p(answer): 0 is certainty, -log2(number of answers) is guessing. Higher is better."""
    correct: Float[ndarray, "item layer"]
    """1 if the answer is the most probable one (the first of equals), else 0."""
    brier: Float[ndarray, "item layer"]
    """Squared distance to the certain answer, 0..2 (Brier 1950). LOWER is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresByAnswer:
    """What each item would score if `answer` were right: pairing questions with other images'
    answers is then a matter of indexing (the shuffled-image null)."""

    bits: Float[ndarray, "item answer layer"]
    correct: Float[ndarray, "item answer layer"]
    brier: Float[ndarray, "item answer layer"]

    def of(self, answer: Int[ndarray, " item"]) -> Scores:
        """The scores with `answer[i]` (an index into the answer set) right for item i."""
        n_items, n_answers, _ = self.bits.shape
        if len(answer) != n_items or (
            n_items and not 0 <= answer.min() <= answer.max() < n_answers
        ):
            raise ValueError(
                f"need one answer index in 0..{n_answers - 1} for each of {n_items} items, got "
                f"{len(answer)} from {answer.min(initial=0)} to {answer.max(initial=0)}"
            )
        items = np.arange(n_items)
        return Scores(
            bits=self.bits[items, answer],
            correct=self.correct[items, answer],
            brier=self.brier[items, answer],
        )


def scores_by_answer(log_probs_bits: Float[ndarray, "item layer answer"]) -> ScoresByAnswer:
    """All three scores of each item for every answer that could be right.

    `log_probs_bits` are log2 probabilities over the answer set, each distribution summing to 1.

    >>> by_answer = scores_by_answer(np.log2([[[0.75, 0.25]]]))  # one item, one layer, two answers
    >>> by_answer.correct.tolist(), by_answer.brier.round(3).tolist()
    ([[[1.0], [0.0]]], [[[0.125], [1.125]]])
    """
    bits = np.swapaxes(log_probs_bits, 1, 2)
    probability = np.exp2(bits)
    n_answers = bits.shape[1]
    best = np.argmax(bits, axis=1)
    correct = (best[:, None, :] == np.arange(n_answers)[:, None]).astype(bits.dtype)
    # sum_k (p_k - [k = a])^2 = sum_k p_k^2 - 2 p_a + 1
    brier = (probability**2).sum(axis=1, keepdims=True) - 2 * probability + 1
    return ScoresByAnswer(bits=bits.copy(), correct=correct, brier=np.clip(brier, 0, 2))


def item_scores(
    log_probs_bits: Float[ndarray, "item layer answer"], answer: Int[ndarray, " item"]
) -> Scores:
    """The scores of each item's own answer, given as an index into the answer set.

    >>> found = item_scores(np.log2([[[0.5, 0.25, 0.25]]]), np.array([1]))  # one item, one layer
    >>> found.bits.item(), found.correct.item(), round(found.brier.item(), 3)
    (-2.0, 0.0, 0.875)
    """
    return scores_by_answer(log_probs_bits).of(answer)
