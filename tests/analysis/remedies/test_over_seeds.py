"""An arm without effect is seldom claimed, one with an effect is found; by simulation."""

import numpy as np
import pytest
from scipy.stats import binom

from analysis.remedies.found import MEASURES, AgainstPlain
from analysis.remedies.over_seeds import MARGIN, against_plain, shared_seeds
from analysis.remedies.wording import no_harm, verdict
from stats import area_difference

LEVEL, N_GROUPS, SEEDS = 0.95, 60, (0, 1, 2)
SEED_SD, GROUP_SD = 0.04, 0.2


def rows_of(rng: np.random.Generator, effects: dict[str, float], *, seed_sd: float = SEED_SD):
    """Rows of plain and of arms: scenes are hard for all models alike, every training is a little
    different, and a model is right or wrong about a scene by chance."""
    groups = rng.normal(0, GROUP_SD, (len(MEASURES), N_GROUPS))
    rows = {}
    for arm, effect in {"plain": 0.0, **effects}.items():
        for seed in SEEDS:
            own = 0.5 + effect + groups + rng.normal(0, seed_sd, (len(MEASURES), 1))
            own += rng.normal(0, GROUP_SD / 2, groups.shape)
            rows[arm, seed] = dict(zip(MEASURES, own, strict=True))
    return rows


def simulated(effects: dict[str, float], n: int, **given: float) -> list[AgainstPlain]:
    rng = np.random.default_rng(0)
    return [
        each
        for _ in range(n)
        for each in against_plain(rows_of(rng, effects, **given), level=LEVEL)
    ]


def bound(n: int, share: float = 0.05) -> float:
    return float(binom.ppf(0.999, n, share)) / n


def test_arms_without_effect_are_claimed_in_at_most_a_twentieth():
    """Any claim among two arms of one measure counts: p-values are adjusted over arms."""
    n = 35
    found = simulated({"none5": 0.0, "none20": 0.0}, n)
    claimed = np.array([verdict(each, LEVEL) != "" for each in found])
    families = claimed.reshape(n, 2, len(MEASURES)).any(axis=1).ravel()
    assert families.mean() <= bound(len(families))


def test_ignoring_the_seed_claims_far_too_often():
    """The control: all seeds of an arm as if they were one model, with scenes as the units."""
    rng, claimed = np.random.default_rng(0), []
    for _ in range(120):
        rows = rows_of(rng, {"none5": 0.0})
        one, two = (
            np.stack([[rows[arm, seed][name] for name in MEASURES] for seed in SEEDS]).mean(0).T
            for arm in ("none5", "plain")
        )
        claimed += (area_difference(one, two, level=LEVEL).p <= 1 - LEVEL).tolist()
    assert np.mean(claimed) > 0.3


def test_an_arm_with_an_effect_is_found_beside_one_without():
    n = 8
    found = simulated({"none5": 0.4, "none20": 0.0}, n)
    with_effect = [verdict(each, LEVEL) == "raises" for each in found if each.arm == "none5"]
    without = [verdict(each, LEVEL) != "" for each in found if each.arm == "none20"]
    assert np.mean(with_effect) > 0.95
    assert np.mean(without) <= bound(len(without))
    covered = [
        each.over.mean.low <= 0.4 <= each.over.mean.high
        for each in found
        if each.arm == "none5" and each.over is not None
    ]
    assert np.mean(covered) >= 1 - bound(len(covered))


def test_no_harm_is_seldom_claimed_at_the_margin_and_found_without_harm():
    at_margin = simulated({"none5": -MARGIN}, 15, seed_sd=0.003)
    claimed = [no_harm(each, LEVEL) for each in at_margin]
    assert np.mean(claimed) <= bound(len(claimed))
    rng = np.random.default_rng(1)
    rows = rows_of(rng, {})
    rows |= {
        ("none5", seed): {
            name: each + rng.normal(0, 0.02, N_GROUPS) for name, each in rows["plain", seed].items()
        }
        for seed in SEEDS
    }
    assert all(no_harm(each, LEVEL) for each in against_plain(rows, level=LEVEL))


def test_one_seed_is_told_and_not_claimed():
    rows = rows_of(np.random.default_rng(0), {"none5": 0.4})
    one = {key: each for key, each in rows.items() if key[1] == 0 or key[0] == "plain"}
    found = against_plain(one, level=LEVEL)
    assert [each.measure for each in found] == list(MEASURES)
    assert all(each.over is None and list(each.by_seed) == [0] for each in found)
    expected = rows["none5", 0]["right"].mean() - rows["plain", 0]["right"].mean()
    right = next(each for each in found if each.measure == "right")
    assert right.by_seed[0].estimate == pytest.approx(expected)


def test_arms_with_too_few_seeds_do_not_count_in_the_adjustment():
    rows = rows_of(np.random.default_rng(0), {"none5": 0.4, "none20": 0.0})
    fewer = {key: each for key, each in rows.items() if key not in (("none20", 1), ("none20", 2))}
    alone = [each for each in against_plain(fewer, level=LEVEL) if each.over is not None]
    assert {each.arm for each in alone} == {"none5"}
    assert all(each.over is not None and each.over.p_holm == each.over.p for each in alone)


def test_only_seeds_that_plain_has_are_compared():
    models = [("plain", 0), ("plain", 1), ("none5", 1), ("none5", 2), ("contrast", 5)]
    assert shared_seeds(models) == {"none5": [1]}
