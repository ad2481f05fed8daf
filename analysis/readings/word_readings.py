"""What the logit lens says of single words, item by item and layer by layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.runs.command import OpenRun
from analysis.runs.output_map import output_map
from analysis.runs.word_tokens import word_tokens
from data_prep.attributes import Attribute

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.residuals.rows import StoredRows


@dataclass(frozen=True, slots=True, kw_only=True)
class WordReadings:
    """Probabilities of groups of words over the whole vocabulary."""

    words: tuple[str, ...]
    """The word axis: names of the groups."""
    log2_p: Float[ndarray, "item layer word"]
    """log2 of the added probability of a group's tokens; at most 0."""
    notes: tuple[str, ...]
    """What the reader should know of how the words are scored."""

    def of(self, word: str) -> Float[ndarray, "item layer"]:
        """log2 p of one group."""
        return self.log2_p[:, :, self.words.index(word)]


def word_readings(
    opened: OpenRun, rows: "StoredRows", groups: Attribute, *, needed: bool
) -> WordReadings:
    """Reads stored residuals block by block; `needed` as in `word_tokens`."""
    from probes.word_probabilities import word_log_probs

    tokens = word_tokens(opened, groups, needed=needed)
    unembedding = output_map(opened)
    parts = [word_log_probs(block, unembedding, tokens.token_ids) for _, block in rows.blocks()]
    return WordReadings(
        words=tokens.answers, log2_p=np.concatenate(parts), notes=tuple(tokens.notes)
    )
