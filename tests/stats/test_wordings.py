"""The wording as a random effect: what it is in cases that are known, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.wordings import wording_effect


def test_wordings_that_differ_only_by_their_scenes_have_no_share():
    layers = np.array([3.0, 3.01, 2.99, 3.005])
    found = wording_effect(layers, np.diag([0.1] * 4) ** 2)
    assert found.over_wordings.tau2 == found.share == found.share_low == 0
    assert found.scene_variance == pytest.approx(0.01)


def test_share_is_that_of_the_variance():
    layers, errors = np.array([2.0, 3.0, 4.0, 5.0]), np.full(4, 0.5)
    found = wording_effect(layers, np.diag(errors**2))
    # Equal errors: tau^2 by moments is the variance less the errors'.
    assert found.over_wordings.tau2 == pytest.approx(layers.var(ddof=1) - 0.25)
    assert found.share == pytest.approx(1 - 0.25 / layers.var(ddof=1))
    assert found.share_low < found.share < found.share_high < 1


def test_what_scenes_share_is_not_taken_for_wording():
    """Errors that all wordings have in common move the mean, and are no spread of it."""
    layers = np.array([2.9, 3.0, 3.1, 3.05])
    alone = wording_effect(layers, 0.04 * np.eye(4))
    shared = wording_effect(layers, 0.04 * (0.99 + 0.01 * np.eye(4)))
    assert shared.share > alone.share == 0
    mean = shared.over_wordings.weighted
    assert mean.shared_error == pytest.approx(0.2, rel=0.2)


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_share_is_free_of_the_unit(scale, shift):
    layers, errors = np.array([2.0, 2.7, 2.2, 3.1]), np.diag([0.2, 0.3, 0.2, 0.4]) ** 2
    one, other = (
        wording_effect(layers, errors),
        wording_effect(scale * layers + shift, scale**2 * errors),
    )
    assert other.share == pytest.approx(one.share, rel=1e-6)
    assert other.over_wordings.weighted.mean == pytest.approx(
        scale * one.over_wordings.weighted.mean + shift, rel=1e-6
    )


def test_two_wordings_say_nothing_of_the_next():
    with pytest.raises(ValueError, match="at least 3 wordings, got 2"):
        wording_effect(np.array([1.0, 2.0]), np.eye(2))
    assert np.isfinite(wording_effect(np.array([1.0, 2.0, 2.5]), np.eye(3)).share_high)
