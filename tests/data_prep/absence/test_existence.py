"""Whether something is there: the answers are true, and neither text nor number tells them."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from data_prep.absence.existence import existence_questions
from data_prep.absence.matched_items import ABSENCE_COLUMNS
from data_prep.absence.text_only import text_only_accuracy
from data_prep.errors import UserError
from data_prep.photographs.labels import YES_NO
from tests.data_prep.absence.data import (
    bundled,
    description_in,
    nearest,
    require_neither_tells,
    shares_nothing,
)
from tests.data_prep.some_scenes import many_scenes, scene


def asked(scenes, seed=0, floor=2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return existence_questions(scenes, rng=rng, min_scenes_per_text=floor)


@pytest.fixture(scope="module")
def of_bundled() -> pd.DataFrame:
    return asked(list(bundled().values()), floor=20)


def require_true(items, scenes) -> None:
    """Every answer, and every way of absence, is what the words of the text say of the scene."""
    for row in items.itertuples():
        drawn, description = scenes[row.scene_id], description_in(row.question)
        assert row.question == f"Is there a {description.phrase}?"
        there = any(description.fits(thing) for thing in drawn.objects)
        assert row.present == there
        assert row.answer == ("yes" if there else "no")
        if row.absent_by == "one property":
            assert nearest(description, drawn) == 1 < len(description.properties)
        elif row.absent_by == "all":
            assert shares_nothing(description, drawn)
        else:
            assert there


def require_balanced(items) -> None:
    """Neither the text, nor the scene, nor the number of objects tells, in either way."""
    require_neither_tells(items)
    assert text_only_accuracy(items) == 0.5


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(2, 6))
def test_answers_are_true_and_texts_balanced_in_any_scenes(seed, floor):
    scenes = many_scenes(80, fewest=0, most=3, seed=seed)
    items = asked(scenes, seed, floor)
    require_true(items, {each.scene_id: each for each in scenes})
    require_balanced(items)
    assert min(Counter(items["question"]).values()) >= floor
    assert list(items["scene_id"]) == sorted(items["scene_id"])
    left_out = sum(items.attrs["skipped"]["exist"].values())
    assert left_out + len(set(items["scene_id"])) == len(scenes)


def test_on_the_bundled_scenes_hardly_any_is_left_out(of_bundled):
    require_true(of_bundled, bundled())
    require_balanced(of_bundled)
    assert len(of_bundled) >= 2 * 1530
    absent = of_bundled.loc[~of_bundled["present"], "absent_by"]
    assert abs((absent == "one property").mean() - 0.5) < 0.02
    assert min(Counter(of_bundled["question"]).values()) >= 20
    lengths = {len(description_in(text).properties) for text in of_bundled["question"]}
    assert lengths == {1, 2, 3, 4}


def test_the_table_is_one_of_items(of_bundled):
    assert tuple(of_bundled.columns) == ABSENCE_COLUMNS
    assert set(of_bundled["attribute"]) == set(of_bundled["template"]) == {"exist"}
    assert set(of_bundled["answer"]) == set(YES_NO)
    assert of_bundled["item_id"].is_unique
    assert of_bundled["present"].dtype == bool


def test_the_seed_decides_and_the_order_of_scenes_does_not():
    scenes = many_scenes(80)
    assert_frame_equal(asked(scenes), asked(scenes[::-1]))
    assert asked(scenes).attrs == asked(scenes[::-1]).attrs
    assert list(asked(scenes)["question"]) != list(asked(scenes, seed=1)["question"])


def test_two_scenes_share_two_texts_with_opposite_answers():
    two = [scene("large red metal cube", scene_id="a"), scene("small red metal cube", scene_id="b")]
    items = asked(two)
    asked_of = zip(items["question"], items["scene_id"], strict=True)
    answers = dict(zip(asked_of, items["answer"], strict=True))
    assert len(answers) == 4
    for (text, scene_id), answer in answers.items():
        named = description_in(text).size
        assert named is not None
        assert answer == ("yes" if named == {"a": "large", "b": "small"}[scene_id] else "no")


def test_scenes_that_share_no_text_are_refused():
    twins = [scene("large red metal cube", scene_id=each) for each in "ab"]
    with pytest.raises(UserError, match="share texts for exist, got none among 2: give more"):
        asked(twins)
    with pytest.raises(UserError, match="got none among 0"):
        asked([])
    apart = [scene("large red metal cube"), scene(*["small red metal cube"] * 2, scene_id="b")]
    with pytest.raises(UserError, match="with equally many objects"):
        asked(apart)


def test_what_cannot_be_balanced_is_refused():
    with pytest.raises(UserError, match="at least 2, got 1"):
        asked(many_scenes(10), floor=1)
    with pytest.raises(UserError, match="got scene id 'scene_00000' 2 times"):
        asked(many_scenes(10) * 2)
    with pytest.raises(UserError, match="a min_scenes_per_text below 1000"):
        asked(many_scenes(10), floor=1000)
