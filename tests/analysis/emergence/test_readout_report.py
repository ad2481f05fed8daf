"""What is said of two readouts is decided by adjusted p-values."""

import pytest

from analysis.emergence.readout_report import disagreement

PAIR = {
    "first": "logit_lens",
    "second": "linear_probe",
    "effect": [
        {"layer": 0, "difference": 0.3, "p": 0.2},
        {"layer": 1, "difference": -0.2, "p": 0.01},
        {"layer": 2, "difference": -0.1, "p": 0.05},
    ],
    "crossing": {"estimate": -1.24, "low": -2.0, "high": -0.5, "p": 0.03},
}


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (0.03, "emerges earlier than"),
        # The interval alone excludes 0: unadjusted, it made a false claim in .145 of studies.
        (0.06, "is not shown to emerge at another layer than"),
    ],
)
def test_the_layer_of_two_readouts_differs_by_the_adjusted_p(p, verdict):
    said = disagreement(PAIR | {"crossing": PAIR["crossing"] | {"p": p}}, 0.95)
    assert f"The linear probe {verdict} the logit lens: -1.2 layers (95% CI -2.0 to -0.5" in said


def test_layers_are_named_where_information_differs():
    said = disagreement(PAIR | {"crossing": None}, 0.95)
    assert said == "logit lens against linear probe: linear probe reads more at layers 1 to 2."
    none = [row | {"p": 0.9} for row in PAIR["effect"]]
    assert "no difference shown at any layer" in disagreement(
        PAIR | {"crossing": None, "effect": none}, 0.95
    )
