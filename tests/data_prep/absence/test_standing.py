"""What the vectorised counts say of scenes and descriptions is what comparing one by one says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from data_prep.absence.standing import all_descriptions, standing_of
from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES
from tests.data_prep.some_scenes import phrases, scene

DESCRIPTIONS = all_descriptions()


def shared(description, thing) -> int:
    return sum(
        getattr(thing, name) == getattr(description, name) for name in description.properties
    )


@settings(max_examples=20)
@given(phrases(most=5))
def test_standing_is_that_of_a_comparison_one_by_one(words):
    drawn = scene(*words)
    found = standing_of([drawn], DESCRIPTIONS)
    for place, each in enumerate(DESCRIPTIONS):
        n_fitting = sum(each.fits(thing) for thing in drawn.objects)
        most = max((shared(each, thing) for thing in drawn.objects), default=0)
        n_named = len(each.properties)
        assert found.n_fitting[0, place] == n_fitting
        assert found.absent_by["one property"][0, place] == (n_named > 1 and most == n_named - 1)
        assert found.absent_by["all"][0, place] == (most == 0)


@settings(max_examples=20)
@given(phrases(fewest=1, most=5))
def test_present_absent_by_one_and_absent_by_all_exclude_each_other(words):
    found = standing_of([scene(*words)], DESCRIPTIONS)
    ways = [found.n_fitting > 0, *found.absent_by.values()]
    assert np.sum(ways, axis=0).max() == 1


@settings(max_examples=20)
@given(phrases(fewest=1, most=5))
def test_absent_by_one_are_objects_of_the_scene_with_one_property_changed(words):
    drawn = scene(*words)
    changed = {
        replace(thing, **{name: value})
        for thing in drawn.objects
        for name in PROPERTIES
        for value in attribute(name).answers
        if value != getattr(thing, name)
    }
    by_one = standing_of([drawn], DESCRIPTIONS).absent_by["one property"][0]
    for place, each in enumerate(DESCRIPTIONS):
        if by_one[place]:
            assert any(each.fits(thing) for thing in changed)
            assert not any(each.fits(thing) for thing in drawn.objects)


@pytest.mark.parametrize("without", [None, *PROPERTIES])
def test_every_description_once_and_never_by_what_is_asked(without):
    found = all_descriptions(without=without)
    number = 1
    for name in PROPERTIES:
        number *= 1 if name == without else 1 + len(attribute(name).answers)
    assert len(found) == len(set(found)) == number - 1
    assert not any(without in each.properties for each in found)


def test_scenes_of_different_size_do_not_touch_each_other():
    several = [scene(), scene("large red metal cube"), scene(*["small blue rubber sphere"] * 3)]
    together = standing_of(several, DESCRIPTIONS)
    for row, each in enumerate(several):
        alone = standing_of([each], DESCRIPTIONS)
        assert (together.n_fitting[row] == alone.n_fitting[0]).all()
    assert standing_of([], DESCRIPTIONS).n_fitting.shape == (0, 323)


def test_an_unknown_property_is_named():
    with pytest.raises(UserError, match=r"color must be one of gray, .*, got 'pink': correct"):
        standing_of([scene("large pink metal cube")], DESCRIPTIONS)
