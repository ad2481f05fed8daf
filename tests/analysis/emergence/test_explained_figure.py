"""The figure that explains itself says the numbers of the finding, and keeps them on the paper."""

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.drawing.style import TEXT_WIDTH_IN, house_style
from analysis.emergence.explained_figure import draw_explained, save_explained_figure
from tests.paper.made_up_findings import typed_finding


def texts(axes) -> list[str]:
    return [each.get_text() for each in axes.texts]


@pytest.mark.parametrize("onset", [1.4, 4.6])
def test_it_says_the_layer_and_its_interval(onset):
    axes, found = Figure(figsize=(5.5, 3)).subplots(), typed_finding("shape", onset=onset)
    draw_explained(axes, found, "shape")
    crossing = found.lambda_half
    assert crossing is not None
    said = " ".join(texts(axes))
    assert f"shape emerges at layer {crossing.estimate:.1f}" in said
    assert f"{found.n_scenes:,} scenes: {crossing.low:.1f} to {crossing.high:.1f}" in said
    for part in ("band of each layer", "half of the plateau", "plateau: declared", "set that"):
        assert part in said


@pytest.mark.parametrize("onset", [1.4, 4.6])
def test_no_text_leaves_the_paper_or_stands_on_another(onset, tmp_path):
    with house_style():
        figure = Figure(figsize=(TEXT_WIDTH_IN, 3), layout="constrained")
        axes = figure.subplots()
        draw_explained(axes, typed_finding("shape", onset=onset), "shape")
        figure.savefig(tmp_path / "explained.png")
    boxes = [Text.get_window_extent(each) for each in axes.texts]  # without their arrows
    paper = figure.bbox
    for box in boxes:
        assert paper.x0 <= box.x0
        assert box.x1 <= paper.x1
        assert paper.y0 <= box.y0
        assert box.y1 <= paper.y1
    overlapping = [
        (a, b) for a, one in enumerate(boxes) for b, other in enumerate(boxes)
        if a < b and one.overlaps(other)
    ]  # fmt: skip
    assert not overlapping, [(texts(axes)[a], texts(axes)[b]) for a, b in overlapping]


def test_nothing_is_explained_without_a_layer(tmp_path):
    found = typed_finding("shape", onset=2.0, outcome="not_emerged")
    with pytest.raises(ValueError, match="shape has no layer of emergence: explain one that has"):
        save_explained_figure(found, "shape", tmp_path)
    assert not list(tmp_path.iterdir())
