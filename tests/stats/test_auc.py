"""Areas under the curve: by brute force over pairs, separation, coverage, what must fail."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from analysis.validate.shares_and_areas import newcombe
from stats import area_under_curve


def by_pairs(first, second, level):
    """DeLong's interval from every pair, loop by loop."""
    wins = np.array([[1.0 if x > y else 0.5 if x == y else 0.0 for y in second] for x in first])
    area, variance = wins.mean(), 0.0
    for placements in (wins.mean(axis=1), wins.mean(axis=0)):
        around = sum((each - area) ** 2 for each in placements) / (len(placements) - 1)
        variance += around / len(placements)
    reach = norm.ppf((1 + level) / 2) * variance**0.5 / (area * (1 - area))
    odds = np.log(area / (1 - area))
    return area, *(1 / (1 + np.exp(-(odds + side * reach))) for side in (-1, 1))


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_it_is_delong_over_all_pairs_on_the_logit_scale(level):
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 6, (14, 3)) + 1.0, draw.integers(0, 6, (9, 3)) + 0.0
    found = area_under_curve(first, second, level=level)
    for layer in range(3):
        wanted = by_pairs(first[:, layer], second[:, layer], level)
        ends = found.estimate[layer], found.low[layer], found.high[layer]
        np.testing.assert_allclose(ends, wanted, rtol=1e-12)


def test_by_hand():
    """Scores 3, 1 against 2, 0: three of four pairs; placements 1, .5 and .5, 1."""
    found = area_under_curve(np.array([[3.0], [1.0]]), np.array([[2.0], [0.0]]), level=0.5)
    assert found.estimate[0] == 0.75
    # Each group adds .125 / 2; in logits log 3 + .6745 * sqrt(.125) / .1875.
    odds = 3 * np.exp(0.6744897501960817 * 0.125**0.5 / 0.1875)
    assert found.high[0] == pytest.approx(odds / (1 + odds))
    # Two pairs say little: with probability 1/4 neither shows what happens half of the time.
    assert found.low[0] == 0.75 * 0.5


@pytest.mark.parametrize(("first", "second"), [(1, 0), (0, 1), (1, 1)])
def test_no_spread_is_not_beyond_doubt(first, second):
    found = area_under_curve(
        np.full((10, 1), float(first)), np.full((30, 1), float(second)), level=0.95
    )
    unseen = 1 - 0.025**0.1
    area = found.estimate[0]
    assert area == [0.0, 0.5, 1.0][1 + first - second]
    np.testing.assert_allclose(found.low, area * (1 - unseen))
    np.testing.assert_allclose(found.high, area + (1 - area) * unseen)


def test_hardly_any_spread_is_no_more_sure_than_none():
    """One of 300 pairs the other way round must not bound the area closer to 1 than none does."""
    first, second = np.arange(10.0)[:, None] + 100, np.arange(30.0)[:, None]
    parted = area_under_curve(first, second, level=0.95)
    second[-1] = 100.5
    nearly = area_under_curve(first, second, level=0.95)
    assert nearly.low[0] < parted.low[0]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_only_the_order_of_scores_counts(scale):
    draw = np.random.default_rng(1)
    first, second = draw.standard_normal((12, 2)), draw.standard_normal((8, 2))
    plain, moved = (area_under_curve(a * by, b * by, level=0.9) for a, b, by in
                    ((first, second, 1.0), (first, second, scale)))  # fmt: skip
    np.testing.assert_array_equal(plain.low, moved.low)
    np.testing.assert_array_equal(plain.high, moved.high)


def test_it_covers_where_the_small_group_varies_more_and_newcombe_does_not():
    draw, n = np.random.default_rng(2), 400
    first, second = 3 * draw.standard_normal((10, n)), draw.standard_normal((500, n))
    found = area_under_curve(first, second, level=0.95)
    covered = int(((found.low <= 0.5) & (found.high >= 0.5)).sum())
    low, high = newcombe(first, second, level=0.95)
    before = int(((low <= 0.5) & (high >= 0.5)).sum())
    assert covered >= binom.ppf(0.001, n, 0.93)
    assert before < binom.ppf(0.001, n, 0.93)
