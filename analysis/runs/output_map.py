"""The model's output map and the tokens of the answers, kept beside the residuals.

With these a run that was captured on one machine is read on another, without the model.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.runs.command import OpenRun
from analysis.runs.token_texts import keep_token_texts
from data_prep.errors import UserError
from probes.durable import write_durably

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.answers import AnswerTokens
    from probes.unembedding import Unembedding
    from probes.vlm import VLM


def output_map(opened: OpenRun) -> "Unembedding":
    """The model's final norm and head, as kept when the residuals were captured."""
    from probes.unembedding import Unembedding

    return Unembedding.load(opened.run.output_map)


def answer_words(opened: OpenRun, attribute: str) -> "AnswerTokens":
    """The tokens of the answers, as kept when the residuals were captured."""
    from probes.answers import AnswerTokens

    file = _words_file(opened, attribute)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return AnswerTokens(
            attribute=attribute,
            answers=tuple(kept["token_ids"]),
            token_ids=tuple(map(tuple, kept["token_ids"].values())),
            notes=tuple(kept["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is damaged ({error}): capture again in a new run") from error


def keep_output_map(opened: OpenRun, items: pd.DataFrame, vlm: "VLM") -> None:
    """Write both into the run, for the attribute of `items`, and the texts of all tokens."""
    from probes.answers import answer_tokens

    attribute = str(items["attribute"].iloc[0])
    tokens = answer_tokens(vlm.tokenizer, opened.data.answer_set(items))
    folder = opened.run.output_map
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    vlm.unembedding.save(folder)
    keep_token_texts(folder, vlm.tokenizer, vlm.unembedding.n_vocab)
    words = dict(zip(tokens.answers, tokens.token_ids, strict=True))
    content = json.dumps({"notes": tokens.notes, "token_ids": words}, indent=1)
    write_durably(_words_file(opened, attribute), content.encode())


def _words_file(opened: OpenRun, attribute: str) -> Path:
    return opened.run.output_map / f"{attribute}.json"
