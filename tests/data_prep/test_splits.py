"""The side of a scene follows from its id alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from data_prep.splits import FRACTIONS, split_of

IDS = [f"CLEVR_val_{number:06d}" for number in range(2000)]


def test_sides_do_not_change_between_versions():
    """Values of the first release: a change of them would leak test scenes into training."""
    sides = [split_of(each) for each in IDS[:8]]
    assert sides == [
        "train", "train", "validation", "test", "train", "test", "train", "test",
    ]  # fmt: skip


@given(st.text(min_size=1, max_size=20))
def test_a_side_is_a_function_of_the_id(scene_id):
    assert split_of(scene_id) == split_of(scene_id)
    assert split_of(scene_id) in FRACTIONS


def test_shares_are_met_on_average():
    sides = [split_of(each) for each in IDS]
    for side, share in FRACTIONS.items():
        spread = np.sqrt(share * (1 - share) / len(IDS))
        assert abs(sides.count(side) / len(IDS) - share) < 4 * spread


def test_another_salt_splits_independently():
    here, there = ([split_of(each, salt=salt) == "test" for each in IDS] for salt in "ab")
    assert abs(np.corrcoef(here, there)[0, 1]) < 4 / np.sqrt(len(IDS))


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_first_share_only_adds_scenes_to_it(share, more):
    low, high = sorted((share, more))
    small, large = (
        {each for each in IDS[:50] if split_of(each, fractions={"a": s, "b": 1 - s}) == "a"}
        for s in (low, high)
    )
    assert small <= large


def test_a_share_of_nothing_gets_nothing():
    assert {split_of(each, fractions={"a": 0.0, "b": 1.0, "c": 0.0}) for each in IDS[:200]} == {"b"}


@pytest.mark.parametrize("fractions", [{"a": 0.5}, {"a": 1.5, "b": -0.5}, {}])
def test_shares_that_do_not_add_up_are_refused(fractions):
    with pytest.raises(UserError, match="must be at least 0 and add up to 1"):
        split_of("x", fractions=fractions)
