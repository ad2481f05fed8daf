"""What may be said of two depths, from p-values alone."""

from dataclasses import replace

import pytest

from analysis.compare.found import (
    Comparison,
    CurveDifference,
    DepthDifference,
    EffectDifference,
    Side,
)
from analysis.compare.plan import ComparePlan
from analysis.compare.verdicts import adjusted


def row(*, estimate: float = 0.2, p: float, p_beyond: float, p_equivalence: float) -> Comparison:
    """A comparison of which nothing but these is looked at."""
    depth = DepthDifference(
        depths=(0.4, 0.4 + estimate), layer_depths=(0.5, 0.5), estimate=estimate, low=-1.0,
        high=1.0, p=p, beyond=0.125, p_beyond=p_beyond, low_equivalence=-1.0, high_equivalence=1.0,
        p_equivalence=p_equivalence, p_holm=p, p_beyond_holm=p_beyond,
        p_equivalence_holm=p_equivalence,
    )  # fmt: skip
    same = EffectDifference(depth=0.0, estimate=0.0, low=-1.0, high=1.0, p=0.5)
    side = Side(run="a", readout="logit_lens")
    return Comparison(
        attribute="color", first=side, second=side, paired=True, n_scenes=(80, 80), n_shared=80,
        depth=depth, no_depth=None, verdict="undecided", correct=None, right_probability=None,
        curve=CurveDifference(omnibus_p=0.5, depths=(same, same), omnibus_p_holm=0.5),
        top_probability=None,
    )  # fmt: skip


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
    assert found.verdict == verdict


def test_it_is_decided_after_adjustment():
    rows = [
        row(p=0.001, p_beyond=0.03, p_equivalence=1.0),
        row(p=0.001, p_beyond=0.3, p_equivalence=1.0),
        replace(row(p=0.001, p_beyond=0.3, p_equivalence=1.0), depth=None),
    ]
    first, second, third = adjusted(rows, ComparePlan())
    assert first.depth is not None
    assert second.depth is not None
    assert [first.depth.p_beyond_holm, second.depth.p_beyond_holm] == [0.06, 0.3]
    assert first.depth.p_holm == 0.002
    verdicts = [each.verdict for each in (first, second, third)]
    assert verdicts == ["undecided", "undecided", "not_compared"]
    assert adjusted(rows[:1], ComparePlan())[0].verdict == "later"
