"""The logit lens as a readout: the model's own output map, nothing fitted."""

from collections.abc import Sequence

import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.readings.reader import Reader
from analysis.runs.command import OpenRun
from analysis.runs.output_map import answer_words, output_map
from probes.logit_lens import answer_log_probs


def logit_lens_reader(opened: OpenRun, items: pd.DataFrame) -> Reader:
    """Reads through the output map that was kept with the residuals."""
    tokens = answer_words(opened, str(items["attribute"].iloc[0]))
    unembedding = output_map(opened)

    def read(
        residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
    ) -> Float[ndarray, "item layer answer"]:
        return answer_log_probs(residuals, unembedding, tokens)

    return Reader(read=read, notes=tokens.notes)
