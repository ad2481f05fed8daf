"""How probable whole answers are over the whole vocabulary, and how far up they rank.

Among a closed set of answers a readout is sure of something at every layer; over the vocabulary
it shows whether any of them is what the layer would say. Every factor along a path is then one
over the whole vocabulary: at the last layer the product is the model's own.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.answers.scores import by_tree, place_of
from probes.answers.tree import AnswerTree, Node, Path
from probes.kept_logits import KeptLogits, items_per_block
from probes.unembedding import Unembedding
from probes.vocabulary import LogNormaliser, stream

# Logits that are held at a time: bounds the memory whatever the items, layers and vocabulary.
_BLOCK_LOGITS = 2**22
_CHUNK = 4096
_RANKED_CHUNK = 1024
Steps = tuple[tuple[Path, int], ...]


def word_log_probs(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    trees: Sequence[AnswerTree],
    places: Sequence[Node],
) -> Float[ndarray, "item layer answer"]:
    """log2 of the probability that the lens says an answer, every token of it; at most 0.

    It counts all spellings together, and each item has its own tree. Raises ValueError if a node of
    a tree is not among `places`.

    >>> from probes.answers.tree import ANSWER_NODE, one_token_tree
    >>> tree = one_token_tree({"yes": [4, 5], "no": [6]})  # two tokens for yes, one for no
    >>> nothing = torch.zeros(1, 1, 1, vlm.d_model)  # every token is as probable as any other
    >>> found = word_log_probs(nothing, vlm.unembedding, [tree], [ANSWER_NODE])
    >>> (np.exp2(found) * vlm.unembedding.n_vocab).round(3).tolist()
    [[[2.0, 1.0]]]
    """
    out = np.empty((residuals.shape[0], residuals.shape[2], len(trees[0].answers)))
    for tree, items in by_tree(trees):
        out[items] = _words_of_tree(residuals[items], unembedding, tree, places)
    return out


def whole_word_shares(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    trees: Sequence[AnswerTree],
    places: Sequence[Node],
) -> Float[ndarray, "item layer answer"]:
    """log2 of each answer's share of the probability of all answers, every token of them counted.

    >>> from probes.answers.tree import ANSWER_NODE, one_token_tree
    >>> tree = one_token_tree({"yes": [4, 5], "no": [6]})  # two tokens for yes, one for no
    >>> nothing = torch.zeros(1, 1, 1, vlm.d_model)  # every token is as probable as any other
    >>> found = whole_word_shares(nothing, vlm.unembedding, [tree], [ANSWER_NODE])
    >>> print(np.exp2(found[0, 0]).round(3))
    [0.667 0.333]
    """
    log_p = word_log_probs(residuals, unembedding, trees, places)
    return (log_p - np.logaddexp2.reduce(log_p, axis=-1, keepdims=True)).astype(np.float32)


@torch.no_grad()
def _words_of_tree(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    tree: AnswerTree,
    places: Sequence[Node],
) -> Float[ndarray, "item layer answer"]:
    at = place_of(tree, tuple(tree.children), places)
    n_items, n_layers = residuals.shape[0], residuals.shape[2]
    out = np.empty((n_items, n_layers, len(tree.answers)))
    step = max(1, _BLOCK_LOGITS // (n_layers * min(_CHUNK, unembedding.n_vocab)))
    for start in range(0, n_items, step):
        block = residuals[start : start + step].to(unembedding.head.device)
        known = {
            (path, token): log_p
            for path, place in at.items()
            for token, log_p in _children(block[:, place], unembedding, tree, path).items()
        }
        paths: dict[int, list[Tensor]] = {}
        for spelling, steps in tree.leaves:
            log_p = torch.stack([known[each] for each in steps]).sum(0)
            paths.setdefault(spelling.answer, []).append(log_p)
        answers = [torch.stack(paths[each], -1).logsumexp(-1) for each in range(len(tree.answers))]
        out[start : start + step] = (torch.stack(answers, -1) / math.log(2)).cpu().numpy()
    return np.minimum(out, 0.0)  # rounding may leave a certain word a hair above


def _children(
    residuals: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    tree: AnswerTree,
    path: Path,
) -> dict[int, Float[Tensor, "item layer"]]:
    """ln of each child's probability over the vocabulary, in float64."""
    ids = list(tree.children[path])
    logits = unembedding.logits_of_tokens(residuals, torch.tensor(ids)).double()
    mass = _log_mass(residuals, unembedding)
    return dict(zip(ids, (logits - mass[..., None]).unbind(-1), strict=True))


def _log_mass(
    block: Float[Tensor, "item layer d_model"], unembedding: Unembedding
) -> Float[Tensor, "item layer"]:
    """Natural log of the sum over the vocabulary of exp(logit), in float64."""
    total = LogNormaliser(torch.float64)
    stream(unembedding.projection(), [unembedding.norm(block)], [total], chunk=_CHUNK)
    return total.value()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightWord:
    """What a lens says of each item's right answer, over the whole vocabulary."""

    probability: Float[ndarray, "item layer"]
    """The probability of all the paths to the right answer together."""
    rank: Int[ndarray, "item layer"]
    """The rank of the best path to it, which is the lowest rank of the path's tokens in the
    vocabulary; 1 is the first, ties count for it. At 1 greedy decoding would say the answer."""


def right_words(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    trees: Sequence[AnswerTree],
    places: Sequence[Node],
    right: Sequence[int],
) -> RightWord:
    """Probability and rank of the answers `right`, one for each item, along their paths.

    A path is followed to its end where `places` hold all the tree's nodes, and else as far as
    answers differ: then other words than the answer may take it, too. It takes as much memory as
    `lens_trajectory`. Raises ValueError if a node at which answers differ is not among `places`.

    >>> from probes.answers.tree import ANSWER_NODE, one_token_tree
    >>> residual = torch.ones(1, 1, 1, vlm.d_model)
    >>> best = int(vlm.unembed(residual).argmax())  # the token that the lens would say
    >>> tree = one_token_tree({"yes": [best], "no": [4]})
    >>> right_words(residual, vlm.unembedding, [tree], [ANSWER_NODE], [0]).rank.tolist()
    [[1]]
    """
    n_items, n_layers = residuals.shape[0], residuals.shape[2]
    size = items_per_block(n_layers, unembedding.n_vocab)
    kept = KeptLogits(unembedding, n_rows=min(size, n_items) * n_layers, chunk=_RANKED_CHUNK)
    probability = np.empty((n_items, n_layers), dtype=np.float32)
    rank = np.empty((n_items, n_layers), dtype=np.int64)
    for tree, alike in by_tree(trees):
        followed = followed_nodes(tree, places)
        at = place_of(tree, followed, places)
        for answer in sorted({right[item] for item in alike}):
            items = [item for item in alike if right[item] == answer]
            paths = steps_to(tree, answer, followed)
            for start in range(0, len(items), size):
                block = items[start : start + size]
                found = _along(kept, residuals[block], paths, at)
                probability[block], rank[block] = found
    return RightWord(probability=probability, rank=rank)


@torch.no_grad()
def _along(
    kept: KeptLogits,
    residuals: Float[Tensor, "item place layer d_model"],
    paths: Sequence[Steps],
    at: Mapping[Path, int],
) -> tuple[Float[ndarray, "item layer"], Int[ndarray, "item layer"]]:
    """Probability of all paths together, and rank of the best."""
    read = _steps_read(kept, residuals, paths, at)
    log_p = np.stack([np.sum([read[step][0] for step in path], axis=0) for path in paths])
    rank = np.stack([np.max([read[step][1] for step in path], axis=0) for path in paths])
    together = np.logaddexp.reduce(log_p, axis=0)
    return np.exp(np.minimum(together, 0)), rank.min(axis=0)


def followed_nodes(tree: AnswerTree, places: Sequence[Node]) -> tuple[Path, ...]:
    """All of a tree's nodes if they were read, else those at which answers differ.

    >>> from probes.answers.tree import ANSWER_NODE, Spelling
    >>> cube = Spelling(answer=0, text="cube", tokens=(5, 6))
    >>> sphere = Spelling(answer=1, text="sphere", tokens=(7,))
    >>> tree = AnswerTree(answers=("cube", "sphere"), spellings=(cube, sphere))
    >>> followed_nodes(tree, [ANSWER_NODE])  # the rest of "cube" was not read
    ((),)
    >>> followed_nodes(tree, [ANSWER_NODE, Node(forced=(5,))])
    ((), (5,))
    """
    return tuple(tree.children) if tree.is_whole(places) else tree.parting


def steps_to(tree: AnswerTree, answer: int, followed: Sequence[Path]) -> list[Steps]:
    """The different paths to an answer, each as far as its nodes are followed.

    >>> from probes.answers.tree import Spelling
    >>> cube = Spelling(answer=0, text="cube", tokens=(5, 6))
    >>> sphere = Spelling(answer=1, text="sphere", tokens=(7,))
    >>> tree = AnswerTree(answers=("cube", "sphere"), spellings=(cube, sphere))
    >>> steps_to(tree, 0, [(), (5,)]), steps_to(tree, 0, [()])
    ([(((), 5), ((5,), 6))], [(((), 5),)])
    """
    wanted = set(followed)
    paths = (
        tuple(step for step in steps if step[0] in wanted)
        for spelling, steps in tree.leaves
        if spelling.answer == answer
    )
    return list(dict.fromkeys(paths))


def _steps_read(
    kept: KeptLogits,
    residuals: Float[Tensor, "item place layer d_model"],
    paths: Sequence[Steps],
    at: Mapping[Path, int],
) -> dict[tuple[Path, int], tuple[Float[ndarray, "item layer"], Int[ndarray, "item layer"]]]:
    """ln p and rank of every step's token, node by node."""
    n_items, n_layers = residuals.shape[0], residuals.shape[2]
    found = {}
    for path, tokens in _by_node(paths):
        kept.fill(residuals[:, at[path]].flatten(0, 1))
        logits = kept.of_tokens([tokens] * (n_items * n_layers))
        log_p = logits.double() - kept.log_normaliser[:, None]
        for place, token in enumerate(tokens):
            rank = 1 + kept.count_above(logits[:, place])
            found[path, token] = tuple(
                each.view(n_items, n_layers).cpu().numpy() for each in (log_p[:, place], rank)
            )
    return found


def _by_node(paths: Sequence[Steps]) -> Iterator[tuple[Path, tuple[int, ...]]]:
    tokens: dict[Path, dict[int, None]] = {}
    for steps in paths:
        for path, token in steps:
            tokens.setdefault(path, {})[token] = None
    for path, own in tokens.items():
        yield path, tuple(own)
