"""Pairs of scenes for texts, against a search through all possible pairs."""

from itertools import combinations, permutations

import numpy as np
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
    absent = offers.absent_by[match.absent_by]
    (one, other), (text, other_text) = match.scenes, match.texts
    return bool(
        offers.n_objects[one] == offers.n_objects[other]
        and offers.present[one, text]
        and absent[other, text]
        and offers.present[other, other_text]
        and absent[one, other_text]
    )


@given(st.integers(0, 1000), st.integers(0, 30), st.integers(2, 6))
def test_pairs_are_offered_and_share_no_scene(seed, n_scenes, floor):
    offers = some_offers(seed, n_scenes)
    found = matched_scenes(offers, floor=floor, rng=np.random.default_rng(seed))
    assert all(is_offered(offers, each) for each in found)
    scenes = [scene for each in found for scene in each.scenes]
    assert len(scenes) == len(set(scenes))
    texts = [text for each in found for text in each.texts]
    assert all(2 * texts.count(text) >= floor for text in texts)


@given(st.integers(0, 1000), st.integers(0, 30))
def test_without_a_floor_no_pair_is_left(seed, n_scenes):
    offers = some_offers(seed, n_scenes)
    found = matched_scenes(offers, floor=2, rng=np.random.default_rng(seed))
    used = {scene for each in found for scene in each.scenes}
    for scenes in combinations(sorted(set(range(n_scenes)) - used), 2):
        for way in offers.absent_by:
            for texts in permutations(range(N_TEXTS), 2):
                assert not is_offered(offers, Match(scenes=scenes, texts=texts, absent_by=way))


def test_ways_and_sorts_are_even_where_scenes_allow():
    everything = np.ones((240, N_TEXTS), dtype=bool)
    offers = Offers(
        present=everything,
        absent_by={"one property": everything, "all": everything},
        n_objects=np.ones(240, dtype=np.int64),
        sorts=np.arange(N_TEXTS) // 4,  # four texts of the one sort, two of the other
    )
    found = matched_scenes(offers, floor=2, rng=np.random.default_rng(0))
    assert len(found) == 120
    assert [each.absent_by for each in found].count("all") == 60
    for way in offers.absent_by:
        texts = [text for each in found if each.absent_by == way for text in each.texts]
        assert np.bincount(offers.sorts[texts]).tolist() == [60, 60]
