"""What the logit lens says of single words, item by item and layer by layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from analysis.capture.answer_trees import ItemTrees, answer_trees
from analysis.capture.output_map import output_map
from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.residuals.rows import StoredRows


@dataclass(frozen=True, slots=True, kw_only=True)
class WordReadings:
    """How probable groups of words are: among each other, and over the whole vocabulary."""

    words: tuple[str, ...]
    """Names of the groups of words, in the order of the last axis of the arrays."""
    log2_share: Float[ndarray, "item layer word"]
    """log2 of the share of a group in the probability of all groups here, read at the tokens where
    their spellings part."""
    log2_p: Float[ndarray, "item layer word"]
    """log2 of the probability of saying a group's words, every token of them; at most 0."""
    notes: tuple[str, ...]
    """What the reader should know of how the words are scored."""

    def share_of(self, word: str) -> Float[ndarray, "item layer"]:
        """log2 of the share of the group `word`, per item and layer."""
        return self.log2_share[:, :, self.words.index(word)]

    def of(self, word: str) -> Float[ndarray, "item layer"]:
        """log2 of the probability of the group `word`, per item and layer."""
        return self.log2_p[:, :, self.words.index(word)]


def word_readings(
    opened: OpenRun, items: pd.DataFrame, rows: "StoredRows", groups: Attribute
) -> WordReadings:
    """Reads stored residuals block by block.

    `rows` holds one row for each item, for the question that the item was asked, at all tokens that
    the spellings of the groups need.
    """
    from probes.answers.scores import answer_log_probs
    from probes.answers.words import word_log_probs

    trees = answer_trees(opened, groups, items["question"])
    own = trees.of(items["question"])
    unembedding = output_map(opened)
    shares, probabilities = [], []
    for where, block in rows.place_blocks():
        shares.append(answer_log_probs(block, unembedding, own[where], rows.nodes))
        probabilities.append(word_log_probs(block, unembedding, own[where], rows.nodes))
    return WordReadings(
        words=trees.answers,
        log2_share=np.concatenate(shares),
        log2_p=np.concatenate(probabilities),
        notes=(ItemTrees(trees=own, places=rows.nodes).line,),
    )
