"""What may be said of two depths, from p-values alone."""

from typing import Any

import pytest

from analysis.compare.plan import ComparePlan
from analysis.compare.verdicts import adjusted


def row(*, estimate: float = 0.2, p: float, p_beyond: float, p_equivalence: float) -> dict:
    depth: dict[str, Any] = {
        "estimate": estimate, "p": p, "p_beyond": p_beyond, "p_equivalence": p_equivalence
    }  # fmt: skip
    return {
        "depth": depth, "curve": {"omnibus_p": 0.5}, "correct": None, "right_probability": None,
        "top_probability": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "p", "p_beyond", "p_equivalence", "verdict"),
    [
        (0.2, 0.001, 0.001, 1.0, "later"),
        (-0.2, 0.001, 0.001, 1.0, "earlier"),
        (0.08, 0.001, 0.001, 0.01, "later_within"),
        (-0.08, 0.001, 0.001, 0.01, "earlier_within"),
        (0.0, 0.9, 1.0, 0.01, "same"),
        (0.0, 0.9, 1.0, 0.4, "undecided"),
        # Surely different, by no more than one layer: no direction.
        (0.05, 0.001, 1.0, 0.01, "same"),
        (0.05, 0.001, 0.051, 0.4, "undecided"),
        (0.05, 0.001, 0.05, 0.4, "later"),
    ],
)
def test_a_direction_needs_more_than_one_layer(estimate, p, p_beyond, p_equivalence, verdict):
    one = row(estimate=estimate, p=p, p_beyond=p_beyond, p_equivalence=p_equivalence)
    (found,) = adjusted([one], ComparePlan())
    assert found["verdict"] == verdict


def test_it_is_decided_after_adjustment():
    rows = [
        row(p=0.001, p_beyond=0.03, p_equivalence=1.0),
        row(p=0.001, p_beyond=0.3, p_equivalence=1.0),
        row(p=0.001, p_beyond=0.3, p_equivalence=1.0) | {"depth": None},
    ]
    first, second, third = adjusted(rows, ComparePlan())
    assert [first["depth"]["p_beyond_holm"], second["depth"]["p_beyond_holm"]] == [0.06, 0.3]
    assert first["depth"]["p_holm"] == 0.002
    verdicts = [each["verdict"] for each in (first, second, third)]
    assert verdicts == ["undecided", "undecided", "not_compared"]
    assert adjusted(rows[:1], ComparePlan())[0]["verdict"] == "later"
