"""Panels side by side for any number of attributes."""

import pytest
from matplotlib.figure import Figure as Canvas

from paper.drawing.panels import attribute_panels, n_blocks


@pytest.mark.parametrize("n_names", [1, 3, 5, 7, 11])
def test_any_number_of_attributes_finds_its_panels(n_names):
    names = [f"kind_{place}" for place in range(n_names)]
    canvas = Canvas()
    panels = attribute_panels(canvas, names, ("above", "below"), (2, 1))
    assert list(panels) == names
    assert all(len(own) == 2 for own in panels.values())
    assert len(canvas.axes) == n_blocks(n_names) * 2 * min(5, n_names)
    assert [panels[name][0].get_title() for name in names] == names
    assert sum(axes.axison for axes in canvas.axes) == 2 * n_names
