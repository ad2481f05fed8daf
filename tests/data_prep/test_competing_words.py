"""Competing words: the built-in ones fit the vocabulary, and own ones are checked."""

import pytest

from data_prep.attributes import ATTRIBUTES, attribute, attribute_of
from data_prep.competing_words import competition, default_words, words_of
from data_prep.errors import UserError


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if default_words(name)])
def test_built_in_words_compete_with_answers(name):
    words = default_words(name)
    found = competition(attribute(name), words)
    assert set(words) <= set(attribute(name).answers)
    assert set(found.groups.answers) >= set(attribute(name).answers)


def test_a_synonym_that_competes_is_no_longer_right():
    found = competition(attribute("shape"), {"sphere": ("circle", "ball")})
    assert found.groups.words["sphere"] == ("sphere",)
    assert found.groups.words["ball"] == ("ball",)
    assert found.groups.words["cube"] == ("cube", "block")


def test_words_are_listed_with_commas():
    assert words_of("Square, tin  box") == ("square", "tin box")
    with pytest.raises(UserError, match="words are listed with commas, got 'a,,b'"):
        words_of("a,,b")


@pytest.mark.parametrize(
    ("near", "message"),
    [
        ({"cone": ("square",)}, "unknown answer for shape: got 'cone'"),
        ({"cube": ("sphere",)}, "must be its own, but 'sphere' is an answer itself"),
        ({"cube": ("square", "square")}, "must be its own, but 'square' stands twice"),
        ({"cube": ("ball",)}, "each word of shape belongs to one answer, got 'ball'"),
        ({"cube": ("cube",)}, "'cube' is an answer itself"),
    ],
)
def test_words_that_cannot_compete(near, message):
    with pytest.raises(UserError, match=message):
        competition(attribute("shape"), near)


def test_an_answer_keeps_a_word():
    with pytest.raises(UserError, match="'far' of place needs a right word beside the competing"):
        competition(
            attribute_of("place", {"far": ("away",), "near": ("near",)}), {"far": ("away",)}
        )
