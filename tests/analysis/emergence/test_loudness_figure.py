"""Both curves and the scale are drawn as they were found; the files are the same every time."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.drawing.figures import COLORS
from analysis.effects.found import Finding
from analysis.emergence.estimates import estimate
from analysis.emergence.loudness_figure import (
    draw_knows_and_sure,
    draw_scale,
    save_loudness_figure,
)
from tests.analysis.planted import EMERGING, QUICK, planted


@pytest.fixture(scope="module")
def found() -> Finding:
    return estimate(planted(EMERGING), QUICK, key=0).results


def test_knowing_and_being_sure_are_two_curves_with_a_layer_each(found):
    axes = Figure().subplots()
    draw_knows_and_sure(axes, found)
    by_color = {line.get_color(): line for line in axes.lines if line.get_label() in COLORS}
    knows, sure = (by_color[COLORS[word]] for word in ("knows", "sure"))
    assert np.asarray(knows.get_ydata()).tolist() == [row.effect for row in found.layers]
    certainty = [row.certainty.estimate for row in found.layers]
    assert np.asarray(sure.get_ydata()).tolist() == certainty
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    at = [np.asarray(diamond.get_xdata()).item() for diamond in diamonds]
    assert at == [found.lambda_half.estimate, found.sure.lambda_half.estimate]


def test_without_a_layer_no_diamond_is_drawn(found):
    axes = Figure().subplots()
    silent = replace(found, lambda_half=None, sure=replace(found.sure, lambda_half=None))
    draw_knows_and_sure(axes, silent)
    assert not [line for line in axes.lines if line.get_marker() == "D"]


def test_scales_beyond_the_axis_are_cut_and_the_others_drawn_as_they_are(found):
    axes = Figure().subplots()
    draw_scale(axes, found)
    drawn = np.asarray(axes.lines[1].get_ydata())
    scale = np.array([row.scale.estimate for row in found.layers])
    low, high = axes.get_ylim()
    inside = (scale > low) & (scale < high)
    assert inside.sum() >= 4
    assert drawn[inside].tolist() == scale[inside].tolist()
    assert drawn.min() >= low
    assert drawn.max() <= high


def test_files_are_the_same_every_time(found, tmp_path):
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append([file.read_bytes() for file in
                     save_loudness_figure({"color": found}, tmp_path / name)])  # fmt: skip
    assert made[0] == made[1]
    assert all(made[0])
