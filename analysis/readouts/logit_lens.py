"""The logit lens as a readout: the model's own output map, nothing fitted."""

from collections.abc import Sequence

from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.capture.output_map import output_map
from analysis.readouts.reader import Asked, Reader
from probes.answers.scores import answer_log_probs
from probes.answers.words import whole_word_shares


def reader(asked: Asked) -> Reader:
    """Reads through the output map that was kept with the residuals."""
    unembedding, trees = output_map(asked.opened), asked.item_trees

    def read(
        residuals: Float[Tensor, "some place layer d_model"], where: slice, scenes: Sequence[str]
    ) -> Float[ndarray, "some layer answer"]:
        return answer_log_probs(residuals, unembedding, trees.trees[where], trees.places)

    def whole(
        residuals: Float[Tensor, "some place layer d_model"], where: slice, scenes: Sequence[str]
    ) -> Float[ndarray, "some layer answer"]:
        return whole_word_shares(residuals, unembedding, trees.trees[where], trees.places)

    return Reader(read=read, notes=(trees.line,), whole=whole if trees.spelled_out else None)
