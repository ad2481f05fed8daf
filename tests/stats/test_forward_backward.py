"""Properties, exact cases, coverage and one-sided errors of the forward-backward sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom

from stats import forward_backward_set, half_forward_backward_set

effects = arrays(float, st.tuples(st.integers(3, 12), st.integers(1, 9)), elements=st.floats(-3, 3))


@given(effects, st.permutations(range(3)))
def test_order_of_scenes_does_not_matter(effect, order):
    shuffled = np.concatenate([effect[:3][list(order)], effect[3:]])
    got, want = (forward_backward_set(e.round(6), margin=0.1) for e in (shuffled, effect))
    assert (got.low, got.high) == (want.low, want.high)


@given(effects)
def test_sets_are_nested_in_level(effect):
    for found in (
        [forward_backward_set(effect, margin=0.1, level=p) for p in (0.8, 0.99)],
        [half_forward_backward_set(effect, level=p) for p in (0.8, 0.99)],
    ):
        narrow, wide = found
        assert wide.low <= narrow.low
        assert wide.high is None or (narrow.high is not None and narrow.high <= wide.high)


@given(effects, st.sampled_from([0.125, 4.0, 64.0]))
def test_unit_does_not_matter(effect, unit):
    plain = forward_backward_set(effect, margin=0.125)
    scaled = forward_backward_set(unit * effect, margin=unit * 0.125)
    assert (plain.low, plain.high) == (scaled.low, scaled.high)
    halves = [half_forward_backward_set(scale * effect) for scale in (1, unit)]
    assert len({(half.low, half.high) for half in halves}) == 1


def test_without_noise_the_set_is_the_layer():
    effect = np.tile([0, 0, 0, 1, 1, 1.0], (5, 1))
    for found in (forward_backward_set(effect, margin=0.5), half_forward_backward_set(effect)):
        assert (found.low, found.high) == (3, 3)


def test_an_effect_that_dies_has_no_upper_end_unless_the_horizon_lies_before():
    effect = np.tile([0, 1, 1, 0.0], (5, 1))
    assert forward_backward_set(effect, margin=0.5).high is None
    before = forward_backward_set(effect, margin=0.5, horizon=2)
    assert (before.low, before.high, before.horizon) == (1, 1, 2)


def test_shown_below_everywhere_lies_beyond_the_horizon():
    found = forward_backward_set(np.zeros((5, 4)), margin=0.5)
    assert (found.low, found.high) == (4, None)


def test_the_plateau_defines_the_half():
    effect = np.tile([0, 1, 2, 3, 4.0], (5, 1))
    assert half_forward_backward_set(effect, plateau=(3, 4)).low == 2
    assert half_forward_backward_set(effect, plateau=range(1, 4)).low == 1
    assert half_forward_backward_set(effect, plateau=(4, 4)).low == 2


def ends(shrink: float, repetitions: int = 1500) -> tuple[int, int]:
    """Sets whose lower, and whose upper, end misses the onset; `shrink` < 1 feigns less spread."""
    rng = np.random.default_rng(20)
    # Layer 3 sits on the margin and its neighbours far off it: least favourable to both ends.
    theta = np.array([-3, -3, -3, 0.1, 3, 3, 3])
    too_late = too_early = 0
    for _ in range(repetitions):
        effect = theta + rng.standard_normal((40, 7))
        centre = effect.mean(axis=0)
        found = forward_backward_set(centre + shrink * (effect - centre), margin=0.1)
        too_late += found.low > 3
        too_early += found.high is not None and found.high <= 3
    return too_late, too_early


def test_one_sided_errors_are_neither_above_nor_below_their_level():
    least, most = binom.ppf([0.001, 0.999], 1500, [0.018, 0.032])
    for errors in ends(shrink=1.0):
        assert least <= errors <= most
    for errors in ends(shrink=0.5):
        assert errors > most


@pytest.mark.parametrize(
    ("effect", "choices", "message"),
    [
        (np.zeros((1, 4)), {"margin": 0.1}, r"need at least 2 scenes, got 1"),
        (np.zeros((3, 4)), {"margin": 0.0}, r"`margin` must be a positive number, got 0"),
        (np.zeros((3, 4)), {"margin": 0.1, "horizon": 4}, r"`horizon` must be a layer from 0 to 3"),
        (np.zeros((3, 4)), {"margin": 0.1, "level": 0.0}, r"`level` must lie between 0 and 1"),
    ],
)
def test_says_what_is_wrong(effect, choices, message):
    with pytest.raises(ValueError, match=message):
        forward_backward_set(effect, **choices)


@pytest.mark.parametrize("plateau", [(2, 4), (3, 2), (), (-1, 2)])
def test_a_plateau_must_lie_within_the_layers(plateau):
    with pytest.raises(ValueError, match=r"`plateau` must give its first and last layer within"):
        half_forward_backward_set(np.zeros((3, 4)), plateau=plateau)
