"""The name of every token, kept beside the output map, so that a run can be shown without its
model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from probes.token_names import token_names

# With a hyphen, which no attribute has: their files lie in the same folder.
_FILE = "token-texts.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTexts:
    """The names of all tokens of a vocabulary. How tokens are named: see `probes.token_names`."""

    texts: tuple[str, ...]
    """The name of each token, by token id: one for each row of the head, all of them different."""
    special: frozenset[int]
    """Ids of the special tokens, which steer the model and stand for no text."""

    def of(self, token_ids: Sequence[int]) -> list[str]:
        return [self.texts[token] for token in token_ids]


def keep_token_texts(folder: Path, tokenizer: Any, n_vocab: int) -> None:
    """Write the tokens' names into the folder of the output map, once."""
    if (folder / _FILE).exists():
        return
    found = token_names(tokenizer, n_vocab)
    content = {"texts": found.names, "special": sorted(found.special)}
    write_durably(folder / _FILE, json.dumps(content).encode())


def token_texts(opened: OpenRun, n_vocab: int) -> TokenTexts:
    """The tokens' names that were kept when the residuals were captured; of a run from an older
    version, from the model's tokenizer now.

    UserError if they are damaged, or neither in the run nor to be had from the model.
    """
    folder = opened.run.output_map
    file = folder / _FILE
    if not file.exists():
        try:
            keep_token_texts(folder, opened.tokenizer(), n_vocab)
        except UserError as error:
            raise UserError(
                f"{folder} holds no token texts (it was captured by an earlier version), and the "
                f"model is not here to read them from ({error}): run this where the model is"
            ) from error
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        texts, special = tuple(kept["texts"]), frozenset(kept["special"])
        if len(texts) != n_vocab or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"need {n_vocab} texts, got {len(texts)}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is damaged ({error}): delete it and run again where the model is"
        ) from error
    return TokenTexts(texts=texts, special=special)
