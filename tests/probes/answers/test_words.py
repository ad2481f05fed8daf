"""Probabilities and ranks of whole answers over the vocabulary, against the plain softmax."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes import kept_logits
from probes.answers import words
from probes.answers.tree import ANSWER_NODE, one_token_tree, places_of
from probes.answers.words import right_words, whole_word_shares, word_log_probs
from tests.probes.answers.random_trees import by_hand, draw_lens, leaves_of, spelled, tree_of

seeds = st.integers(0, 2**31)
sharps = st.floats(0.05, 8)
sizes = st.integers(11, 400)
TREE = tree_of({(1, 2): 0, (3,): 0, (1, 2, 3): 1, (1, 4, 2): 1, (4, 1): 2})


@given(spelled(), seeds, sharps, sizes)
def test_a_word_is_as_probable_as_all_its_tokens_by_the_softmax(made, seed, sharp, n_vocab):
    tree = tree_of(**made)
    places = places_of([tree], whole=True)
    case = draw_lens(seed, n_places=len(places), sharp=sharp, n_vocab=n_vocab)
    got = word_log_probs(*case, [tree] * 3, places)
    for item, layer in np.ndindex(got.shape[:2]):
        at = logits_by_path(case, tree, places, item, layer)
        wanted = by_hand(tree, at, vocabulary=True, to_the_end=True)
        np.testing.assert_allclose(got[item, layer], np.log2(wanted), rtol=1e-5, atol=1e-5)
    assert (got <= 0).all()


def logits_by_path(case, tree, places, item, layer):
    """By node, over the vocabulary; of those among `places`."""
    residuals, unembedding = case
    logits = unembedding.logits(residuals[item, :, layer]).numpy()
    return {
        path: logits[places.index(tree.node(path))]
        for path in tree.children
        if tree.node(path) in places
    }


@given(spelled(), seeds, sharps)
def test_shares_of_whole_words_are_theirs_of_what_all_have(made, seed, sharp):
    tree = tree_of(**made)
    places = places_of([tree], whole=True)
    case = draw_lens(seed, n_places=len(places), sharp=sharp)
    got = whole_word_shares(*case, [tree] * 3, places)
    np.testing.assert_allclose(np.exp2(got).sum(-1), 1, atol=1e-5)
    p = np.exp2(word_log_probs(*case, [tree] * 3, places))
    wanted = np.log2(p / p.sum(-1, keepdims=True))
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    assert got.dtype == np.float32


@pytest.mark.parametrize("chunk", [7, 4096])
def test_words_of_one_token_are_as_probable_as_the_softmax_says(vlm, monkeypatch, chunk):
    monkeypatch.setattr(words, "_CHUNK", chunk)
    monkeypatch.setattr(words, "_BLOCK_LOGITS", 4 * chunk)
    head = vlm.unembedding
    residuals = torch.randn(5, 3, head.head.shape[1], generator=torch.Generator().manual_seed(0))
    tree = one_token_tree({"one": (3,), "other": (7, 11, 2)})
    found = word_log_probs(residuals[:, None], head, [tree] * 5, (ANSWER_NODE,))
    p = head.logits(residuals).double().softmax(-1)
    wanted = torch.stack([p[..., list(ids)].sum(-1) for ids in ((3,), (7, 11, 2))], -1).log2()
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert (found <= 0).all()


@given(spelled(), seeds, sharps, sizes, st.booleans())
def test_the_right_word_is_found_by_sorting(made, seed, sharp, n_vocab, whole):
    """To its end where all nodes were read, and else as far as answers differ."""
    tree = tree_of(**made)
    places = places_of([tree], whole=whole)
    case = draw_lens(seed, n_places=len(places), sharp=sharp, n_vocab=n_vocab)
    right = [item % len(tree.answers) for item in range(3)]
    found = right_words(*case, [tree] * 3, places, right)
    to_the_end = whole or set(places_of([tree])) == set(places_of([tree], whole=True))
    for item, layer in np.ndindex(found.rank.shape):
        at = logits_by_path(case, tree, places, item, layer)
        wanted = by_hand(tree, at, vocabulary=True, to_the_end=to_the_end)[right[item]]
        np.testing.assert_allclose(found.probability[item, layer], wanted, rtol=1e-4, atol=1e-7)
        lowest, highest = (
            best_rank(tree, at, right[item], to_the_end, slack) for slack in (1e-5, -1e-5)
        )
        assert lowest <= found.rank[item, layer] <= highest


def best_rank(tree, logits, answer, to_the_end, slack):
    """Of the best path, the lowest of its tokens' places; equal are logits as near as `slack`."""
    ranks = []
    for leaf, own in leaves_of(tree).items():
        steps = [(leaf[:depth], token) for depth, token in enumerate(leaf)]
        followed = [step for step in steps if to_the_end or step[0] in tree.parting]
        if own == answer:
            places = [1 + (logits[path] > logits[path][t] + slack).sum() for path, t in followed]
            ranks.append(max(places))
    return min(ranks)


@pytest.mark.parametrize("seed", range(5))
def test_it_ranks_first_if_and_only_if_greedy_decoding_would_say_it(seed):
    tree = tree_of({(1, 2): 0, (3,): 0, (1, 2, 3): 1, (1, 4, 2): 1, (4, 1): 2}, ends=(5,))
    places = places_of([tree], whole=True)
    case = draw_lens(seed, n_places=len(places), n_items=100, sharp=3, n_vocab=6)
    ranks = [right_words(*case, [tree] * 100, places, [answer] * 100).rank for answer in range(3)]
    greedy = np.array([[spoken(tree, logits_by_path(case, tree, places, i, layer))
                        for layer in range(2)] for i in range(100)])  # fmt: skip
    for answer, rank in enumerate(ranks):
        np.testing.assert_array_equal(rank == 1, greedy == answer)
    assert 5 < (greedy >= 0).sum() < 195, "both happen"


def spoken(tree, logits) -> int:
    """Which answer greedy decoding says; -1 for none."""
    path = ()
    while path in logits:
        path = (*path, int(logits[path].argmax()))
    return leaves_of(tree).get(path, -1)


def test_ties_count_for_the_answer():
    residuals, unembedding = draw_lens(0, n_places=1)
    tree = one_token_tree({"one": (3,), "other": (4,)})
    flat = replace(unembedding, head=torch.zeros_like(unembedding.head), bias=None)
    found = right_words(residuals, flat, [tree] * 3, (ANSWER_NODE,), [0, 1, 0])
    np.testing.assert_array_equal(found.rank, 1)
    np.testing.assert_allclose(found.probability, 1 / flat.n_vocab, rtol=1e-5)


def test_items_keep_their_own_answers_and_trees_however_they_are_taken(monkeypatch):
    other = tree_of({(2,): 0, (1, 4): 1, (1, 1): 2})
    asked = [TREE, other, other, TREE, TREE, other, TREE]
    right = [2, 0, 1, 1, 0, 2, 2]
    places = places_of(asked, whole=True)
    residuals, unembedding = draw_lens(5, n_places=len(places), n_items=7)
    whole = right_words(residuals, unembedding, asked, places, right)
    for item, (tree, answer) in enumerate(zip(asked, right, strict=True)):
        alone = right_words(residuals[[item]], unembedding, [tree], places, [answer])
        np.testing.assert_allclose(whole.probability[[item]], alone.probability, rtol=1e-5)
        np.testing.assert_array_equal(whole.rank[[item]], alone.rank)
    shares = word_log_probs(residuals, unembedding, asked, places)
    chosen = shares[np.arange(7), :, right]
    np.testing.assert_allclose(np.log2(whole.probability), chosen, rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(kept_logits, "_KEPT_LOGITS", 2 * 2 * unembedding.n_vocab)
    parts = right_words(residuals, unembedding, asked, places, right)
    np.testing.assert_allclose(parts.probability, whole.probability, rtol=1e-5)
    np.testing.assert_array_equal(parts.rank, whole.rank)


def test_residuals_are_needed_at_the_nodes_that_are_followed():
    parting = places_of([TREE])
    residuals, unembedding = draw_lens(0, n_places=len(parting))
    with pytest.raises(ValueError, match=r"need residuals at Node\(back=0, forced=\(4,\)\)"):
        word_log_probs(residuals, unembedding, [TREE] * 3, parting)
    right_words(residuals, unembedding, [TREE] * 3, parting, [0, 1, 2])
    with pytest.raises(ValueError, match="need residuals at Node"):
        right_words(residuals[:, :1], unembedding, [TREE] * 3, (ANSWER_NODE,), [0, 1, 2])
