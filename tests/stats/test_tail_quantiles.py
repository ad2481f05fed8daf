"""The tails alone give numpy's quantiles, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stats.tail_quantiles import tail_quantiles

tables = arrays(float, st.tuples(st.integers(1, 3), st.integers(2, 60)), elements=st.floats(-9, 9))


@given(tables, st.floats(0.01, 0.99))
def test_equal_numpy(columns, level):
    shares = ((1 - level) / 2, (1 + level) / 2)
    np.testing.assert_array_equal(
        tail_quantiles(columns, shares), np.quantile(columns, shares, axis=1)
    )


@pytest.mark.parametrize("n_resamples", [39, 40, 999, 10_000])
@pytest.mark.parametrize("kind", ["normal", "exponential", "cauchy", "zero_one", "constant"])
def test_equal_numpy_whatever_the_tails(n_resamples, kind):
    rng = np.random.default_rng(0)
    shape = (4, n_resamples)
    columns = {
        "normal": rng.standard_normal(shape),
        "exponential": rng.exponential(size=shape),
        "cauchy": rng.standard_cauchy(shape),
        "zero_one": rng.integers(0, 2, shape).astype(float),
        "constant": np.full(shape, 0.3),
    }[kind]
    for level in (0.5, 0.9, 0.95):
        shares = ((1 - level) / 2, (1 + level) / 2)
        np.testing.assert_array_equal(
            tail_quantiles(columns, shares), np.quantile(columns, shares, axis=1)
        )
