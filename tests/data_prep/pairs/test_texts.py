"""Which texts are valid in both scenes, and that few are in use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.pairs.texts import fewest_texts, shared_questions
from data_prep.questions import referent
from tests.data_prep.some_scenes import scene

OTHER = "large blue rubber sphere"


def test_a_text_asks_for_the_same_object_in_both():
    base, changed = scene("small red metal cube", OTHER), scene("small green metal cube", OTHER)
    asked = shared_questions(base, changed, "color", target=0)
    assert len(asked) == 7  # every description without the color: 3 of 1 word, 3 of 2, 1 of 3
    for one, other in asked:
        assert (one.text, one.answer, other.answer) == (other.text, "red", "green")
        assert referent(base, "color", one.text) is base.objects[0]
    unchanged = shared_questions(base, changed, "color", target=1)
    assert {(one.answer, other.answer) for one, other in unchanged} == {("blue", "blue")}


def test_a_description_by_the_changed_attribute_is_not_shared():
    base, changed = scene("small red metal cube", OTHER), scene("small green metal cube", OTHER)
    for one, other in shared_questions(base, changed, "shape", target=0):
        assert "red" not in one.text
        assert one == other


def test_a_description_that_a_change_makes_ambiguous_is_not_shared():
    base = scene("small red metal cube", "large red metal cube")
    changed = scene("small red metal cube", "small red metal cube")
    assert shared_questions(base, changed, "color", target=0) == ()


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4), max_size=12))
def test_every_pair_gets_a_text_that_it_offers_whatever_the_order(offered):
    chosen = fewest_texts(offered)
    assert all(text in each for text, each in zip(chosen, offered, strict=True))
    assert fewest_texts(offered[::-1]) == chosen[::-1]


def test_the_text_that_most_can_use_comes_first():
    assert fewest_texts([["x", "a"], ["x", "b"], ["x", "c"], ["d"]]) == ["x", "x", "x", "d"]
    with pytest.raises(ValueError, match="at least one text"):
        fewest_texts([["a"], []])
