"""What is drawn is what was found; what is said fits the numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.drawing.token_labels import printed_token
from analysis.trajectory.figures import (
    draw_heat,
    draw_measure,
    draw_pair,
    draw_positions,
    draw_scripts,
    draw_tokens,
    save_trajectory_figures,
)
from analysis.trajectory.found import AttributeTrajectory, FoundTrajectories, MedianLayer
from analysis.trajectory.report import (
    last_layers,
    scripts,
    stays_first,
    trajectory_sentences,
    trajectory_table,
)
from analysis.typed import read_back, written
from tests.paper.made_up_studies import TOKENS, trajectory


@pytest.fixture
def study() -> FoundTrajectories:
    return read_back(FoundTrajectories, trajectory(["color", "shape"]), "made up")


@pytest.fixture
def found(study) -> AttributeTrajectory:
    return study.attributes["color"]


def test_results_are_read_back_as_they_were_written(study):
    content = json.loads(json.dumps(written(study)))
    assert read_back(FoundTrajectories, content, "results.json") == study


def test_the_heat_map_is_the_array():
    values = np.random.default_rng(0).random((7, 4)).round(3)
    axes = Figure().subplots()
    image = draw_heat(axes, values.tolist(), first_layer=1, columns="item")
    np.testing.assert_array_equal(image.get_array(), values.T)
    assert image.get_interpolation() == "none"
    assert image.get_clim() == (0, 1)
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-0.5, 6.5, 0.5, 4.5)
    assert image.origin == "lower"


def test_both_maps_are_drawn_and_the_image_is_underlined(study, found):
    heat = found.heat
    shades = heat.top1_probability, heat.jsd_adjacent_bits
    for axes, values in zip(draw_pair(Figure(), heat, "item"), shades, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), np.array(values).T)
    figure = Figure()
    draw_positions(figure, study.maps["scene_1/50%"])
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1.5, 6.5]  # pyright: ignore


def test_curves_scripts_and_tokens_are_those_found(found):
    axes = Figure().subplots()
    draw_measure(axes, found.curves.p_answer, "p(right answer)")
    assert [line.get_label() for line in axes.lines] == ["real", "shuffled", "blank"]
    wanted = [row.estimate for row in found.curves.p_answer.real]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), wanted)
    assert axes.get_title() == "p(right answer)"
    axes = Figure().subplots()
    draw_scripts(axes, found)
    assert [line.get_label() for line in axes.lines] == ["Latin", "Hangul", "others"]
    axes = Figure().subplots()
    image = draw_tokens(axes, found)
    table = [token.layers for token in found.tokens][::-1]
    np.testing.assert_array_equal(image.get_array(), table)
    assert axes.get_yticklabels()[-1].get_text() == "\u00b7metal"


def test_figures_are_the_same_bytes_again_whatever_the_tokens(study, tmp_path):
    (tmp_path / "b").mkdir()
    one, other = (
        save_trajectory_figures(study.attributes, list(study.maps.values()), folder)
        for folder in (tmp_path, tmp_path / "b")
    )
    assert len(one) == 14
    for first, second in zip(one, other, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_the_table_fits_and_says_every_layer(found):
    text = trajectory_table("color", found)
    table = text.partition("Most probable")[0]
    assert max(map(len, table.splitlines())) <= 100
    assert "\u2026" not in table
    rows = [line.split() for line in table.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == [str(layer) for layer in range(7)]
    for token in TOKENS[:-1]:
        assert printed_token(token) in text


def test_the_sentences_answer(found):
    text = trajectory_sentences("color", found)
    assert "from layer 3 on (median; 3 to never)" in text
    assert "\u22120.200 (\u22120.220 to \u22120.180, p = .010)" in text
    assert "norming once leaves no drop but a rise" in text
    assert "only Hangul (Korean) tells a language" in text
    assert "240 scenes, 95% intervals" in text


def test_other_outcomes_are_said(found):
    rows = found.last_layers
    untold = replace(rows, once=replace(rows.once, low=-0.01))
    assert "no drop that could be told from none" in _said_of(found, untold)
    drop = replace(rows, once=replace(rows.once, low=-0.01, high=-0.001))
    assert "leaves a drop" in _said_of(found, drop)
    none = replace(drop, twice=replace(rows.twice, high=0.1))
    assert "shows no drop" in _said_of(found, none)
    never = MedianLayer(estimate=None, low=None, high=None)
    settled = found.answer_stays_first
    late = replace(settled, real=replace(settled.real, median=never))
    assert "in the median scene at no layer (interval: never to never)" in stays_first(
        replace(found, answer_stays_first=late)
    )
    assert "none tells a language" in scripts(replace(found, scripts=found.scripts[:1]))


def _said_of(found, rows) -> str:
    return last_layers(replace(found, last_layers=rows))
