"""How a lens scores answers: from residuals at an answer tree's nodes to distributions."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from probes.answers.tree import AnswerTree, Node, Path
from probes.unembedding import Unembedding

# Logits that are held at a time: bounds the memory whatever the items, layers and vocabulary.
_BLOCK_LOGITS = 2**22


def answer_log_probs(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    trees: Sequence[AnswerTree],
    places: Sequence[Node],
) -> Float[ndarray, "item layer answer"]:
    """log2 of the lens's distribution over the answers, in float32; each item has its own tree.

    At each of the tree's nodes the distribution is the one over the node's children, which needs
    the head's rows of these tokens only; an answer's probability is the sum over its leaves of
    the products along the paths, as far as answers differ. `places` are the nodes at which the
    residuals were read. Raises ValueError if a node of a tree is not among them.

    After the verbalizer of Schick & Schütze (2021), arXiv:2001.07676, for words of any number of
    tokens.

    >>> from probes.answers.tree import ANSWER_NODE, one_token_tree
    >>> tree = one_token_tree({"yes": [4, 5], "no": [6]})  # two tokens for yes, one for no
    >>> nothing = torch.zeros(1, 1, 1, vlm.d_model)  # every token is as probable as any other
    >>> found = answer_log_probs(nothing, vlm.unembedding, [tree], [ANSWER_NODE])
    >>> print(np.exp2(found[0, 0]).round(3))
    [0.667 0.333]
    """
    shape = (residuals.shape[0], residuals.shape[2], len(trees[0].answers))
    out = np.empty(shape, dtype=np.float32)
    for tree, items in by_tree(trees):
        chosen = residuals if len(items) == len(trees) else residuals[items]
        out[items] = _of_tree(chosen, unembedding, tree, places)
    return out


@torch.no_grad()
def _of_tree(
    residuals: Float[Tensor, "item place layer d_model"],
    unembedding: Unembedding,
    tree: AnswerTree,
    places: Sequence[Node],
) -> Float[ndarray, "item layer answer"]:
    if not tree.parting:  # a single answer has the whole share
        return np.zeros((residuals.shape[0], residuals.shape[2], 1), dtype=np.float32)
    at = place_of(tree, tree.parting, places)
    n_items, n_layers = residuals.shape[0], residuals.shape[2]
    out = np.empty((n_items, n_layers, len(tree.answers)), dtype=np.float32)
    n_children = max(len(tree.children[path]) for path in tree.parting)
    step = max(1, _BLOCK_LOGITS // (n_layers * max(n_children, residuals.shape[-1])))
    for start in range(0, n_items, step):
        block = residuals[start : start + step].to(unembedding.head.device)
        logits = {
            path: _logits(block[:, place], unembedding, tree, path) for path, place in at.items()
        }
        found = _Sums(tree, logits).below(())
        scores = torch.stack([found[answer] for answer in range(len(tree.answers))], dim=-1)
        out[start : start + step] = (scores / math.log(2)).cpu().numpy()
    return out


def place_of(tree: AnswerTree, paths: Sequence[Path], places: Sequence[Node]) -> Mapping[Path, int]:
    """The number, among `places`, of each of a tree's nodes.

    Raises ValueError if one of them is not there.

    >>> from probes.answers.tree import ANSWER_NODE, one_token_tree
    >>> tree = one_token_tree({"yes": [4], "no": [6]})
    >>> place_of(tree, tree.parting, [Node(forced=(4,)), ANSWER_NODE])
    {(): 1}
    """
    number = {node: place for place, node in enumerate(places)}
    lacking = [path for path in paths if tree.node(path) not in number]
    if lacking:
        raise ValueError(f"need residuals at {tree.node(lacking[0])}, got {list(places)}")
    return {path: number[tree.node(path)] for path in paths}


def log_probs_of_logits(
    tree: AnswerTree, logits: Mapping[Path, Mapping[int, Float[Tensor, " item"]]]
) -> Float[ndarray, "item answer"]:
    """log2 of the distribution over a tree's answers, from logits of the children of its nodes.

    For logits that are no lens's, such as those of a decoding method. `logits` holds, for every
    node at which answers differ, a logit for each child; -inf is a child that is not said, and at
    least one child of a node must be finite. An answer that is not said has -inf.

    >>> from probes.answers.tree import one_token_tree
    >>> tree = one_token_tree({"yes": [4, 5], "no": [6]})
    >>> given = {4: torch.zeros(1), 5: torch.zeros(1), 6: torch.full((1,), -math.inf)}
    >>> log_probs_of_logits(tree, {(): given}).tolist()
    [[0.0, -inf]]
    """
    one_layer = {
        path: {token: logit[:, None] for token, logit in below.items()}
        for path, below in logits.items()
    }
    found = _Sums(tree, one_layer).below(())
    scores = torch.stack([found[answer] for answer in range(len(tree.answers))], dim=-1)
    return (scores[:, 0] / math.log(2)).cpu().numpy()


def _logits(
    residuals: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    tree: AnswerTree,
    path: Path,
) -> dict[int, Float[Tensor, "item layer"]]:
    """The logits of a node's children, in the order of their answers."""
    below = tree.children[path]
    ids = sorted(below, key=lambda token: (min(below[token]), token))
    logits = unembedding.logits_of_tokens(residuals, torch.tensor(ids))
    return dict(zip(ids, logits.unbind(-1), strict=True))


class _Sums:
    """Answers' log-probabilities below the nodes of a tree, from the leaves up."""

    def __init__(
        self, tree: AnswerTree, logits: Mapping[Path, Mapping[int, Float[Tensor, "item layer"]]]
    ) -> None:
        self._tree, self._logits = tree, logits

    def below(self, path: Path) -> dict[int, Float[Tensor, "item layer"]]:
        """ln of the probability of each answer below a node, given that one is there."""
        children = self._tree.children[path]
        parts: dict[int, list[Float[Tensor, "item layer"]]] = {}
        for token, logit in self._logits[path].items():
            answers = children[token]
            if len(answers) == 1:
                parts.setdefault(min(answers), []).append(logit)
                continue
            for answer, log_p in self.below((*path, token)).items():
                parts.setdefault(answer, []).append(logit + log_p)
        sums = torch.stack([torch.stack(each, -1).logsumexp(-1) for each in parts.values()], -1)
        # Over the answers, for their sum is that over the children.
        return dict(zip(parts, sums.log_softmax(-1).unbind(-1), strict=True))


def by_tree(trees: Sequence[AnswerTree]) -> list[tuple[AnswerTree, list[int]]]:
    """The different trees among those of some items, each with its items.

    >>> from probes.answers.tree import one_token_tree
    >>> one, other = (one_token_tree({"yes": [4], "no": [token]}) for token in (5, 6))
    >>> [items for _, items in by_tree([one, other, one])]
    [[0, 2], [1]]
    """
    # By identity: items that are asked alike share one.
    groups: dict[int, tuple[AnswerTree, list[int]]] = {}
    for item, tree in enumerate(trees):
        groups.setdefault(id(tree), (tree, []))[1].append(item)
    return list(groups.values())
