"""Each small estimator holds in the cell in which its predecessor fails, at a few repetitions."""

import pytest

from analysis.validate.decisions import (
    decoder_claims,
    readout_order_claims,
    slow_crossing_claims,
)
from analysis.validate.scale import Scale
from analysis.validate.shares_and_areas import area_claims, share_claims
from analysis.validate.smooth_functions import smooth_function_claims
from analysis.validate.strata import heavy_tail_claims, strata_claims

SCALE = Scale(repetitions=300, seed=1)


@pytest.mark.parametrize(
    "claims",
    [area_claims, share_claims, smooth_function_claims, decoder_claims, readout_order_claims,
     slow_crossing_claims, strata_claims],
)  # fmt: skip
def test_claims_hold_and_come_with_what_must_fail(claims):
    found = list(claims(SCALE))
    assert [(each.claim, each.value, each.bound) for each in found if not each.holds] == []
    assert any("fail" in each.claim for each in found)


def test_heavy_tails_are_told_where_there_are_and_nowhere_else():
    assert all(each.holds for each in heavy_tail_claims(SCALE))
