"""No effect that matters, multiplicity, and the scenes it takes, against statsmodels and loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom
from statsmodels.stats.weightstats import DescrStatsW

from stats import (
    adjusted_p,
    equivalence,
    minimum_detectable_effect,
    scenes_for_equivalence,
    scenes_to_detect,
)

tables = arrays(float, st.tuples(st.integers(2, 9), st.integers(1, 4)), elements=st.floats(-3, 3))


def test_equals_statsmodels():
    effect = 0.1 + np.random.default_rng(0).standard_normal((40, 6))
    found = equivalence(effect, margin=0.5)
    theirs = [DescrStatsW(layer).ttost_mean(-0.5, 0.5)[0] for layer in effect.T]
    np.testing.assert_allclose(found.p, theirs, rtol=1e-9)


@given(tables, st.floats(0.1, 3), st.sampled_from([0.25, 4.0]))
def test_interval_and_p_agree_and_units_do_not_matter(table, margin, unit):
    table = table.round(3)
    found = equivalence(table, margin=margin)
    inside = (found.low > -margin) & (found.high < margin)
    clear = np.abs(np.minimum(margin - found.high, found.low + margin)) > 1e-9
    np.testing.assert_array_equal(found.equivalent[clear], inside[clear])
    scaled = equivalence(unit * table, margin=unit * margin)
    np.testing.assert_allclose(scaled.p, found.p, atol=1e-12)
    assert (np.diff(found.p_up_to) >= 0).all()
    assert np.isfinite(found.p).all()


def test_without_spread_the_mean_decides():
    found = equivalence(np.tile([0.0, 0.04, 0.05, 0.0], (5, 1)), margin=0.05)
    assert found.p.tolist() == [0, 0, 1, 0]
    assert found.equivalent_up_to.tolist() == [True, True, False, False]


def claims(effect: float, *, n_scenes: int, repetitions: int = 2000) -> int:
    sample = effect + np.random.default_rng(1).standard_normal((n_scenes, repetitions))
    return int(equivalence(sample, margin=0.5).equivalent.sum())


def test_false_claims_on_the_margin_and_what_missing_significance_would_claim():
    least, most = binom.ppf([0.001, 0.999], 2000, [0.04, 0.06])
    assert least <= claims(0.5, n_scenes=60) <= most
    sample = 0.5 + np.random.default_rng(1).standard_normal((8, 2000))
    t = sample.mean(axis=0) / sample.std(axis=0, ddof=1) * np.sqrt(8)
    assert (np.abs(t) < 2.36).sum() > 10 * 100  # "Not significant, so no effect" must fail.


def test_the_scenes_asked_for_give_the_power():
    n_scenes = scenes_for_equivalence(0.5, sd=1.0)
    least, most = binom.ppf([0.001, 0.999], 2000, [0.79, 0.83])
    assert least <= claims(0.0, n_scenes=n_scenes) <= most
    assert scenes_for_equivalence(0.05, sd=1.0) * 0.05**2 == pytest.approx(8.56, abs=0.01)


@given(st.floats(0.1, 2), st.integers(1, 40))
def test_scenes_to_detect_is_the_inverse(effect, n_layers):
    n = scenes_to_detect(effect, sd=1.0, n_layers=n_layers)
    assert minimum_detectable_effect(n_scenes=n, sd=1.0, n_layers=n_layers) <= effect
    if n > 2:
        assert minimum_detectable_effect(n_scenes=n - 1, sd=1.0, n_layers=n_layers) > effect


@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_adjusted_p_are_ordered_and_never_smaller(p):
    holm, bh, by = (adjusted_p(p, correction=name) for name in ("holm", "bh", "by"))
    assert (p <= bh + 1e-15).all()
    assert (bh <= holm + 1e-12).all()
    assert (bh <= by + 1e-15).all()
    assert (holm <= 1).all()
    np.testing.assert_allclose(adjusted_p(p[::-1]), holm[::-1])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: equivalence(np.zeros((5, 2)), margin=0.0), r"`margin` must be a positive number"),
        (lambda: equivalence(np.zeros((1, 2)), margin=0.1), r"need at least 2 scenes, got 1"),
        (lambda: adjusted_p(np.array([0.5, 1.5])), r"`p` must lie in 0..1, got 1.5"),
        (lambda: adjusted_p(np.array([])), r"`p` .*must not be empty"),
        (lambda: scenes_for_equivalence(-1.0, sd=1.0), r"`margin` must be a positive number"),
        (lambda: scenes_for_equivalence(0.1, sd=-1.0), r"`sd` must not be negative"),
        (lambda: scenes_to_detect(1e-9, sd=1.0), r"more than .* scenes would be needed"),
    ],
)
def test_says_what_is_wrong(work, message):
    with pytest.raises(ValueError, match=message):
        work()
