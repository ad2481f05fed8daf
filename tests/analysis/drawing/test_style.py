"""Figures have the look of the house, whatever a user has set."""

import os
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from analysis.drawing.figures import save_figure
from analysis.drawing.style import STYLE, house_style, log_scale

FOREIGN: dict[Any, Any] = {"axes.facecolor": "yellow", "axes.grid": True, "xtick.direction": "in",
                           "text.usetex": True, "savefig.dpi": 30, "font.family": "monospace",
                           "axes.formatter.use_locale": True,
                           "savefig.bbox": "tight"}  # fmt: skip


def saved(folder, ending: str) -> bytes:
    file = folder / f"figure.{ending}"
    with house_style():
        figure = Figure(figsize=(2, 2), layout="constrained")
        figure.subplots().plot([1, 2], [0.5, 3])
        undated = {"CreationDate": None} if ending == "pdf" else None
        save_figure(figure, file, metadata=undated)
    return file.read_bytes()


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_settings_of_the_user_change_no_byte(ending, tmp_path):
    own = saved(tmp_path, ending)
    with mpl.rc_context(FOREIGN):
        assert saved(tmp_path, ending) == own
        assert mpl.rcParams["axes.facecolor"] == "yellow"  # they are given back


@pytest.mark.parametrize("date", ["86400", "yesterday"])
def test_a_date_in_the_environment_changes_no_byte(date, tmp_path, monkeypatch):
    own = saved(tmp_path, "pdf")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
    assert saved(tmp_path, "pdf") == own
    assert os.environ["SOURCE_DATE_EPOCH"] == date


def test_more_settings_stand_over_ours():
    with house_style({"font.size": 11}):
        assert mpl.rcParams["font.size"] == 11
        assert mpl.rcParams["axes.linewidth"] == STYLE["axes.linewidth"]


def test_dollar_signs_begin_no_formula(tmp_path):
    with house_style():
        figure = Figure()
        figure.subplots().set_title(r"a $\nothing$ and $b$")
        save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize(
    ("ends", "told"),
    [((1e-6, 2), {"1e-6", "0.001", "1"}), ((2, 5), {"2", "3", "5"}), ((1, 1e7), {"100", "1e6"})],
)
def test_a_logarithmic_axis_is_labelled_in_plain_numbers(ends, told):
    with house_style():
        figure = Figure()
        axes = figure.subplots()
        log_scale(axes)
        axes.set_ylim(*ends)
        figure.canvas.draw()
        labels = {label.get_text() for label in axes.get_yticklabels(which="both")}
    assert told <= labels
    assert not [label for label in labels if "$" in label]
