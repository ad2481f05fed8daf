"""Questions have one right answer, which their text does not give away."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.questions import (
    PROPERTIES,
    caption,
    count_question,
    describe,
    descriptions,
    exist_question,
    foremost_object,
    foremost_question,
    main_question,
    referent,
    referring_question,
    referring_questions,
)
from tests.data_prep.some_scenes import many_scenes, phrases, scene

properties = st.sampled_from(PROPERTIES)
seeds = st.integers(0, 2**32 - 1)

TWO = scene("small blue metal cube", "large red metal sphere")
TWINS = scene("small blue metal cube", "small blue metal cube")


@given(phrases(fewest=1), properties, st.data())
def test_a_description_fits_its_target_alone_and_never_tells_the_answer(words, asked, data):
    drawn = scene(*words)
    target = data.draw(st.integers(0, len(drawn.objects) - 1))
    for each in descriptions(drawn, target, asked):
        assert [n for n, thing in enumerate(drawn.objects) if each.fits(thing)] == [target]
        assert asked not in each.properties
        assert not set(each.phrase.split()) & set(attribute(asked).answers)


@given(phrases(fewest=1), properties, st.data())
def test_descriptions_are_complete_and_fewest_words_come_first(words, asked, data):
    drawn = scene(*words)
    target = data.draw(st.integers(0, len(drawn.objects) - 1))
    found = descriptions(drawn, target, asked)
    lengths = [len(each.properties) for each in found]
    assert lengths == sorted(lengths)
    others = [thing for n, thing in enumerate(drawn.objects) if n != target]
    fullest = describe(drawn.objects[target], tuple(n for n in PROPERTIES if n != asked))
    assert (fullest in found) == (not any(fullest.fits(other) for other in others))


def test_descriptions_in_canonical_order():
    phrases = [each.phrase for each in descriptions(TWO, 1, "material")]
    assert phrases == [
        "large thing", "red thing", "sphere", "large red thing", "large sphere", "red sphere",
        "large red sphere",
    ]  # fmt: skip


@given(phrases(fewest=1), properties)
def test_a_referring_question_is_answered_by_what_its_text_names(words, asked):
    drawn = scene(*words)
    offered = referring_questions(drawn, asked)
    assert len({question.text for question in offered}) == len(offered)
    for question in offered:
        assert question.text.startswith(f"What {asked} is the ")
        named = set(question.text.removesuffix("?").split()[4:]) - {"thing"}
        (answer,) = {
            getattr(thing, asked)
            for thing in drawn.objects
            if named <= {getattr(thing, name) for name in PROPERTIES}
        }
        assert question.answer == answer


def test_texts_as_the_contract_has_them():
    texts = [question.text for question in referring_questions(TWO, "color", target=1)]
    assert "What color is the large sphere?" in texts
    assert "What color is the large metal thing?" in texts
    alone = scene("large red metal sphere")
    assert main_question(alone, "material").text == "Material of the main object:"
    assert main_question(alone, "material").answer == "metal"
    assert (count_question(TWO).text, count_question(TWO).answer) == ("Number of objects:", "2")
    assert count_question(TWO, main=True).text == "Number of main objects:"


@given(phrases(fewest=1), properties)
def test_the_foremost_object_is_a_large_one_if_any_and_the_lowest_of_them(words, asked):
    drawn = scene(*words)
    found = foremost_object(drawn)
    assert found.size == "large" or all(each.size == "small" for each in drawn.objects)
    rivals = [each for each in drawn.objects if each.size == found.size]
    assert found.position_px[1] == max(each.position_px[1] for each in rivals)
    question = foremost_question(drawn, asked)
    assert question.answer == getattr(found, asked)
    assert referent(drawn, asked, question.text) == found


def test_a_scene_of_nothing_has_no_foremost_object():
    with pytest.raises(UserError, match="at least 1 object, got 0"):
        foremost_object(scene())


@given(phrases(fewest=1), properties, seeds)
def test_a_drawn_question_is_one_of_those_offered_and_its_seed_decides_which(words, asked, seed):
    drawn = scene(*words)
    assume(referring_questions(drawn, asked))
    first, again = (referring_question(drawn, asked, np.random.default_rng(seed)) for _ in range(2))
    assert first == again
    assert first in referring_questions(drawn, asked)


def test_without_a_unique_referent_an_explicit_question_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="needs a unique referent, but no description without size"):
        referring_question(TWINS, "size", rng)
    with pytest.raises(UserError, match="singles out object 1 among 2"):
        referring_question(TWINS, "size", rng, target=1)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(UserError, match="objects are numbered from 0 to 1, got 2"):
        referring_questions(TWO, "size", target=2)
    with pytest.raises(UserError, match="got 'count': choose"):
        referring_questions(TWO, "count")
    with pytest.raises(UserError, match="only where there is one object, got 2"):
        main_question(TWO, "size")


@pytest.mark.parametrize("asked", PROPERTIES)
def test_the_referent_of_every_question_is_found(asked):
    n_questions = 0
    for drawn in many_scenes(60, fewest=1, most=5):
        for target, thing in enumerate(drawn.objects):
            for question in referring_questions(drawn, asked, target=target):
                assert referent(drawn, asked, question.text) is thing
                assert getattr(thing, asked) == question.answer
                n_questions += 1
        if len(drawn.objects) == 1:
            text = main_question(drawn, asked).text
            assert referent(drawn, asked, text) is drawn.objects[0]
            n_questions += 1
    assert n_questions > 300


@pytest.mark.parametrize(
    ("drawn", "asked", "text"),
    [
        (TWO, "count", "Number of objects:"),
        (TWO, "exist", "Is there a large sphere?"),
        (TWO, "color", "What size is the red sphere?"),
        (TWO, "color", "What color is the metal thing?"),
        (TWINS, "color", "What color is the small cube?"),
        (TWO, "color", ""),
    ],
)
def test_a_text_about_no_single_object_is_refused(drawn, asked, text):
    with pytest.raises(UserError, match="asks about no single object: read the position answer"):
        referent(drawn, asked, text)


@given(phrases(), seeds)
def test_existence_is_answered_by_the_scene(words, seed):
    drawn = scene(*words)
    question = exist_question(drawn, np.random.default_rng(seed))
    named = set(question.text.removesuffix("?").split()[3:]) - {"thing"}
    there = any(named <= {getattr(thing, name) for name in PROPERTIES} for thing in drawn.objects)
    assert question.answer == ("yes" if there else "no")


def test_existence_is_balanced_whatever_the_length_of_the_text():
    rng = np.random.default_rng(4)
    asked = [exist_question(TWO, rng) for _ in range(1500)]
    yes = np.array([question.answer == "yes" for question in asked])
    length = np.array(
        [len(question.text.split()) - ("thing" in question.text) for question in asked]
    )
    for each in np.unique(length):
        n = (length == each).sum()
        assert abs(yes[length == each].mean() - 0.5) < 4 * 0.5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["small red metal cube"], "A small red metal cube."),
        (
            ["large red metal sphere", "small blue rubber cube"],
            "A large red metal sphere and a small blue rubber cube.",
        ),
        (
            ["large red metal sphere", "small blue rubber cube", "small cyan metal cylinder"],
            "A large red metal sphere, a small blue rubber cube and a small cyan metal cylinder.",
        ),
    ],
)
def test_a_caption_lists_objects_from_left_to_right(words, text):
    assert caption(scene(*words)) == text


def test_a_caption_needs_an_object():
    with pytest.raises(UserError, match="at least 1 object"):
        caption(scene())
