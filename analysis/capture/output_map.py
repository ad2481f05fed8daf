"""The model's output map, kept beside the residuals.

With it a run that was captured on one machine is read on another, without the model.
"""

from typing import TYPE_CHECKING

from analysis.capture.token_texts import keep_token_texts
from analysis.run.opened import OpenRun
from data_prep.errors import UserError

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.unembedding import Unembedding
    from probes.vlm import VLM


def output_map(opened: OpenRun) -> "Unembedding":
    """The model's final norm and head, as they were kept when the residuals were captured."""
    from probes.unembedding import Unembedding

    return Unembedding.load(opened.run.output_map)


def keep_output_map(opened: OpenRun, vlm: "VLM") -> None:
    """Write the model's final norm and head into the run, with the texts of all tokens."""
    folder = opened.run.output_map
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    vlm.unembedding.save(folder)
    keep_token_texts(folder, vlm.tokenizer, vlm.unembedding.n_vocab)
