"""The vocabulary: complete, without overlap, and in the spellings that models use."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.attributes import ATTRIBUTES, attribute, surface_forms
from data_prep.errors import UserError


@pytest.mark.parametrize(
    ("name", "n_answers"), [("color", 8), ("shape", 3), ("material", 2), ("size", 2), ("count", 11)]
)
def test_the_answer_sets_are_those_of_clevr(name, n_answers):
    assert len(attribute(name).answers) == n_answers


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_word_belongs_to_one_answer_and_every_answer_is_its_own_first_word(name):
    known = attribute(name)
    words = list(chain.from_iterable(known.words[answer] for answer in known.answers))
    assert len(words) == len(set(words))
    assert [known.words[answer][0] for answer in known.answers] == list(known.answers)


def test_synonyms_are_data():
    assert attribute("material").words["metal"] == ("metal", "metallic", "shiny")
    assert "matte" in attribute("material").words["rubber"]


def test_an_unknown_attribute_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match="unknown attribute 'colour': choose from color, shape"):
        attribute("colour")


def test_surface_forms_of_a_word_and_of_a_numeral():
    assert surface_forms("red") == ("red", "Red")
    assert surface_forms("traffic light") == ("traffic light", "Traffic light")
    assert surface_forms("3") == ("3",)
    assert surface_forms("立方体") == ("立方体",)


@pytest.mark.parametrize("word", ["TV", "iPod", "New York", "eBay listing"])
def test_a_word_with_capitals_inside_is_kept_as_it_is(word):
    assert surface_forms(word) == (word,)


@given(
    st.sampled_from([word for n in ATTRIBUTES for w in attribute(n).words.values() for word in w])
)
def test_surface_forms_differ_only_in_the_case_of_the_first_letter(word):
    forms = surface_forms(word)
    assert len(forms) == len(set(forms))
    assert {form.lower() for form in forms} == {word}
    assert {form[1:] for form in forms} == {word[1:]}
    assert surface_forms(word.capitalize()) == forms


@given(st.sets(st.sampled_from(attribute("count").answers), min_size=1))
def test_a_restriction_keeps_order_and_words(answers):
    known = attribute("count")
    fewer = known.restricted_to(answers)
    assert fewer.answers == tuple(each for each in known.answers if each in answers)
    assert fewer.words == {answer: known.words[answer] for answer in fewer.answers}
    assert hash(fewer) == hash(known.restricted_to(sorted(answers)))


@pytest.mark.parametrize(("answers", "got"), [((), "got none"), (("3", "12"), "got '12'")])
def test_a_restriction_to_what_is_no_answer_is_refused(answers, got):
    with pytest.raises(UserError, match=got):
        attribute("count").restricted_to(answers)


def test_an_error_of_the_user_is_one_line():
    assert str(UserError("no file 'a\nb':\r\ncorrect it")) == "no file 'a b': correct it"
