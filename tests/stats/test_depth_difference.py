"""Emergence of two runs at relative depth: coverage, errors, and the ways that must fail."""

import numpy as np
import pytest
from scipy.stats import binom

from stats import depth_difference, half_plateau_crossing
from stats.simulate import effect_profile, noise

SHALLOW = effect_profile(9, onset=4.0, plateau=1.5, rise=3.0)


def deep(depth: float):
    """A model of twice the layers, that knows at `depth`."""
    return effect_profile(17, onset=16 * depth, plateau=1.5, rise=6.0)


def true_depth(profile) -> float:
    n_layers = len(profile)
    window = slice(n_layers - n_layers // 4, n_layers)
    return half_plateau_crossing(profile[None], window)[0] / (n_layers - 1)


def two_models(rng, profiles, *, n_scenes=60, shared=0.0, n_items=1, intraclass=0.0, spread=1.0):
    """Rows are items, scene by scene. `shared` is the variance that both models have in common, a
    scene's own shift of the rise; `intraclass` that which the items of a scene have in common;
    `spread` the standard deviation of the noise."""
    own = np.sqrt(1 - intraclass)
    common = rng.standard_normal((n_scenes, 1, 1))
    found = []
    for profile in profiles:
        n_layers = len(profile)
        middle = np.exp(-(((np.arange(n_layers) / (n_layers - 1) - 0.5) / 0.15) ** 2))
        scene = noise(rng, (n_scenes, 1, n_layers), correlation=0.5)
        item = noise(rng, (n_scenes, n_items, n_layers), correlation=0.5)
        values = profile + spread * (own * item + np.sqrt(intraclass) * scene)
        values += np.sqrt(shared) * common * middle
        found.append(values.reshape(-1, n_layers))
    return found


def simulated(profiles, *, paired, repetitions, seed, n_resamples=199, **choices):
    rng = np.random.default_rng(seed)
    return [
        depth_difference(
            *two_models(rng, profiles, **choices), rng=rng, paired=paired, n_resamples=n_resamples
        )
        for _ in range(repetitions)
    ]


def held(results, truth) -> int:
    return sum(one.low <= truth <= one.high for one in results)


def width(results) -> float:
    return float(np.mean([one.high - one.low for one in results]))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n_scenes", [60, 200])
def test_the_interval_covers_a_planted_difference(paired, n_scenes):
    profiles = SHALLOW, deep(0.58)
    truth = true_depth(profiles[1]) - true_depth(profiles[0])
    assert truth == pytest.approx(0.08, abs=0.01)
    results = simulated(
        profiles, paired=paired, repetitions=150, seed=1, n_scenes=n_scenes,
        shared=1.0 if paired else 0.0,
    )  # fmt: skip
    assert held(results, truth) >= binom.ppf(0.001, 150, 0.94)
    assert width(results) < 0.3


@pytest.mark.parametrize("paired", [True, False])
def test_equal_depths_are_seldom_called_different(paired):
    results = simulated((SHALLOW, deep(0.5)), paired=paired, repetitions=200, seed=2)
    rejected = sum(one.p <= 0.05 for one in results)
    assert rejected <= binom.ppf(0.999, 200, 0.06)


STEPS = (
    effect_profile(9, onset=4.0, plateau=1.0, shape="step"),
    effect_profile(33, onset=16.0, plateau=1.0, shape="step"),
)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_interpolation_between_layers_alone_is_no_direction(paired, spread):
    """Steps at half depth in 8 and in 32 layers are put halfway between two layers in both."""
    results = simulated(
        STEPS, paired=paired, repetitions=40, seed=9, n_scenes=200, spread=spread
    )  # fmt: skip
    assert np.mean([one.estimate for one in results]) == pytest.approx(
        15.5 / 32 - 3.5 / 8, abs=0.01
    )
    assert {one.beyond for one in results} == {1 / 8}
    assert min(one.p_beyond for one in results) > 0.9
    # What must fail: against no difference at all, a direction is claimed nearly always.
    assert sum(one.p <= 0.05 for one in results) >= 38
    assert results[0].layer_depths == (0.5, 0.5)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    "profiles",
    [
        [effect_profile(29, onset=onset, plateau=0.8, rise=4.0) for onset in (12.0, 15.0)],
        [
            effect_profile(9, onset=3.0, plateau=1.0, shape="step"),
            effect_profile(33, onset=24.0, plateau=1.0, shape="step"),
        ],
    ],
)
def test_three_layers_are_a_direction(profiles, paired):
    results = simulated(profiles, paired=paired, repetitions=60, seed=10, n_scenes=200)
    claimed = sum(one.p_beyond <= 0.05 for one in results)
    assert claimed >= binom.ppf(0.001, 60, 0.92)
    back = simulated(profiles[::-1], paired=paired, repetitions=20, seed=10, n_scenes=200)
    assert sum(one.p_beyond <= 0.05 and one.estimate < 0 for one in back) >= 14


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n_scenes", [50, 200])
def test_just_one_layer_is_called_a_direction_no_more_often_than_stated(paired, n_scenes):
    """Truth at one layer is the least favourable case; only one of the two sides can err there."""
    profiles = [
        effect_profile(29, onset=onset, plateau=0.8, shape="linear", rise=4.0)
        for onset in (12.0, 13.0)
    ]  # fmt: skip
    assert true_depth(profiles[1]) - true_depth(profiles[0]) == pytest.approx(1 / 28)
    results = simulated(profiles, paired=paired, repetitions=200, seed=11, n_scenes=n_scenes)
    assert sum(one.p_beyond <= 0.05 for one in results) <= binom.ppf(0.999, 200, 0.035)
    assert all(one.p_beyond >= one.p for one in results)


def test_exactly_one_layer_is_not_more_than_one():
    rng = np.random.default_rng(12)
    one, next_to_it = (
        np.tile(effect_profile(11, onset=onset, plateau=1.0, shape="step"), (20, 1))
        for onset in (6.0, 7.0)
    )
    found = depth_difference(one, next_to_it, rng=rng, paired=True, n_resamples=99)
    assert found.estimate == pytest.approx(0.1)
    assert (found.beyond, found.p, found.p_beyond) == (0.1, 0.02, 1)
    assert found.layer_depths == (0.6, 0.7)
    two = np.tile(effect_profile(11, onset=8.0, plateau=1.0, shape="step"), (20, 1))
    found = depth_difference(two, one, rng=rng, paired=True, n_resamples=99)
    assert (found.estimate, found.p_beyond) == (pytest.approx(-0.2), 0.02)


def test_paired_runs_taken_for_independent_ones_are_too_wide():
    """What must fail: scenes of both runs move together, and that is thrown away."""
    profiles, choices = (SHALLOW, deep(0.5)), {"repetitions": 100, "shared": 4.0}
    right = simulated(profiles, paired=True, seed=3, **choices)
    wrong = simulated(profiles, paired=False, seed=3, **choices)
    assert width(wrong) > 1.3 * width(right)
    assert held(wrong, 0) >= 99


def test_items_taken_for_scenes_cover_too_seldom():
    """What must fail: four questions about an image are not four images."""
    profiles = SHALLOW, deep(0.5)
    choices = {"n_items": 4, "intraclass": 0.6, "repetitions": 150}
    wrong = simulated(profiles, paired=True, seed=4, **choices)
    assert held(wrong, 0) < 0.88 * 150


def test_the_same_depth_is_claimed_at_its_margin_no_more_often_than_stated():
    """Truth at the margin is the least favourable case of equivalence."""
    at_margin = deep(0.6)
    truth = true_depth(at_margin) - true_depth(SHALLOW)
    rng = np.random.default_rng(5)
    claimed = sum(
        depth_difference(
            *two_models(rng, (SHALLOW, at_margin), n_scenes=200), rng=rng, paired=True,
            margin=truth, n_resamples=199,
        ).p_equivalence
        <= 0.05
        for _ in range(150)
    )  # fmt: skip
    assert claimed <= binom.ppf(0.999, 150, 0.06)


def test_the_same_depth_is_shown_with_enough_scenes_and_not_with_few():
    many = simulated((SHALLOW, deep(0.5)), paired=True, repetitions=40, seed=6, n_scenes=400)
    few = simulated((SHALLOW, deep(0.5)), paired=True, repetitions=40, seed=6, n_scenes=12)
    assert sum(one.p_equivalence <= 0.05 for one in many) >= 36
    # Neither different nor shown to be the same: that is why the two are two tests.
    assert sum(one.p_equivalence > 0.05 and one.p > 0.05 for one in few) >= 20
    for one in many + few:
        inside = max(abs(one.low_equivalence), abs(one.high_equivalence)) < one.margin
        assert inside or one.p_equivalence > 0.04
        assert one.low <= one.low_equivalence <= one.high_equivalence <= one.high


def test_without_a_plateau_nothing_is_claimed():
    rng = np.random.default_rng(7)
    first, _ = two_models(rng, (SHALLOW, deep(0.5)))
    found = depth_difference(first, -first, rng=rng, paired=True, n_resamples=99)
    assert np.isnan(found.estimate)
    assert (found.low, found.high, found.p, found.p_equivalence) == (-1, 1, 1, 1)
    assert found.p_beyond == 1
    assert np.isnan(found.layer_depths[1])


def test_the_horizon_cuts_layers_and_not_the_depth():
    rng = np.random.default_rng(8)
    dies = np.tile([0, 0, 1, 1, 1, 0, 0, 0, 0.0], (20, 1))
    stays = np.tile([0, 0, 1, 1, 1, 1, 1, 1, 1.0], (20, 1))
    found = depth_difference(
        dies, stays, rng=rng, paired=True, horizon=(4, None), n_resamples=99, margin=0.01
    )
    assert found.depths == (1.5 / 8, 1.5 / 8)
    assert found.layer_depths == (2 / 8, 2 / 8)
    assert (found.estimate, found.p, found.p_equivalence) == (0, 1, 1 / 100)


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1, float("nan")])
def test_a_margin_is_a_share_of_the_depth(margin):
    table = np.zeros((4, 3))
    with pytest.raises(ValueError, match="`margin` must lie between 0 and 1"):
        depth_difference(
            table, table, rng=np.random.default_rng(0), paired=True, margin=margin
        )  # fmt: skip
