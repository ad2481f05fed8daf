"""Cluster tests, rank tests and comparison onsets: right as tests, and failing as onsets."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom

from stats import (
    change_point_layer,
    cluster_onset,
    cluster_test,
    derangement_rank_test,
    derangements,
    emergence_layer,
    first_bh_layer,
    first_max_t_layer,
    first_uncorrected_layer,
    sign_flip_max_t,
)
from stats.cluster_tests import cluster_mass, tfce
from stats.sign_flip import t_statistic
from stats.simulate import (
    clustered_items,
    effect_profile,
    noise,
    planted_effect,
    simulated_scores,
)

curves = arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(-4, 6))


def runs(flags):
    """Unbroken runs of True as lists of places."""
    found: list[list[int]] = []
    for place, flag in enumerate(flags):
        if flag and place and flags[place - 1]:
            found[-1].append(place)
        elif flag:
            found.append([place])
    return found


@given(curves)
def test_mass_and_enhancement_equal_the_definition(t):
    for curve, mass, enhanced in zip(t, cluster_mass(t, 1.5), tfce(t), strict=True):
        want = np.zeros(len(curve))
        for run in runs(curve > 1.5):
            want[run] = curve[run].sum()
        np.testing.assert_allclose(mass, want, atol=1e-12)
        want = np.zeros(len(curve))
        for height in np.arange(0.2, t.max() + 0.1, 0.2):
            for run in runs(curve >= height):
                want[run] += len(run) ** 0.5 * height**2 * 0.2
        np.testing.assert_allclose(enhanced, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("statistic", ["mass", "tfce"])
def test_enumeration_equals_brute_force(statistic):
    effect = np.random.default_rng(0).standard_normal((8, 6)) + np.linspace(0, 1.2, 6)
    found = cluster_test(effect, rng=np.random.default_rng(0), statistic=statistic, threshold=1.0)
    assert found.exact

    def enhanced(rows):
        t = t_statistic(rows)[None]
        return cluster_mass(t, 1.0)[0] if statistic == "mass" else tfce(t)[0]

    flips = [
        enhanced(effect * np.array(signs)[:, None]).max() for signs in product([1, -1], repeat=8)
    ]
    observed = enhanced(effect)
    want = [np.mean(np.array(flips) >= one - 1e-9) if one > 0 else 1 for one in observed]
    np.testing.assert_allclose(found.statistic, observed, rtol=1e-9)
    np.testing.assert_allclose(found.p, want, atol=1e-12)


def test_agree_with_mne():
    mne_stats = pytest.importorskip("mne.stats")
    effect = np.random.default_rng(1).standard_normal((9, 12)) + np.r_[np.zeros(6), np.ones(6)]
    ours = cluster_test(effect, rng=np.random.default_rng(0), threshold=1.5)
    _, clusters, p, _ = mne_stats.permutation_cluster_1samp_test(
        effect, threshold=1.5, tail=1, n_permutations="all", out_type="mask", verbose="ERROR"
    )
    theirs = np.ones(12)
    for cluster, value in zip(clusters, p, strict=True):
        theirs[cluster] = value
    # MNE leaves one of the two mirror images of the observed flip out of "all".
    np.testing.assert_allclose(ours.p, theirs, atol=2 / 2**9)
    many = np.random.default_rng(2).standard_normal((40, 5)) + 0.25
    two_sided = sign_flip_max_t(many, rng=np.random.default_rng(0), tail="two-sided")
    _, p, _ = mne_stats.permutation_t_test(many, n_permutations=10_000, rng=0, verbose="ERROR")
    np.testing.assert_allclose(two_sided.p, p, atol=0.02)


@pytest.mark.parametrize("statistic", ["mass", "tfce"])
def test_cluster_tests_hold_their_level(statistic):
    rng = np.random.default_rng(3)
    count = sum(
        cluster_test(
            noise(rng, (40, 12), correlation=0.5), rng=rng, statistic=statistic, n_resamples=99
        ).omnibus_p
        <= 0.05
        for _ in range(300)
    )
    least, most = binom.ppf([0.001, 0.999], 300, [0.04, 0.06])
    assert least <= count <= most


def test_layers_without_spread_have_the_documented_answer():
    effect = np.column_stack([np.zeros(6), np.full(6, 0.1), np.full(6, -0.1)])
    found = cluster_test(effect, rng=np.random.default_rng(0))
    assert found.p.tolist() == [1, 2 / 64, 1]


def test_ranks_hold_their_level_with_image_main_effects_and_find_effects():
    rng = np.random.default_rng(4)
    rejected = {0.0: 0, 1.0: 0}
    for _ in range(300):
        for effect in rejected:
            data = simulated_scores(rng, np.array([effect] * 3), n_scenes=60, image_sd=1.0)
            order = derangements(data.strata, rng=rng, n_derangements=39)
            items = np.arange(60)
            real = data.scores[items, data.answers]
            swapped = np.stack([data.scores[moved, data.answers] for moved in order])
            rejected[effect] += derangement_rank_test(real, swapped).omnibus_p <= 0.05
    least, most = binom.ppf([0.001, 0.999], 300, [0.04, 0.06])
    assert least <= rejected[0.0] <= most
    assert rejected[1.0] > 260


@given(st.integers(0, 100))
def test_derangements_move_every_scene_within_its_stratum(seed):
    rng = np.random.default_rng(seed)
    strata = np.concatenate([rng.integers(0, 3, 20), np.repeat([0, 1, 2], 2)])
    for moved in derangements(strata, rng=rng, n_derangements=5):
        assert sorted(moved) == list(range(26))
        assert (strata[moved] == strata).all()
        assert (moved != np.arange(26)).all()


def test_comparison_onsets_find_a_clear_step():
    effect = planted_effect(
        np.random.default_rng(5),
        effect_profile(12, onset=5.0, plateau=2.0, shape="step"),
        n_scenes=60,
    )
    rng = np.random.default_rng(0)
    found = [
        first_max_t_layer(effect, rng=rng, n_resamples=999),
        cluster_onset(effect, rng=rng, n_resamples=999),
        change_point_layer(effect),
        first_bh_layer(effect, level=0.999),
        first_uncorrected_layer(effect, level=0.999),
    ]
    assert found == [5] * 5
    assert change_point_layer(np.ones((4, 5))) is None
    assert first_max_t_layer(-effect, rng=rng, n_resamples=99) is None


def test_they_declare_onsets_in_noise_where_the_gate_does_not():
    rng = np.random.default_rng(6)
    uncorrected = change = gated = 0
    for _ in range(150):
        effect = noise(rng, (50, 20))
        uncorrected += first_uncorrected_layer(effect) is not None
        change += change_point_layer(effect) is not None
        gated += (
            emergence_layer(effect, rng=rng, margin=0.05, n_resamples=99).outcome != "not_emerged"
        )
    assert uncorrected > 75
    assert change > 130
    assert gated <= binom.ppf(0.999, 150, 0.05)


@pytest.mark.parametrize("shape", ["step", "linear", "sigmoid"])
def test_profiles_cross_half_where_they_say(shape):
    curve = effect_profile(30, onset=12.0, plateau=0.8, shape=shape)
    assert np.argmax(curve >= 0.4 - 1e-12) == 12
    assert curve[-1] == pytest.approx(0.8, abs=1e-6)
    assert curve[0] == pytest.approx(0, abs=1e-4)


def test_noise_and_clusters_have_the_moments_asked_for():
    rng = np.random.default_rng(7)
    values = noise(rng, (40_000, 3), correlation=0.9)
    np.testing.assert_allclose(np.corrcoef(values.T)[0], [1, 0.9, 0.81], atol=0.02)
    items, scene = clustered_items(rng, n_scenes=20_000, n_questions=2, n_columns=1, intraclass=0.4)
    pairs = items.reshape(-1, 2)
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.4, abs=0.03)
    assert (np.bincount(scene) == 2).all()


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda rng: cluster_test(np.zeros((1, 3)), rng=rng), r"need at least 2 scenes"),
        (lambda rng: cluster_test(np.zeros((3, 3)), rng=rng, threshold=-1.0), r"`threshold`"),
        (
            lambda rng: derangement_rank_test(np.zeros((3, 2)), np.zeros((9, 3, 2))),
            r"at least 19 derangements for level 0.95, got 9",
        ),
        (lambda rng: derangements(np.array([0, 0, 1]), rng=rng, n_derangements=2), r"got 1 in 1"),
        (lambda rng: noise(rng, (3, 3), kind="t3", correlation=0.5), r"`correlation` must lie"),
        (lambda rng: first_bh_layer(np.zeros((1, 3))), r"need at least 2 scenes"),
        (lambda rng: effect_profile(9, onset=2.0, plateau=1.0, rise=0.0), r"`rise` must be"),
    ],
)
def test_says_what_is_wrong(work, message):
    with pytest.raises(ValueError, match=message):
        work(np.random.default_rng(0))
