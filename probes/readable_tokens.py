"""Whether a model can read a sequence of tokens: it has positions and embeddings for all of them.

Beyond its positions a model computes something all the same, of which nothing can be concluded;
beyond its embeddings it stops, on an accelerator without saying why.
"""

from typing import Any

from jaxtyping import Int
from torch import Tensor

from data_prep.errors import UserError
from probes.view import View

# Tokenizers that know no bound say so by larger numbers.
_SANE = 2**30


def require_readable_tokens(vlm: View, tokens: Int[Tensor, "item token"]) -> None:
    """UserError for tokens, padded to the longest item, that the model cannot read.

    >>> import torch
    >>> require_readable_tokens(vlm, torch.zeros(1, 600, dtype=torch.long))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: a prompt takes 600 tokens with its image, the model has 512 ...
    """
    most = n_positions(vlm)
    if most is not None and tokens.shape[1] > most:
        raise UserError(
            f"a prompt takes {tokens.shape[1]:,} tokens with its image, the model has {most:,} "
            "positions: shorten the question"
        )
    table: Any = vlm.model.get_input_embeddings()
    n_rows = getattr(table, "num_embeddings", None)
    largest = int(tokens.max())
    if n_rows is not None and largest >= n_rows:
        name = vlm.processor.tokenizer.convert_ids_to_tokens(largest)
        raise UserError(
            f"the tokenizer writes token {largest} ({name!r}), the model has embeddings for "
            f"{n_rows:,} tokens: take the tokenizer that belongs to the model"
        )


def n_positions(vlm: View) -> int | None:
    """How many tokens a model was made to read, by its configuration, or else by its tokenizer.

    >>> n_positions(vlm)
    512
    """
    text = vlm.model.config.get_text_config()
    told = getattr(text, "max_position_embeddings", None) or getattr(
        vlm.processor.tokenizer, "model_max_length", None
    )
    return told if isinstance(told, int) and 0 < told < _SANE else None
