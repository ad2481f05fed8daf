"""Which boxes lie over which, for grids of one size and of several."""

import numpy as np
import pytest
import torch

from analysis.explore.places import Grid, grid_of, levels_of
from tests.analysis.explore.made_up import square_grid


def test_one_grid_has_one_level():
    grid = square_grid(24)
    assert (grid.levels == 0).all()


def test_a_whole_image_lies_over_its_tiles():
    fine, coarse = square_grid(8), square_grid(4)
    assert levels_of(np.concatenate([coarse.boxes, fine.boxes])).tolist() == [1] * 16 + [0] * 64


def test_what_shows_nothing_has_no_level():
    boxes = np.concatenate([square_grid(2).boxes, np.full((1, 4), np.nan)])
    assert levels_of(boxes).tolist() == [0, 0, 0, 0, -1]


def test_boxes_become_shares_of_the_sides():
    class Shown:
        def image_boxes(self, size):
            return torch.tensor([[0.0, 0, size[0] / 2, size[1]], [size[0] / 2, 0, *size]])

    grid = grid_of(Shown(), (40, 10))  # pyright: ignore[reportArgumentType]
    assert isinstance(grid, Grid)
    np.testing.assert_allclose(grid.boxes, [[0, 0, 0.5, 1], [0.5, 0, 1, 1]])


@pytest.mark.parametrize("side", [1, 3])
def test_square_grids(side):
    assert square_grid(side).boxes[-1] == pytest.approx([1 - 1 / side, 1 - 1 / side, 1, 1])
