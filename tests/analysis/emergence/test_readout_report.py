"""What is said of two readouts is decided by adjusted p-values."""

from dataclasses import replace

import pytest

from analysis.emergence.found import CrossingGap, LayerDifference, ReadoutPair
from analysis.emergence.readout_report import disagreement

CROSSING = CrossingGap(estimate=-1.24, low=-2.0, high=-0.5, p=0.03)
PAIR = ReadoutPair(
    first="logit_lens",
    second="linear_probe",
    effect=tuple(
        LayerDifference(layer=layer, difference=difference, low=-1.0, high=1.0, p=p)
        for layer, (difference, p) in enumerate(((0.3, 0.2), (-0.2, 0.01), (-0.1, 0.05)))
    ),
    accuracy=(),
    omnibus_p=0.01,
    crossing=CROSSING,
)


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (0.03, "emerges earlier than"),
        # The interval alone excludes 0: unadjusted, it made a false claim in .145 of studies.
        (0.06, "is not shown to emerge at another layer than"),
    ],
)
def test_the_layer_of_two_readouts_differs_by_the_adjusted_p(p, verdict):
    said = disagreement(replace(PAIR, crossing=replace(CROSSING, p=p)), 0.95)
    assert f"The linear probe {verdict} the logit lens: -1.2 layers (95% CI -2.0 to -0.5" in said


def test_layers_are_named_where_information_differs():
    alone = replace(PAIR, crossing=None)
    said = disagreement(alone, 0.95)
    assert said == "logit lens against linear probe: linear probe reads more at layers 1 to 2."
    none = replace(alone, effect=tuple(replace(row, p=0.9) for row in PAIR.effect))
    assert "no difference shown at any layer" in disagreement(none, 0.95)
