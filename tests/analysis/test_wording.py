"""Numbers in words."""

import pytest

from analysis.effects.found import LayerSet
from analysis.wording import layers_text, p_text, p_value, set_text, survives
from tests.paper.made_up_findings import typed_finding


def test_p_values_are_never_shown_as_zero():
    assert [p_value(p) for p in (0.0001, 0.001, 0.0495, 1.0)] == ["<.001", ".001", ".050", "1.000"]
    assert [p_text(p) for p in (0.0001, 0.2)] == ["p < .001", "p = .200"]


@pytest.mark.parametrize(
    ("layers", "said"),
    [([3], "layer 3"), ([2, 3, 4, 8], "layers 2 to 4, 8"), ([1, 3], "layers 1, 3")],
)
def test_neighbouring_layers_are_said_together(layers, said):
    assert layers_text(layers) == said


def test_a_set_without_an_upper_end_is_open():
    assert set_text(LayerSet(low=3, high=5)) == "3 to 5"
    assert set_text(LayerSet(low=3, high=None)) == "3 or later"


@pytest.mark.parametrize(("p", "stands"), [(0.05, True), (0.0501, False)])
def test_a_finding_survives_at_the_level_of_its_study(p, stands):
    found = typed_finding("color", onset=3.4, holm=p)
    assert survives(found) == stands
