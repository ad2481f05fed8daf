"""How probable words are at each layer, over the whole vocabulary and not among a few answers.

Among a closed set of answers a readout is sure of something at every layer; over the vocabulary
it shows whether any of them is what the layer would say.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from probes.unembedding import Unembedding

# Logits that are held at a time: bounds the memory whatever the items, layers and vocabulary.
_BLOCK_LOGITS = 2**22
_CHUNK = 4096


@torch.no_grad()
def word_log_probs(
    residuals: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    token_ids: Sequence[Sequence[int]],
) -> Float[ndarray, "item layer word"]:
    """log2 of the probability of each word under the logit lens: that of its tokens, added.

    Of a word that is scored by its first token this is an upper bound: other words may begin so.
    """
    ids = torch.tensor([token for word in token_ids for token in word])
    sizes = [len(word) for word in token_ids]
    n_items, n_layers = residuals.shape[:2]
    out = np.empty((n_items, n_layers, len(sizes)))
    step = max(1, _BLOCK_LOGITS // (n_layers * min(_CHUNK, unembedding.n_vocab)))
    for start in range(0, n_items, step):
        block = residuals[start : start + step].to(unembedding.head.device)
        logits = unembedding.logits_of_tokens(block, ids).double()
        words = torch.stack([part.logsumexp(-1) for part in logits.split(sizes, dim=-1)], dim=-1)
        mass = _log_mass(block, unembedding)
        out[start : start + step] = ((words - mass[..., None]) / math.log(2)).cpu().numpy()
    return np.minimum(out, 0.0)  # rounding may leave a certain word a hair above


def _log_mass(
    block: Float[Tensor, "item layer d_model"], unembedding: Unembedding
) -> Float[Tensor, "item layer"]:
    """Log of the sum over the vocabulary of exp(logit)."""
    chunks = unembedding.vocabulary_chunks(unembedding.norm(block), _CHUNK)
    parts = [logits.double().logsumexp(-1) for _, logits in chunks]
    return torch.stack(parts).logsumexp(0)
