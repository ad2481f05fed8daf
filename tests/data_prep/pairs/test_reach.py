"""The share of pixels that change outside of the changed object."""

import numpy as np
import pytest

from data_prep.pairs.reach import changed_outside, mean_changed_outside, outlines


def test_an_exact_case():
    base = np.full((4, 5, 3), 100, np.uint8)
    changed = base.copy()
    changed[0, :] = 255  # inside
    changed[1, 0, 2] = 99
    changed[1, 1, 0] = 103
    changed[1, 2] = 109
    inside = np.zeros((4, 5), bool)
    inside[0] = True
    assert changed_outside(base, changed, inside) == {0: 3 / 15, 2: 2 / 15, 8: 1 / 15}
    assert changed_outside(base, base, inside) == {0: 0, 2: 0, 8: 0}
    assert changed_outside(base, changed, ~np.zeros((4, 5), bool)) == {0: 0, 2: 0, 8: 0}


def test_differences_do_not_wrap_around():
    black, white = (np.full((1, 1, 3), value, np.uint8) for value in (0, 255))
    nowhere = np.zeros((1, 1), bool)
    assert changed_outside(white, black, nowhere) == changed_outside(black, white, nowhere)


def test_outlines_are_those_of_both_pictures():
    one, other = np.array([[0, 1, 1]], np.int8), np.array([[0, 0, 1]], np.int8)
    assert outlines(one, other, 1).tolist() == [[False, True, True]]


def test_the_mean_over_pairs():
    mean = mean_changed_outside([{0: 0.5, 2: 0.25, 8: 0.0}, {0: 0.25, 2: 0.25, 8: 0.5}])
    assert mean == pytest.approx({0: 0.375, 2: 0.25, 8: 0.25})
