"""What is drawn is what was found; the files are the same every time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from analysis.drawing.figures import (
    COLORS,
    draw_effect,
    draw_sets,
    looks,
    save_emergence_figure,
)
from analysis.effects.found import Crossing, LayerSet
from analysis.emergence.estimates import estimate
from data_prep.attributes import ATTRIBUTES
from tests.analysis.planted import PROFILES, QUICK, planted


@pytest.fixture(scope="module")
def found() -> dict:
    return {name: estimate(planted(PROFILES[name]), QUICK, key=0).results for name in PROFILES}


def column(found, name):
    return [getattr(row, name) for row in found.layers]


def test_line_and_band_are_the_estimates(found):
    axes = Figure().subplots()
    draw_effect(axes, found["emerged"], "color")
    line = axes.lines[0]
    assert np.asarray(line.get_xdata()).tolist() == column(found["emerged"], "layer")
    assert np.asarray(line.get_ydata()).tolist() == column(found["emerged"], "effect")
    assert line.get_color() == COLORS["color"]
    edges = np.asarray(axes.collections[0].get_paths()[0].vertices)
    for layer, row in enumerate(found["emerged"].layers):
        drawn = edges[edges[:, 0] == layer, 1]
        assert (drawn.min(), drawn.max()) == (row.low, row.high)


def test_the_emergence_layer_stands_at_half_of_the_plateau_with_its_interval(found):
    axes = Figure().subplots()
    draw_effect(axes, found["emerged"], "color")
    _, bar, mark = axes.lines
    crossing, half = found["emerged"].lambda_half, found["emerged"].plateau_effect / 2
    assert np.asarray(mark.get_xydata()).tolist() == [[crossing.estimate, half]]
    assert np.asarray(bar.get_xydata()).tolist() == [
        [crossing.low, half],
        [crossing.high, half],
    ]


def test_an_interval_may_leave_the_estimate_outside(found):
    axes = Figure().subplots()
    crossing = Crossing(estimate=2.0, low=2.5, high=3.0, level=0.95)
    draw_effect(axes, replace(found["emerged"], lambda_half=crossing), "color")
    assert np.asarray(axes.lines[1].get_xdata()).tolist() == [2.5, 3.0]


def test_sets_are_bars_that_hold_their_layers(found):
    axes = Figure().subplots()
    draw_sets(axes, found["emerged"], "color", height=-0.2)
    low, high = np.asarray(axes.lines[0].get_xdata())
    ends = found["emerged"].fb_half
    assert ends.low - 0.5 < low < ends.low
    assert ends.high < high < ends.high + 0.5
    # Open above: to beyond the last layer.
    open_above = replace(found["emerged"], fb_half=LayerSet(low=3, high=None))
    draw_sets(axes, open_above, "color", height=-0.2)
    assert np.asarray(axes.lines[1].get_xdata())[1] > 8


@pytest.mark.parametrize("outcome", ["not_emerged", "from_start", "died"])
def test_no_layer_is_marked_where_there_is_none(found, outcome):
    axes = Figure().subplots()
    draw_effect(axes, found[outcome], "color")
    draw_sets(axes, found[outcome], "color", height=-0.2)
    assert len(axes.lines) == 1


def test_files_are_the_same_every_time(found, tmp_path):
    results = dict(zip(ATTRIBUTES, found.values(), strict=False))
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        files = save_emergence_figure(results, folder)
        assert files == (folder / "emergence.pdf", folder / "emergence.png")
    for name in ("emergence.pdf", "emergence.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Image.open(tmp_path / "a" / "emergence.png") as image:
        assert image.width == 5.5 * 200
        assert np.asarray(image.convert("L")).std() > 0


def test_every_attribute_has_a_colour_of_its_own():
    assert len({COLORS[name] for name in ATTRIBUTES}) == len(ATTRIBUTES)


def test_attributes_of_other_data_get_looks_by_their_place():
    names = ["kind", "color", "place", "object", "animal", "activity", "presence"]
    found = looks(names)
    assert list(found) == names
    assert found["color"].color == COLORS["color"]
    assert len({look.color for look in found.values()}) == len(names)
    assert looks(names) == found
    # The look of one that is known does not depend on the others.
    assert looks(ATTRIBUTES)["color"] == looks(["color"])["color"] == found["color"]


@given(st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=40))
def test_any_names_have_looks_of_their_own(names):
    found = looks(names)
    others = [found[name] for name in names if name not in COLORS]
    assert len(found) == len(names)
    # By the lines: colours come again after the seventh.
    assert len({(look.color, str(look.line), look.marker) for look in others}) == len(others)


def test_a_figure_of_many_attributes_of_other_data(found, tmp_path):
    results = dict(zip("abcdefghij", [found["emerged"]] * 10, strict=True))
    files = save_emergence_figure(results, tmp_path)
    assert all(file.stat().st_size for file in files)
