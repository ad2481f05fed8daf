"""Random answer trees, lenses and residuals, and probabilities of answers worked out plainly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy import ndarray

from probes.answers.tree import AnswerTree, Path, Spelling
from probes.unembedding import FinalNorm, Unembedding

N_LETTERS, ENDS, N_VOCAB, D_MODEL = 4, (5, 8), 11, 6
"""Spellings are made of the first tokens, so that many begin alike."""


@st.composite
def spelled(draw) -> dict[str, Any]:
    """What `tree_of` makes a tree of 2 to 5 answers of, one or several spellings each.

    Some are the beginnings of others. Trees are not made here: hypothesis wants no other random
    numbers drawn, and the checks of types draw some.
    """
    n_answers = draw(st.integers(2, 5))
    token = st.integers(0, N_LETTERS - 1)
    path = st.lists(token, min_size=1, max_size=4).map(tuple)
    paths = draw(st.lists(path, min_size=n_answers, max_size=12, unique=True))
    more = st.integers(0, n_answers - 1)
    owners = {own: place if place < n_answers else draw(more) for place, own in enumerate(paths)}
    return {"owners": owners, "ends": draw(st.sampled_from([ENDS[:1], ENDS]))}


def tree_of(owners: Mapping[Path, int], *, ends: Path = ENDS, **more) -> AnswerTree:
    """The tree of these spellings, whose answers are given by number."""
    return AnswerTree(
        answers=tuple(f"answer {number}" for number in range(max(owners.values()) + 1)),
        spellings=tuple(
            Spelling(answer=answer, text="-".join(map(str, path)), tokens=path)
            for path, answer in owners.items()
        ),
        ends=ends,
        **more,
    )


def owners_of(tree: AnswerTree) -> dict[Path, int]:
    return {each.tokens: each.answer for each in tree.spellings}


def draw_lens(
    seed: int, *, n_places: int, n_items: int = 3, n_layers: int = 2, sharp: float = 1.0,
    n_vocab: int = N_VOCAB,
) -> tuple[torch.Tensor, Unembedding]:  # fmt: skip
    """Residuals [item, place, layer, d_model], and a lens with an RMS norm and a bias."""
    generator = torch.Generator().manual_seed(seed)
    residuals = torch.randn(n_items, n_places, n_layers, D_MODEL, generator=generator)
    weight = torch.rand(D_MODEL, generator=generator) + 0.5
    norm = FinalNorm(kind="rms", weight=weight, bias=None, eps=1e-6)
    head = sharp * torch.randn(n_vocab, D_MODEL, generator=generator)
    bias = torch.randn(n_vocab, generator=generator)
    return residuals, Unembedding(norm=norm, head=head, bias=bias, scale=1.0, soft_cap=None)


def leaves_of(tree: AnswerTree) -> dict[Path, int]:
    """All sequences of tokens that end an answer; one that another goes on from ends the turn."""
    owners = owners_of(tree)
    leaves = {}
    for path, answer in owners.items():
        longer = any(len(other) > len(path) and other[: len(path)] == path for other in owners)
        leaves |= {(*path, end): answer for end in tree.ends} if longer else {path: answer}
    return leaves


def by_hand(
    tree: AnswerTree,
    logits: Mapping[Path, ndarray],
    *,
    vocabulary: bool = False,
    to_the_end: bool = False,
) -> ndarray:
    """Each answer's probability: products along the paths, added.

    Every factor is over the tokens that go on there, or over the whole `vocabulary`. Paths are
    followed as far as more than one answer is there, or `to_the_end`.
    """
    leaves = leaves_of(tree)
    followed: dict[Path, int] = {}
    for leaf, answer in leaves.items():
        depth = 0
        while depth < len(leaf):
            here = {other for own, other in leaves.items() if own[:depth] == leaf[:depth]}
            if len(here) == 1 and not to_the_end:
                break
            depth += 1
        followed[leaf[:depth]] = answer
    total = np.zeros(len(tree.answers))
    for path, answer in followed.items():
        product = 1.0
        for depth, token in enumerate(path):
            weights = np.exp(np.float64(logits[path[:depth]]))
            going = {own[depth] for own in leaves if own[:depth] == path[:depth]}
            others = weights.sum() if vocabulary else weights[sorted(going)].sum()
            product *= weights[token] / others
        total[answer] += product
    return total
