"""Random-effects meta-analysis against R's metafor, statsmodels, a loop, and its properties.

Numbers of metafor: `reference/metafor.R`, of the trials of BCG and of Kacker's (2004) laboratories.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, t
from statsmodels.stats.meta_analysis import combine_effects

from stats.random_effects import leave_one_out, p_not_above, random_effects

R = json.loads((Path(__file__).parent / "reference" / "metafor.json").read_text())
BCG, BCG_VARIANCE = (np.array(R["bcg"][name]) for name in ("yi", "vi"))
KACKER, KACKER_VARIANCE = (np.array(R["kacker"][name]) for name in ("yi", "vi"))


@pytest.mark.parametrize("name", ["bcg", "kacker"])
def test_everything_as_metafor_has_it(name: str):
    """rma(method = "PM", test = "knha"), confint; predict's interval with k - 2 degrees."""
    theirs = R[name]
    found = random_effects(np.array(theirs["yi"]), np.diag(theirs["vi"]))
    pooled = found.weighted
    ours = {
        "tau2": found.tau2,
        "tau2_interval": (found.tau2_low, found.tau2_high),
        "estimate": pooled.mean,
        "se": pooled.standard_error,
        "interval": (pooled.low, pooled.high),
        "p": pooled.p,
        "q": found.q,
        "q_p": found.q_p,
        "i2": found.i2,
        "weights": found.weights,
        "predicted": (found.predicted_low, found.predicted_high),
    }
    for quantity, value in ours.items():
        np.testing.assert_allclose(
            np.atleast_1d(value), theirs[quantity], rtol=1e-8, err_msg=quantity
        )


@pytest.mark.parametrize("name", ["bcg", "kacker"])
def test_leaving_each_out_as_metafor_has_it(name: str):
    theirs = R[name]
    found = leave_one_out(np.array(theirs["yi"]), np.diag(theirs["vi"]))
    ours = {
        "estimate": [each.weighted.mean for each in found],
        "se": [each.weighted.standard_error for each in found],
        "low": [each.weighted.low for each in found],
        "high": [each.weighted.high for each in found],
        "tau2": [each.tau2 for each in found],
        "q": [each.q for each in found],
        "i2": [each.i2 for each in found],
    }
    for quantity, values in ours.items():
        expected = theirs[f"without_{quantity}"]
        np.testing.assert_allclose(values, expected, rtol=1e-8, err_msg=quantity)


@pytest.mark.parametrize(
    ("values", "variances"),
    [(BCG, BCG_VARIANCE), (KACKER, KACKER_VARIANCE), (np.array([0.3, 0.34, 0.5]), np.ones(3))],
)
def test_independent_errors_are_as_in_statsmodels(values, variances):
    """Hartung-Knapp as WLS. statsmodels has no interval of tau^2, no prediction interval, does not
    cut DerSimonian and Laird's tau^2 or I^2 at 0, and takes no covariance."""
    theirs: Any = combine_effects(values, variances, method_re="pm", use_t=True, atol=1e-12)
    found = random_effects(values, np.diag(variances))
    assert found.tau2 == pytest.approx(theirs.tau2, abs=1e-7)
    assert found.weighted.mean == pytest.approx(theirs.mean_effect_re, rel=1e-7)
    assert found.weighted.standard_error == pytest.approx(theirs.sd_eff_w_re_hksj, rel=1e-6)
    interval = theirs.conf_int(use_t=True)[3]
    assert (found.weighted.low, found.weighted.high) == pytest.approx(interval, rel=1e-6)


def _by_hand(values, covariance, level=0.95):
    """Everything again: a matrix inverse on a grid of tau^2 in place of contrasts and roots."""
    k, one = len(values), np.ones(len(values))

    def q(tau2):
        inverse = np.linalg.inv(covariance + tau2 * np.eye(k))
        mean = one @ inverse @ values / (one @ inverse @ one)
        return (values - mean) @ inverse @ (values - mean)

    grid = np.linspace(0, 0.2, 20_001)
    on_grid = np.array([q(each) for each in grid])
    targets = (k - 1, chi2.ppf(0.5 + level / 2, k - 1), chi2.ppf(0.5 - level / 2, k - 1))
    tau2, low, high = (grid[np.argmax(on_grid <= target)] for target in targets)
    w = 1 / (np.diag(covariance) + tau2)
    w /= w.sum()
    mean = sum(a * b for a, b in zip(w, values, strict=True))
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, values, strict=True)) / (k - 1)
    shared = sum(
        w[i] * w[j] * covariance[i, j] for i in range(k) for j in range(k) if i != j
    ) * k / (k - 1)  # fmt: skip
    half = np.sqrt(t.ppf(0.975, k - 1) ** 2 * spread + 1.959963984540054**2 * max(0, shared))
    ahead = t.ppf(0.975, k - 2) * np.sqrt(tau2 + spread + max(0, shared))
    return tau2, low, high, mean - half, mean + half, mean - ahead, mean + ahead


def test_correlated_errors_are_as_by_hand():
    rng = np.random.default_rng(3)
    for k in (3, 5):
        loose = rng.standard_normal((k, 3 * k))
        covariance = 0.0004 * (loose @ loose.T / k + 1.5)
        values = 0.4 + rng.normal(0, 0.1, k)
        found = random_effects(values, covariance)
        ours = (
            found.tau2, found.tau2_low, found.tau2_high, found.weighted.low, found.weighted.high,
            found.predicted_low, found.predicted_high,
        )  # fmt: skip
        expected = _by_hand(values, covariance)
        mine, theirs = (
            np.array(each)[[0, 1, 3, 4, 5, 6]] for each in (ours, expected)
        )  # fmt: skip
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
        # The upper end may lie beyond the grid.
        assert expected[2] == 0 or found.tau2_high == pytest.approx(expected[2], abs=2e-5)


@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=8, unique=True),
    st.floats(-3, 3),
    st.floats(0.1, 10),
    st.floats(0, 0.9),
)
def test_shift_scale_and_order_of_models(values, shift, scale, correlation):
    estimates = np.array(values)
    if np.ptp(estimates) < 1e-3:
        return
    k = len(values)
    errors = np.linspace(0.05, 0.1, k)
    covariance = np.outer(errors, errors) * (correlation + (1 - correlation) * np.eye(k))
    one = random_effects(estimates, covariance)
    moved = random_effects(shift + scale * estimates[::-1], scale**2 * covariance[::-1, ::-1])
    assert moved.weighted.mean == pytest.approx(shift + scale * one.weighted.mean, abs=1e-6)
    assert moved.weighted.low == pytest.approx(shift + scale * one.weighted.low, abs=1e-5)
    assert moved.tau2 == pytest.approx(scale**2 * one.tau2, abs=1e-6 * scale**2)
    assert moved.i2 == pytest.approx(one.i2, abs=1e-5)
    assert one.tau2_low <= one.tau2 <= one.tau2_high or one.tau2 == 0
    assert one.weighted.low < one.weighted.mean < one.weighted.high
    assert one.weights.sum() == pytest.approx(1)


def test_p_and_interval_agree_whatever_the_errors_share():
    for shared in (0.0, 0.0003):
        found = random_effects(np.array([0.2, 0.31, 0.27]), np.diag([4e-4] * 3) + shared)
        low, high = found.weighted.low, found.weighted.high
        assert p_not_above(found.weighted, low) == pytest.approx(0.025, rel=1e-6)
        assert p_not_above(found.weighted, high) == pytest.approx(0.975, rel=1e-6)
        assert p_not_above(found.weighted, found.weighted.mean) == pytest.approx(0.5)
        assert (found.weighted.p < 0.05) == (low > 0)


def test_equal_variances_weigh_alike_and_give_the_t_test():
    values = np.array([0.2, 0.3, 0.5, 0.45])
    found = random_effects(values, np.diag([1e-4] * 4))
    half = t.ppf(0.975, 3) * values.std(ddof=1) / 2
    for pooled in (found.weighted, found.unweighted):
        assert (pooled.low, pooled.high) == pytest.approx(
            (values.mean() - half, values.mean() + half)
        )


def test_models_that_agree_too_well_have_no_variance_between_them():
    found = random_effects(np.array([0.300, 0.301, 0.302]), np.diag([0.01] * 3))
    assert (found.tau2, found.tau2_low, found.tau2_high, found.i2) == (0, 0, 0, 0)


def test_leaving_one_out_is_pooling_the_others():
    values, errors = np.array([0.2, 0.3, 0.7]), np.diag([1e-3, 2e-3, 1e-3]) + 1e-4
    without = leave_one_out(values, errors)
    again = random_effects(values[[0, 2]], errors[np.ix_([0, 2], [0, 2])])
    assert without[1].weighted == again.weighted
    assert without[1].predicted_high == np.inf
    with pytest.raises(ValueError, match="at least 3 models"):
        leave_one_out(values[:2], errors[:2, :2])


@pytest.mark.parametrize(
    ("values", "covariance", "message"),
    [
        ([0.1], [[1.0]], "at least 2 models, got 1"),
        ([0.1, 0.2], [[1.0, 0.0], [0.0, 0.0]], r"got 0\.0 of model 1"),
        ([0.1, 0.2], [[1.0, 0.5], [0.1, 1.0]], "must be symmetric"),
        ([0.1, 0.2], [[1.0, 2.0], [2.0, 1.0]], "negative eigenvalue"),
        ([0.2, 0.2], [[1.0, 0.0], [0.0, 1.0]], r"must not all be equal, got 0\.2"),
        ([0.2, np.nan], [[1.0, 0.0], [0.0, 1.0]], "must be finite"),
    ],
)
def test_what_cannot_be_pooled_is_refused(values, covariance, message):
    with pytest.raises(ValueError, match=message):
        random_effects(np.array(values), np.array(covariance))
