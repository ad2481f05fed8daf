"""The name of every token, kept beside the output map, so that a run can be shown without its
model."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from probes.token_names import token_names

# With a hyphen, which no attribute has: their files lie in the same folder.
_FILE = "token-texts.json"
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


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
    write_durably(folder / _FILE, sealed_json(content))


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
        return _kept(read_sealed_json(file), n_vocab)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is damaged ({error}): delete it and run again where the model is"
        ) from error


def _kept(content: Any, n_vocab: int) -> TokenTexts:
    """The names in the content of a file; ValueError for what `token_names` does not write."""
    texts, special = tuple(content["texts"]), frozenset(content["special"])
    if len(texts) != n_vocab or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"need {n_vocab} texts, got {len(texts)}")
    # A sign that cannot be printed would reach tables and terminals.
    odd = next((text for text in texts if not text or _has_controls(text)), None)
    if odd is not None:
        raise ValueError(f"{odd!r} is no name of a token")
    if len(set(texts)) != n_vocab:
        raise ValueError("two tokens have the same name")
    if not all(type(token) is int and 0 <= token < n_vocab for token in special):
        raise ValueError(f"special tokens must be numbers below {n_vocab}")
    return TokenTexts(texts=texts, special=special)


def _has_controls(text: str) -> bool:
    """Whether a sign steers what shows it. What is printable besides differs between versions of
    Unicode, and so between machines."""
    if text.isprintable():
        return False
    return any(unicodedata.category(sign) in _CONTROLS for sign in text)
