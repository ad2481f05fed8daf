"""A probe for shapes meets new pairs: shape in its own direction survives that.

Color in place of shape does not: the control that must fail.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.linear_probe.compositions import across_compositions, pair_group
from tests.probes.linear_probe.made_up import ANSWERS

N_COLORS, WIDTH = 4, 12


def read(*, shape_at, color_at, n_scenes=240, seed=0):
    """Accuracy per layer within the pairs seen and outside, of residuals of two layers."""
    rng = np.random.default_rng(seed)
    shape, color = rng.integers(len(ANSWERS), size=n_scenes), rng.integers(N_COLORS, size=n_scenes)
    residuals = rng.standard_normal((n_scenes, 2, WIDTH))
    directions = 4 * np.eye(WIDTH)
    for layer in shape_at:
        residuals[:, layer] += directions[shape]
    for layer in color_at:
        residuals[:, layer] += directions[len(ANSWERS) + color]
    found = across_compositions(
        torch.tensor(residuals, dtype=torch.float32),
        shape,
        pair_group(shape, color),
        scenes=[f"scene-{number}" for number in range(n_scenes)],
        answers=ANSWERS,
    )
    for log_probs in (found.seen, found.unseen):
        assert log_probs.shape == (n_scenes, 2, len(ANSWERS))
        np.testing.assert_allclose(np.exp2(log_probs).sum(-1), 1, atol=1e-4)
    return tuple((each.argmax(-1) == shape[:, None]).mean(0) for each in (found.seen, found.unseen))


def test_shape_in_a_direction_of_its_own_is_read_in_any_color():
    seen, unseen = read(shape_at=[0, 1], color_at=[1])
    assert (seen > 0.95).all()
    assert unseen[0] > seen[0] - 0.02
    # Where color can be read beside it, a probe leans on both, since within a group both tell.
    assert unseen[1] > 0.7


def test_color_in_place_of_shape_reads_the_pairs_seen_and_misleads_in_the_others():
    seen, unseen = read(shape_at=[], color_at=[1])
    chance = 1 / len(ANSWERS)
    # Within a group an even color leaves two shapes, an odd one a single shape, or the reverse.
    assert seen[1] > chance + 0.2
    assert unseen[1] < 0.1
    # Where nothing is planted, neither is told.
    assert abs(seen[0] - chance) < 0.12
    assert abs(unseen[0] - chance) < 0.12


@given(st.integers(2, 9), st.integers(2, 9))
def test_every_value_is_in_both_groups_and_no_pair_is(n_first, n_second):
    first, second = (each.ravel() for each in np.indices((n_first, n_second)))
    group = pair_group(first, second)
    for values in (first, second):
        for value in np.unique(values):
            assert set(group[values == value].tolist()) == {0, 1}
    again = pair_group(np.repeat(first, 3), np.repeat(second, 3))
    np.testing.assert_array_equal(again, np.repeat(group, 3))


def across(answer, group):
    return across_compositions(
        torch.randn(len(answer), 1, 4, generator=torch.Generator().manual_seed(0)),
        answer,
        group,
        scenes=[f"scene-{number}" for number in range(len(answer))],
        answers=ANSWERS,
    )


def test_an_empty_group_is_refused():
    answer = np.arange(90) % 3
    for there in (0, 1):
        with pytest.raises(
            UserError, match=f"group {1 - there} of the pairs, .* of fold 0, has no items"
        ) as caught:
            across(answer, np.full(90, there))
        assert "\n" not in str(caught.value)


def test_a_value_that_a_group_lacks_is_named():
    answer = np.arange(90) % 3
    group = np.where(answer == 2, 1, np.arange(90) % 2)
    with pytest.raises(UserError, match="'cylinder' does not in group 0 of the pairs"):
        across(answer, group)
