"""Which answer a model's words are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.attributes import Attribute
from probes.answers.said import answer_said, said
from probes.answers.spellings import answer_tree
from tests.probes.families.sizes import token_id
from tests.probes.vocabularies import tokenizer_of

PROMPT = "<|im_start|>user\n<|image_pad|>What?<|im_end|>\n<|im_start|>assistant\n"
WORDS = {
    "cube": ("cube", "block"),
    "tennis": ("tennis",),
    "tennis racket": ("tennis racket", "racket"),
    "1": ("1", "one"),
    "10": ("10",),
}


@pytest.fixture(scope="module")
def tree():
    tokenizer = tokenizer_of("qwen_like")
    attribute = Attribute(name="thing", answers=tuple(WORDS), words=WORDS)
    return answer_tree(tokenizer, PROMPT, "", attribute, [token_id(tokenizer, "<|im_end|>")])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("cube", "cube"),
        ("Cube.", "cube"),
        ("  Block\n", "cube"),
        ("cube, and a sphere", "cube"),
        ("cubes", None),
        ("cube2", None),
        ("tennis", "tennis"),
        ("tennis racket.", "tennis racket"),
        ("Tennis racket", "tennis racket"),
        ("tennis rackets", "tennis"),
        ("tennis-racket", "tennis"),
        ("1", "1"),
        ("1.", "1"),
        ("10", "10"),
        ("100", None),
        ("a cube", None),
        ("", None),
    ],
)
def test_it_is_the_longest_spelling_up_to_the_end_of_a_word(tree, text, answer):
    found = answer_said(text, tree)
    assert (None if found is None else tree.answers[found]) == answer


@given(st.sampled_from([*WORDS]), st.sampled_from([*" .,;:!?\n\"'("]), st.text(max_size=4))
def test_what_comes_after_the_word_does_not_matter(tree, answer, sign, more):
    text = f"{answer}{sign}{more}"
    # Unless it makes a longer answer of it.
    if not text.lower().startswith("tennis racket"):
        assert answer_said(text, tree) == tree.answers.index(answer)


def test_a_model_is_asked_in_batches_of_any_size(vlm, images, questions):
    attribute = Attribute(
        name="color", answers=("red", "blue"), words={"red": ("red",), "blue": ("blue",)}
    )
    asked = [vlm.answer_tree(question, attribute) for question in questions]
    whole = said(vlm, images, questions, asked)
    assert said(vlm, images, questions, asked, batch_size=2) == whole
    assert len(whole) == len(questions)
    for each, tree in zip(whole, asked, strict=True):
        assert each.answer == answer_said(each.text, tree)
        assert each.text == each.text.strip()
        assert "</s>" not in each.text
