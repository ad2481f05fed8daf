"""That nothing is moved is claimed only where it is shown; ranks among random positions."""

import numpy as np
import pytest
from scipy.stats import binom, kstest, ttest_1samp

from stats import moved_share, no_share, rank_p
from stats.simulated_patches import simulated_patches


def rng(seed=0):
    return np.random.default_rng(seed)


def control(share=0.0, *, n_scenes=60, sd=0.1, seed=0, n_layers=4):
    stream = rng(seed)
    total = stream.normal(1.0, 0.5, n_scenes)
    return share * total[:, None] + sd * stream.standard_normal((n_scenes, n_layers)), total


def test_it_is_two_t_tests_without_dividing():
    moved, total = control(0.03)
    found = no_share(moved, total, margin=0.1)
    tests = [
        np.asarray(ttest_1samp(0.1 * total[:, None] + sign * moved, 0, alternative="greater"))[1]
        for sign in (1, -1)
    ]
    np.testing.assert_allclose(found.p, np.max(tests, axis=0))
    assert found.p_at_all == found.p.max()


def test_interval_p_and_largest_share_agree():
    moved, total = control(0.06, sd=0.15)
    found = no_share(moved, total, margin=0.1)
    np.testing.assert_array_equal(found.shown, (found.low > -0.1) & (found.high < 0.1))
    two_sided = moved_share(moved, total, level=0.9)
    np.testing.assert_allclose([found.low, found.high], [two_sided.low, two_sided.high])
    assert no_share(moved, total, margin=found.most * 1.0001).shown_at_all
    assert not no_share(moved, total, margin=found.most * 0.9999).shown_at_all


def test_only_the_layers_of_the_claim_count():
    moved, total = control()
    moved[:, 0], moved[:, 3] = total, 0.0
    found = no_share(moved, total, layers=[1, 2])
    assert found.layers == (1, 2)
    assert found.shown_at_all
    assert not no_share(moved, total).shown_at_all
    assert no_share(moved, total, layers=[3]).shown_at_all


@pytest.mark.parametrize("sign", [-1.0, 0.0])
def test_without_a_positive_total_nothing_is_shown(sign):
    moved, total = control()
    found = no_share(0 * moved, sign * total)
    assert not found.shown.any()
    assert found.most == np.inf


@pytest.mark.parametrize("share", [0.1, -0.1])
def test_at_the_margin_it_is_claimed_in_one_of_twenty(share):
    n, stream, claimed = 500, rng(2), 0
    for _ in range(n):
        world = simulated_patches(stream, "step", n_scenes=80, noise_sd=0.1)
        moved = world.image[:, 7:8] + share * world.total[:, None]
        claimed += no_share(moved, world.total, margin=0.1).shown_at_all
    assert binom.ppf(0.001, n, 0.04) <= claimed <= binom.ppf(0.999, n, 0.06)


def test_what_is_refused():
    moved, total = control()
    for layers in ([], [4], [-1]):
        with pytest.raises(ValueError, match="`layers` must name layers from 0 to 3"):
            no_share(moved, total, layers=layers)
    with pytest.raises(ValueError, match="`margin` must be a share"):
        no_share(moved, total, margin=0.7)
    with pytest.raises(ValueError, match="one value per scene"):
        no_share(moved, total[:-1])


def test_a_rank_counts_ties_and_the_observed_value():
    draws = np.arange(39.0)
    assert rank_p(39.0, draws) == 1 / 40
    assert rank_p(38.0, draws) == rank_p(38.0 - 1e-15, draws) == 2 / 40
    assert rank_p(-1.0, draws) == 1.0


def test_ranks_of_alike_values_are_uniform():
    values = rng(3).standard_normal((2000, 40))
    p = np.array([rank_p(row[0], row[1:]) for row in values])
    assert kstest(p - rng(4).random(2000) / 40, "uniform").pvalue > 0.001
    assert (p <= 0.025).mean() == pytest.approx(0.025, abs=0.012)


@pytest.mark.parametrize(("n_draws", "level"), [(38, 0.975), (18, 0.95)])
def test_too_few_draws_for_the_level_are_refused(n_draws, level):
    with pytest.raises(ValueError, match=f"at least {n_draws + 1} values"):
        rank_p(1.0, np.zeros(n_draws), level=level)
    assert rank_p(1.0, np.zeros(n_draws + 1), level=level) == pytest.approx(1 - level)
