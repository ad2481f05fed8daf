"""How a lens scores answers: against the plain walk over the tree, and the restricted softmax."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from probes.answers import scores
from probes.answers.scores import answer_log_probs
from probes.answers.tree import ANSWER_NODE, Node, one_token_tree, places_of
from probes.unembedding import Unembedding
from tests.probes.answers.random_trees import (
    D_MODEL,
    N_LETTERS,
    N_VOCAB,
    by_hand,
    draw_lens,
    owners_of,
    spelled,
    tree_of,
)

seeds = st.integers(0, 2**31)
sharps = st.floats(0.05, 8)
TREE = one_token_tree({"red": (3, 10), "blue": (1, 6, 9)})


def scored(residuals, unembedding, tree, places):
    return answer_log_probs(residuals, unembedding, [tree] * len(residuals), places)


@given(spelled(), seeds, sharps)
def test_they_are_the_products_along_the_paths_added(made, seed, sharp):
    tree = tree_of(**made)
    places = places_of([tree])
    residuals, unembedding = draw_lens(seed, n_places=len(places), sharp=sharp)
    got = scored(residuals, unembedding, tree, places)
    logits = unembedding.logits(residuals).numpy()
    for item, layer in np.ndindex(got.shape[:2]):
        at = {path: logits[item, places.index(tree.node(path)), layer] for path in tree.parting}
        wanted = by_hand(tree, at)
        np.testing.assert_allclose(got[item, layer], np.log2(wanted), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.exp2(got).sum(-1), 1, atol=1e-5)
    assert got.dtype == np.float32


@given(spelled(), seeds, st.randoms())
def test_the_order_of_spellings_and_of_places_is_moot_to_the_bit(made, seed, random):
    tree = tree_of(**made)
    places = list(places_of([tree], whole=True))
    residuals, unembedding = draw_lens(seed, n_places=len(places), sharp=3)
    spellings, order = list(owners_of(tree).items()), list(range(len(places)))
    random.shuffle(spellings)
    random.shuffle(order)
    other = tree_of(dict(spellings), ends=tree.ends)
    got = scored(residuals[:, order], unembedding, other, [places[place] for place in order])
    np.testing.assert_array_equal(got, scored(residuals, unembedding, tree, places))


@given(spelled(), seeds, sharps, st.data())
def test_one_more_spelling_never_makes_an_answer_less_probable(made, seed, sharp, data):
    tree = tree_of(**made)
    owners = owners_of(tree)
    token = st.integers(0, N_LETTERS - 1)
    path = data.draw(st.lists(token, min_size=1, max_size=5).map(tuple))
    assume(path not in owners)
    answer = data.draw(st.integers(0, len(tree.answers) - 1))
    more = tree_of({**owners, path: answer}, ends=tree.ends)
    places = places_of([tree, more])
    residuals, unembedding = draw_lens(seed, n_places=len(places), sharp=sharp)
    before = scored(residuals, unembedding, tree, places)[..., answer]
    after = scored(residuals, unembedding, more, places)[..., answer]
    assert (after >= before - 1e-5).all()


tokens = st.lists(st.integers(0, N_VOCAB - 1), min_size=2, unique=True)


@given(tokens, st.data(), seeds, sharps)
def test_one_token_words_are_read_by_the_restricted_softmax_to_the_bit(ids, data, seed, sharp):
    n_answers = data.draw(st.integers(2, min(5, len(ids))))
    of_answer = [sorted(ids[place::n_answers]) for place in range(n_answers)]
    residuals, unembedding = draw_lens(seed, n_places=1, n_items=4, n_layers=3, sharp=sharp)
    wanted = restricted_softmax(residuals[:, 0], unembedding, of_answer)
    tree = one_token_tree({str(place): own for place, own in enumerate(of_answer)})
    got = scored(residuals, unembedding, tree, (ANSWER_NODE,))
    np.testing.assert_array_equal(got, wanted)


def restricted_softmax(block, unembedding: Unembedding, token_ids):
    """As answers were read before words of several tokens could be."""
    ids = torch.tensor([token for answer in token_ids for token in answer])
    logits = unembedding.logits_of_tokens(block, ids)
    parts = logits.split([len(answer) for answer in token_ids], dim=-1)
    answers = torch.stack([part.logsumexp(-1) for part in parts], dim=-1)
    return (answers.log_softmax(-1) / math.log(2)).numpy()


@given(seeds, sharps)
def test_one_token_words_have_their_share_of_the_softmax_over_the_vocabulary(seed, sharp):
    residuals, unembedding = draw_lens(seed, n_places=1, sharp=sharp)
    full = unembedding.logits(residuals[:, 0]).double().softmax(-1).numpy()
    added = np.stack([full[..., list(TREE.beginnings(each))].sum(-1) for each in (0, 1)], axis=-1)
    got = scored(residuals, unembedding, TREE, (ANSWER_NODE,))
    wanted = np.log2(added / added.sum(-1, keepdims=True))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


@given(spelled(), st.lists(st.booleans(), min_size=2, max_size=6), seeds)
def test_every_item_is_read_by_its_own_tree(made, which, seed):
    one = tree_of(**made)
    turned = {path[::-1]: answer for path, answer in made["owners"].items()}
    other = tree_of(turned, ends=one.ends)
    asked = [one if first else other for first in which]
    places = places_of(asked)
    residuals, unembedding = draw_lens(seed, n_places=len(places), n_items=len(asked))
    got = answer_log_probs(residuals, unembedding, asked, places)
    for item, tree in enumerate(asked):
        alone = scored(residuals[[item]], unembedding, tree, places)
        np.testing.assert_allclose(got[[item]], alone, rtol=1e-5, atol=1e-5)


@given(spelled(), seeds, st.floats(-200, 200))
def test_a_shift_of_all_logits_changes_nothing(made, seed, shift):
    tree = tree_of(**made)
    places = places_of([tree])
    residuals, unembedding = draw_lens(seed, n_places=len(places))
    assert unembedding.bias is not None
    shifted = replace(unembedding, bias=unembedding.bias + shift)
    got = scored(residuals, shifted, tree, places)
    wanted = scored(residuals, unembedding, tree, places)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("held", [1, 2 * 2 * D_MODEL, 10**6])
def test_blocks_of_items_do_not_matter(monkeypatch, held):
    tree = tree_of({(1,): 0, (2, 1): 0, (2, 3): 1, (1, 2): 2})
    places = places_of([tree])
    residuals, unembedding = draw_lens(1, n_places=len(places), n_items=11)
    whole = scored(residuals, unembedding, tree, places)
    monkeypatch.setattr(scores, "_BLOCK_LOGITS", held)
    np.testing.assert_allclose(scored(residuals, unembedding, tree, places), whole, atol=1e-5)


def test_the_last_layer_of_a_model_is_its_own_answer(vlm, images, questions, residuals):
    tree = one_token_tree({"red": (3, 30), "blue": (1, 9, 36)})
    own = vlm.answer_logits(images, questions).softmax(-1)
    got = scored(residuals[:, None], vlm.unembedding, tree, (ANSWER_NODE,))[:, -1]
    beginnings = [list(tree.beginnings(answer)) for answer in range(2)]
    added = torch.stack([own[:, ids].sum(-1) for ids in beginnings], dim=-1)
    wanted = (added / added.sum(-1, keepdim=True)).log2()
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3)


def test_a_single_answer_has_the_whole_share():
    tree = one_token_tree({"red": (3, 10)})
    residuals, unembedding = draw_lens(2, n_places=1)
    np.testing.assert_array_equal(scored(residuals, unembedding, tree, (ANSWER_NODE,)), 0)


def test_half_precision_residuals_are_widened():
    residuals, unembedding = draw_lens(2, n_places=1)
    half = scored(residuals.bfloat16(), unembedding, TREE, (ANSWER_NODE,))
    assert half.dtype == np.float32
    wanted = scored(residuals, unembedding, TREE, (ANSWER_NODE,))
    np.testing.assert_allclose(half, wanted, atol=0.2)


def test_residuals_are_needed_at_every_node_below_which_answers_differ():
    tree = tree_of({(1, 2): 0, (1, 3): 1})
    residuals, unembedding = draw_lens(0, n_places=1)
    with pytest.raises(ValueError, match=r"need residuals at Node\(back=0, forced=\(1,\)\)"):
        scored(residuals, unembedding, tree, (ANSWER_NODE,))
    with pytest.raises(ValueError, match=r"need residuals at Node\(back=0, forced=\(\)\)"):
        scored(residuals, unembedding, tree, (Node(forced=(1,)),))
