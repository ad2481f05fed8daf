"""Premises are false exactly where the table says so, and the text does not tell which."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from data_prep.absence.false_premise import NO_ANSWER, false_premises
from data_prep.absence.matched_items import ABSENCE_COLUMNS
from data_prep.absence.text_only import text_only_accuracy
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, referring_questions
from tests.data_prep.absence.data import (
    bundled,
    description_in,
    nearest,
    require_neither_tells,
    shares_nothing,
)
from tests.data_prep.some_scenes import many_scenes


def asked(scenes, names=PROPERTIES, seed=0, floor=2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return false_premises(scenes, names, rng=rng, min_scenes_per_text=floor)


@pytest.fixture(scope="module")
def of_bundled() -> pd.DataFrame:
    return asked(list(bundled().values()), floor=20)


def require_true(items, scenes) -> None:
    """What the words of the text name is there once or not at all, as the table says."""
    for row in items.itertuples():
        drawn, description = scenes[row.scene_id], description_in(row.question)
        assert row.question == f"What {row.attribute} is the {description.phrase}?"
        assert row.attribute not in description.properties
        fitting = [thing for thing in drawn.objects if description.fits(thing)]
        assert len(fitting) == row.present
        assert row.answer == (getattr(fitting[0], row.attribute) if fitting else NO_ANSWER)
        if row.absent_by == "one property":
            assert nearest(description, drawn) == 1 < len(description.properties)
        elif row.absent_by == "all":
            assert shares_nothing(description, drawn)
        else:
            assert row.present


def require_balanced(items) -> None:
    for _, own in items.groupby("attribute"):
        require_neither_tells(own)
    assert text_only_accuracy(items, "present") == 0.5


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from(PROPERTIES), st.integers(2, 6))
def test_premises_are_as_said_and_texts_balanced_in_any_scenes(seed, name, floor):
    scenes = many_scenes(80, fewest=0, most=3, seed=seed)
    items = asked(scenes, [name], seed, floor)
    require_true(items, {each.scene_id: each for each in scenes})
    require_balanced(items)
    assert min(Counter(items["question"]).values()) >= floor
    left_out = sum(items.attrs["skipped"][name].values())
    assert left_out + len(set(items["scene_id"])) == len(scenes)


def test_on_the_bundled_scenes_hardly_any_is_left_out(of_bundled):
    require_true(of_bundled, bundled())
    require_balanced(of_bundled)
    assert (of_bundled["attribute"].value_counts() >= 2 * 1490).all()
    absent = of_bundled.loc[~of_bundled["present"]]
    shares = (absent["absent_by"] == "one property").groupby(absent["attribute"]).mean()
    assert ((shares - 0.5).abs() < 0.06).all()


def test_answerable_ones_are_referring_questions_of_their_scene(of_bundled):
    answerable = of_bundled[of_bundled["present"]].iloc[::20]
    for row in answerable.itertuples():
        offered = referring_questions(bundled()[str(row.scene_id)], str(row.attribute))
        assert (row.question, row.answer) in {(each.text, each.answer) for each in offered}


def test_the_table_is_one_of_items(of_bundled):
    assert tuple(of_bundled.columns) == ABSENCE_COLUMNS
    assert list(of_bundled["attribute"].unique()) == list(PROPERTIES)
    assert of_bundled["item_id"].is_unique
    assert set(of_bundled["absent_by"]) == {"", "one property", "all"}
    assert of_bundled["present"].dtype == bool


def test_neither_the_order_of_scenes_nor_other_attributes_matter():
    scenes = many_scenes(80)
    both = asked(scenes, ["color", "size", "color"])
    assert_frame_equal(both, asked(scenes[::-1], ["color", "size"]))
    alone = asked(scenes, ["size"])
    assert_frame_equal(both.query("attribute == 'size'").reset_index(drop=True), alone)
    assert set(both.attrs["skipped"]) == {"color", "size"}
    assert not alone.equals(asked(scenes, ["size"], seed=1))


@pytest.mark.parametrize(("names", "got"), [(["color", "count"], "'count'"), ([], "none")])
def test_what_an_object_does_not_have_is_not_asked(names, got):
    with pytest.raises(UserError, match=f"asked for size, color, material, shape, got {got}"):
        asked(many_scenes(10), names)
