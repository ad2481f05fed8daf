"""Claims about layers, curves and readouts hold at a few repetitions, and what must fail fails."""

import numpy as np
import pytest

from analysis.validate import course, layers, readouts, worlds
from analysis.validate.claims import CLAIMS
from analysis.validate.course import course_claims
from analysis.validate.readouts import readout_claims
from analysis.validate.scale import Scale
from analysis.validate.worlds import (
    SHARES,
    cell_coverage,
    entropy_bits,
    invariance,
    population_crossing,
)

SCALE = Scale(repetitions=100, seed=1)


@pytest.mark.parametrize("claims", [course_claims, readout_claims, invariance])
def test_claims_hold_and_come_with_what_must_fail(claims):
    found = list(claims(SCALE))
    assert [each.claim for each in found if not each.holds] == []
    assert any("fail" in each.claim or "stated" in each.claim for each in found)


def test_every_file_of_claims_is_run():
    assert {"layers", "course", "worlds", "readouts"} <= set(CLAIMS)


def test_a_cell_of_unequal_loudness_is_covered_and_stated_bits_are_not(monkeypatch):
    monkeypatch.setattr(worlds, "_STATED", 6)
    truth = population_crossing(SHARES["3 even"], seed=0, n_scenes=8000)
    assert truth == pytest.approx(5.29, abs=0.1)
    found = cell_coverage("3 even", 60, truth, rng=SCALE.rng(0), repetitions=30)
    assert (found.given, found.stated) == (1, 0)
    assert found.sets >= 0.9
    # Of 30 intervals that cover .92, 22 or fewer do in one of a thousand.
    assert found.interval > 22 / 30
    assert entropy_bits(SHARES["8 even"]) == pytest.approx(3)


def test_cells_of_layers_are_covered_by_interval_layer_and_set():
    for cell in layers.CELLS[::24]:
        found = layers.cell_coverage(*cell, rng=SCALE.rng(1), repetitions=60)
        assert min(found[:3]) >= 0.85
        assert found[3] > 0


def test_a_cell_that_falls_short_is_simulated_again_and_counts_as_that_says(monkeypatch):
    asked = []

    def coverage(*cell, rng, repetitions):
        asked.append(repetitions)
        # The third cell falls short by chance, the fourth for good.
        number = len(asked)
        return (0.5 if number in (3, 5, 6) else 0.96), 0.97, 0.98, 1.5

    monkeypatch.setattr(layers, "cell_coverage", coverage)
    monkeypatch.setattr(layers, "one_sided_errors", lambda scale: np.array([0.025, 0.025]))
    found = {each.claim: each for each in layers.layer_claims(SCALE)}
    assert asked[:6] == [100, 100, 100, 500, 100, 500]
    least = found["lambda_half interval, least coverage of 72 cells"]
    assert (least.value, least.holds) == (0.5, False)


def test_a_rule_that_takes_missing_significance_for_death_falls_short(monkeypatch):
    rng = np.random.default_rng(0)
    right = course.emergence_layer

    def careless(effect, **choices):
        found = right(effect, **choices)
        died = course.died_before(effect, rng)
        return type("Found", (), {"outcome": "died" if died else found.outcome})

    monkeypatch.setattr(course, "emergence_layer", careless)
    found = list(course._lower_end(SCALE, 4))
    assert [each.holds for each in found] == [False, True]


def test_an_interval_by_item_falls_short(monkeypatch):
    right = readouts.loudness
    monkeypatch.setattr(
        readouts, "loudness", lambda scores, answers, scenes: right(
            scores, answers, np.arange(len(answers))
        )
    )  # fmt: skip
    found = {each.claim: each for each in readouts._loudness_coverage(SCALE)}
    assert not found["loudness coverage, 16 cells, mean"].holds
