"""What the logit lens reads at the image's positions: how sure it is, somewhere, of a word.

The internal confidence of Jiang et al. (2024), arXiv:2410.02762, and their code,
github.com/nickjiang2378/vl-interp.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.attributes import surface_forms
from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.unembedding import Unembedding
from probes.vlm import VLM
from probes.vocabulary import LogNormaliser, stream

# Image positions, of all items of a batch, and tokens of which logits are held at once: 16 MiB.
_ROWS, _CHUNK = 1024, 4096
# A word is written after this, with a space between or without: nothing merges with it.
_BEFORE = "\n"

Words = Sequence[Sequence[Sequence[int]]]
"""For each item some words, each by the tokens of which any one stands for it."""


def image_confidence(
    vlm: VLM, inputs: Mapping[str, Any], words: Words, *, layers: Sequence[int] | None = None
) -> Float[Tensor, "item layer word"]:
    """How probable a word's token is by the logit lens, at the image position that favours it most.

    For layers 0..L, or `layers`, rising: the largest probability, from 0 to 1, over an item's image
    positions and a word's tokens, in float32. The paper takes the largest over the layers as well,
    and decides by it whether an object is there; that is left to the reader. As in the authors'
    code, a word of several tokens is worth its best one, so give those that mean the word alone
    (`word_tokens`). Two things differ from it: every state is normed with its own statistics before
    the head, which they leave out, and a probability is one of the whole vocabulary, where they
    share it out among the 50 most probable tokens and give 0 to all others.

    One pass; beside it, logits of 1024 positions and 4096 tokens are held. It costs a product with
    the whole head at every image position of every layer: choose layers where that is much.
    UserError for a model without image positions, for other numbers of words than items or for
    items of differing numbers of words, for a word without tokens, and for tokens out of range.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96), "green")], ["What color is it?"])
    >>> words = [[word_tokens(vlm, "green"), word_tokens(vlm, "sphere")]]
    >>> found = image_confidence(vlm, inputs, words)
    >>> found.shape == (1, vlm.n_layers + 1, 2), bool((found > 0).all() and (found < 1).all())
    (True, True)
    """
    image = image_tokens(vlm, inputs)
    _require_words(words, len(image), vlm.unembedding.n_vocab)
    device = vlm.unembedding.head.device
    tokens = torch.tensor(sorted({t for own in words for word in own for t in word}), device=device)
    item = image.nonzero()[:, 0].to(device)
    found: list[Float[Tensor, "item token"]] = []

    def write(_: int, residuals: Float[Tensor, "item place d_model"]) -> None:
        rows = residuals[image.to(residuals.device)].to(device)
        best = torch.full((len(image), len(tokens)), -torch.inf, device=device)
        for some, whose in zip(rows.split(_ROWS), item.split(_ROWS), strict=True):
            log_probs = _log_probs(vlm.unembedding, some, tokens)
            best.scatter_reduce_(0, whose[:, None].expand_as(log_probs), log_probs, "amax")
        found.append(best.exp())

    with vlm.streams(write, layers):
        vlm.run(inputs)
    return _by_word(torch.stack(found, dim=1), tokens, words)


def word_tokens(vlm: VLM, word: str, *, every: bool = False) -> tuple[int, ...]:
    """The tokens that a word may begin with: small or capital, after a space or not; ascending.

    With `every`, all tokens of these spellings, as the authors' code takes those of one spelling;
    the later ones are pieces (`er` of `rub er`) that other words have as well. Spellings that the
    tokenizer does not know are left out. UserError for a word without letters, one that holds a
    control token, and one that cannot be written at all.

    >>> vlm.tokenizer.convert_ids_to_tokens(list(word_tokens(vlm, "green")))
    ['Ġgreen', 'green', 'Green', 'ĠGreen']
    """
    if not word.strip():
        raise UserError(f"a word needs letters, got {word!r}: write the word")
    texts = [space + form for form in surface_forms(word.strip()) for space in ("", " ")]
    encoded = vlm.tokenizer(
        [_BEFORE, *(_BEFORE + text for text in texts)], add_special_tokens=False
    )
    before, *written = encoded["input_ids"]
    found: set[int] = set()
    for own in written:
        after = own[len(before) :]
        if own[: len(before)] == before and vlm.tokenizer.unk_token_id not in after:
            found.update(after if every else after[:1])
    special = found.intersection(vlm.tokenizer.all_special_ids)
    if special or not found:
        raise UserError(
            f"a word must be written in tokens of this model's vocabulary that are no control "
            f"tokens, got {word!r}: give another word"
        )
    return tuple(sorted(found))


def _log_probs(
    unembedding: Unembedding, rows: Float[Tensor, "row d_model"], tokens: Int[Tensor, " token"]
) -> Float[Tensor, "row token"]:
    """Natural-log probabilities of some tokens, of raw residuals."""
    normed, total, project = unembedding.norm(rows), LogNormaliser(), unembedding.projection()
    stream(project, [normed], [total], chunk=_CHUNK)
    return project(normed, tokens) - total.value()[:, None]


def _by_word(
    best: Float[Tensor, "item layer token"], tokens: Int[Tensor, " token"], words: Words
) -> Float[Tensor, "item layer word"]:
    place = {token: column for column, token in enumerate(tokens.tolist())}
    rows = [
        torch.stack([own[:, [place[each] for each in word]].amax(1) for word in mine], dim=1)
        for own, mine in zip(best, words, strict=True)
    ]
    return torch.stack(rows)


def _require_words(words: Words, n_items: int, n_vocab: int) -> None:
    numbers = {len(own) for own in words}
    if len(words) != n_items or len(numbers) != 1 or 0 in numbers:
        raise UserError(
            f"each of {n_items} items needs words, and all items as many, got "
            f"{[len(own) for own in words]}: give the same number of words for every item"
        )
    for tokens in (word for own in words for word in own):
        if not tokens or not 0 <= min(tokens) <= max(tokens) < n_vocab:
            raise UserError(
                f"a word needs tokens among 0..{n_vocab - 1}, got {list(tokens)}: take those of "
                "word_tokens"
            )
