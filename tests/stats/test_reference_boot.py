"""Against R's boot on its data aircondit and city: `reference/boot.R`.

The ends of drawn intervals agree within their Monte-Carlo error; the shares of the resamples that
BCa takes as ends hold no chance and agree to the digits that boot.ci gives.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from numpy import ndarray

from stats import cluster_bootstrap, interval_of_means, paired_hedges_g
from stats.bootstrap import Method
from stats.smooth_functions import Moments

R = json.loads((Path(__file__).parent / "reference" / "boot.json").read_text())
HOURS = np.array(R["hours"], dtype=float)[:, None]
U, X = (np.array(R[name], dtype=float)[:, None] for name in "ux")
N_RESAMPLES = 400_000

# A grid in place of resamples: its quantiles tell which share was asked for.
N_GRID = 999_999
BELOW = 0.45


def _ratio(moments: Moments) -> Float[ndarray, "draw layer"]:
    return moments[1] / moments[0]


def _assert_close_to_r(low: float, high: float, name: str):
    """Five standard errors of the difference; `_sd` is that of one of R's blocks of resamples."""
    block = R["resamples_per_block"]
    error = np.array(R[f"{name}_sd"]) * np.sqrt(1 / R["blocks"] + block / N_RESAMPLES)
    assert (np.abs(np.array([low, high]) - R[name]) <= 5 * error).all()


@pytest.mark.parametrize("method", ["percentile", "studentized", "bca"])
def test_mean_of_aircondit(method: Method):
    found = cluster_bootstrap(
        HOURS, range(12), rng=np.random.default_rng(0), n_resamples=N_RESAMPLES, method=method
    )
    _assert_close_to_r(found.low[0], found.high[0], f"hours_{method}")


def test_ratio_of_city():
    """boot.ci at the level at which its normal tails are our Student's, of ten pairs."""
    found = interval_of_means(
        _ratio,
        np.stack([U, X]),
        rng=np.random.default_rng(0),
        n_resamples=N_RESAMPLES,
        level=0.95,
    )
    assert found.estimate[0] == pytest.approx(R["ratio"][0], rel=1e-12)
    _assert_close_to_r(found.low[0], found.high[0], "ratio_bca")


def test_standardised_difference_of_city():
    found = paired_hedges_g(
        X,
        U,
        rng=np.random.default_rng(0),
        standardizer="difference",
        n_resamples=N_RESAMPLES,
    )
    assert found.estimate[0] == pytest.approx(R["size"][0], rel=1e-12)
    _assert_close_to_r(found.low[0], found.high[0], "size_bca")


def _grid(around: float) -> Float[ndarray, " resample"]:
    return around + (np.arange(N_GRID) + 0.5) / N_GRID - BELOW


def _shares(low: float, high: float, around: float) -> Float[ndarray, "2"]:
    """Which quantiles of the grid these are."""
    place = np.array([low, high]) - around + BELOW
    return (place * N_GRID - 0.5) / (N_GRID - 1)


def test_bca_takes_the_shares_of_boot_for_a_mean(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stats.bootstrap.resampled_means", lambda *_, **__: _grid(0)[:, None])
    found = cluster_bootstrap(
        HOURS, range(12), rng=np.random.default_rng(0), n_resamples=N_GRID, method="bca"
    )
    ours = _shares(found.low[0], found.high[0], HOURS.mean())
    np.testing.assert_allclose(ours, R["hours_shares"], rtol=0, atol=2e-8)


@pytest.mark.parametrize("name", ["hours", "ratio"])
def test_bca_with_students_tails_takes_the_shares_of_boot(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    """The leave-one-out values, their acceleration and the tails, as boot has them."""
    parts = np.stack([U, X]) if name == "ratio" else np.stack([np.ones_like(HOURS), HOURS])
    estimate = parts[1].mean() / parts[0].mean()
    drawn = np.column_stack([np.ones(N_GRID), _grid(estimate)])
    monkeypatch.setattr("stats.smooth_functions.resampled_means", lambda *_, **__: drawn)
    found = interval_of_means(
        _ratio, parts, rng=np.random.default_rng(0), n_resamples=N_GRID, level=0.95
    )
    ours = _shares(found.low[0], found.high[0], estimate)
    np.testing.assert_allclose(ours, R[f"{name}_student_shares"], rtol=0, atol=2e-8)
