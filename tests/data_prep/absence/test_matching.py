"""Pairs of scenes for texts, against a search through all possible pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.absence.matching import Match, Offers, matched_scenes

N_TEXTS = 6


def some_offers(seed: int, n_scenes: int) -> Offers:
    """Random offers, in which a scene can be asked a text in one role at most."""
    rng = np.random.default_rng(seed)
    roles = rng.integers(0, 6, (n_scenes, N_TEXTS))
    return Offers(
        present=roles == 0,
        absent_by={"one property": roles == 1, "all": roles == 2},
        n_objects=rng.integers(1, 3, n_scenes),
        sorts=np.arange(N_TEXTS) % 3,
    )


def is_offered(offers: Offers, match: Match) -> bool:
    return bool(
        offers.present[match.present, match.text]
        and offers.absent_by[match.absent_by][match.absent, match.text]
        and offers.n_objects[match.present] == offers.n_objects[match.absent]
    )


@given(st.integers(0, 1000), st.integers(0, 30), st.integers(2, 6))
def test_pairs_are_offered_and_share_no_scene(seed, n_scenes, floor):
    offers = some_offers(seed, n_scenes)
    found = matched_scenes(offers, floor=floor, rng=np.random.default_rng(seed))
    assert all(is_offered(offers, each) for each in found)
    scenes = [scene for each in found for scene in (each.present, each.absent)]
    assert len(scenes) == len(set(scenes))
    texts = [each.text for each in found]
    assert all(2 * texts.count(text) >= floor for text in texts)


@given(st.integers(0, 1000), st.integers(0, 30))
def test_without_a_floor_no_pair_is_left(seed, n_scenes):
    offers = some_offers(seed, n_scenes)
    found = matched_scenes(offers, floor=2, rng=np.random.default_rng(seed))
    used = {scene for each in found for scene in (each.present, each.absent)}
    for one, other in combinations(sorted(set(range(n_scenes)) - used), 2):
        for present, absent in ((one, other), (other, one)):
            for way in offers.absent_by:
                for text in range(N_TEXTS):
                    match = Match(text=text, present=present, absent=absent, absent_by=way)
                    assert not is_offered(offers, match)


def test_ways_and_sorts_are_even_where_scenes_allow():
    roles = np.arange(240) % 3
    offered = [np.repeat((roles == role)[:, None], N_TEXTS, axis=1) for role in range(3)]
    offers = Offers(
        # Any scene may be the one with the thing, or a scene without, in either way.
        present=np.ones_like(offered[0]),
        absent_by={"one property": offered[1] | offered[0], "all": offered[2] | offered[0]},
        n_objects=np.ones(240, dtype=np.int64),
        sorts=np.arange(N_TEXTS) % 3,
    )
    found = matched_scenes(offers, floor=2, rng=np.random.default_rng(0))
    ways = [each.absent_by for each in found]
    assert len(found) == 120
    assert ways.count("all") == pytest.approx(60, abs=2)
    sorts = np.bincount([offers.sorts[each.text] for each in found])
    assert sorts.max() - sorts.min() <= 4
