"""The answer tree: its nodes, where they are read, and what is no tree."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.answers.tree import (
    ANSWER_NODE,
    DEEPEST,
    AnswerTree,
    Node,
    Spelling,
    one_token_tree,
    places_of,
)
from probes.answers.trees import AnswerTrees
from tests.probes.answers.random_trees import ENDS, leaves_of, owners_of, spelled, tree_of

C, YL, INDER, UBE, CUBE, SPHERE = range(10, 16)
# As LLaMA's tokenizer cuts them: "cube", "Cube", "sphere", "cylinder", "Cylinder".
SHAPES = tree_of({(CUBE,): 0, (C, UBE): 0, (SPHERE,): 1, (9, YL, INDER): 2, (C, YL, INDER): 2})


@given(spelled())
def test_leaves_are_all_sequences_that_end_an_answer(made):
    tree = tree_of(**made)
    found = {tuple(token for _, token in steps): each.answer for each, steps in tree.leaves}
    assert found == leaves_of(tree)
    for _, steps in tree.leaves:
        tokens = tuple(token for _, token in steps)
        assert [path for path, _ in steps] == [tokens[:depth] for depth in range(len(tokens))]


@given(spelled())
def test_answers_differ_below_every_node_that_is_read_and_below_no_other(made):
    tree = tree_of(**made)
    leaves = leaves_of(tree)
    for path, below in tree.children.items():
        here = {leaf: answer for leaf, answer in leaves.items() if leaf[: len(path)] == path}
        assert below.keys() == {leaf[len(path)] for leaf in here}
        for token, answers in below.items():
            assert answers == {here[leaf] for leaf in here if leaf[len(path)] == token}
        assert (path in tree.parting) == (len(set(here.values())) > 1)
    assert tree.parting[0] == ()
    assert set(tree.children) == {leaf[:depth] for leaf in leaves for depth in range(len(leaf))}


def test_what_follows_the_point_where_answers_part_is_not_read():
    assert SHAPES.parting == ((), (C,))
    assert set(SHAPES.children) - set(SHAPES.parting) == {(9,), (9, YL), (C, YL)}
    assert places_of([SHAPES]) == (ANSWER_NODE, Node(forced=(C,)))
    assert len(places_of([SHAPES], whole=True)) == 5
    assert SHAPES.beginnings(0) == (C, CUBE)
    assert SHAPES.beginnings(2) == (9, C)


@given(spelled(), st.randoms())
def test_the_order_of_spellings_is_moot(made, random):
    tree = tree_of(**made)
    paths = list(owners_of(tree).items())
    random.shuffle(paths)
    other = tree_of(dict(paths), ends=tree.ends)
    assert list(other.children.items()) == list(tree.children.items())
    assert [[*below] for below in other.children.values()] == [
        [*below] for below in tree.children.values()
    ]
    assert other.parting == tree.parting
    assert places_of([other], whole=True) == places_of([tree], whole=True)


@given(spelled(), st.lists(st.integers(0, 3), min_size=3, max_size=3).map(tuple), st.integers(0, 3))
def test_a_node_is_read_after_the_tokens_that_lead_to_it(made, prompt_end, back):
    tree = tree_of(**made)
    tree = tree_of(owners_of(tree), ends=tree.ends, back=back, prompt_end=prompt_end)
    prompt = (90, 91, *prompt_end)
    root = prompt[: len(prompt) - back]
    for path in tree.children:
        node = tree.node(path)
        kept = prompt[: len(prompt) - node.back]
        assert kept + node.forced == root + path
        assert not (node.back and node.forced and prompt[len(kept)] == node.forced[0]), (
            "what the prompt itself writes is not forced"
        )
    assert tree.node(()) == Node(back=back)


def test_where_the_prompt_ends_as_a_spelling_begins_its_own_end_is_read():
    tree = tree_of({(7, 1): 0, (7, 8, 2): 1, (3,): 2, (7, 2): 2}, back=2, prompt_end=(6, 7, 8))
    assert places_of([tree], whole=True) == (
        ANSWER_NODE,
        Node(back=1),
        Node(back=2),
    )
    assert tree.node((7, 8)) == ANSWER_NODE


@given(spelled(), st.lists(st.integers(0, 9), min_size=2, max_size=4).map(tuple), st.integers(0, 2))
def test_json_gives_the_same_tree_back(made, prompt_end, back):
    tree = tree_of(**made)
    tree = tree_of(owners_of(tree), ends=tree.ends, back=back, prompt_end=prompt_end)
    again = AnswerTree.of_json(json.loads(json.dumps(tree.to_json())))
    assert again == tree
    assert again.children == tree.children
    assert hash(again) == hash(tree)


def test_json_gives_the_same_trees_back_each_once():
    other = one_token_tree({"answer 0": [1], "answer 1": [2], "answer 2": [3]})
    asked = AnswerTrees(by_question={"What?": SHAPES, "Which?": other, "How?": SHAPES})
    again = AnswerTrees.of_json(json.loads(json.dumps(asked.to_json())))
    assert again == asked
    assert again.different() == [SHAPES, other]
    assert again.by_question["What?"] is again.by_question["How?"]
    assert again.of(["How?", "Which?"]) == [SHAPES, other]
    assert again.answers == SHAPES.answers
    assert again.places() == places_of([SHAPES, other]) == (ANSWER_NODE, Node(forced=(C,)))


def refused(spellings, answers=("cube", "ball"), ends=ENDS) -> str:
    with pytest.raises(UserError) as caught:
        AnswerTree(
            answers=answers,
            spellings=tuple(
                Spelling(answer=answer, text=text, tokens=tokens)
                for answer, text, tokens in spellings
            ),
            ends=ends,
        )
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_answers_written_alike_are_refused_by_name():
    told = refused([(0, "Block", (1, 2)), (1, "block", (1, 2))])
    assert "'cube' and 'ball' are both written [1, 2] ('Block', 'block')" in told


def test_a_spelling_of_too_many_tokens_is_refused():
    longest = tuple(range(DEEPEST))
    tree_of({longest: 0, (99,): 1})
    told = refused([(0, "Cuuube", (*longest, 5)), (1, "ball", (99,))])
    assert "at most 12 tokens, got 13 for 'Cuuube' of 'cube'" in told


def test_an_answer_without_a_spelling_is_refused():
    assert refused([(0, "cube", (1,))]).startswith("answer 'ball' has no spelling")


@pytest.mark.parametrize("other", [0, 1])
def test_the_beginning_of_another_spelling_needs_a_token_that_ends_a_turn(other):
    spellings = [(0, "tennis", (1,)), (other, "tennis racket", (1, 2)), (1, "ball", (3,))]
    assert refused(spellings, ends=()).startswith(
        "'tennis' is the beginning of another spelling, and this tokenizer has no token that ends"
    )
