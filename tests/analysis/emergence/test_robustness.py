"""The layer under other choices: all that are listed, and what each of them changes."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.effects.measured import other_windows
from analysis.emergence.estimates import estimate
from analysis.emergence.robustness import PRIMARY
from tests.analysis.planted import EMERGING, QUICK, planted

CHOICES = [
    PRIMARY,
    "reader with offsets",
    "information, blank not taken off",
    "right answers, above guessing",
    "Brier score, above guessing",
    "plateau of the last third",
    "plateau of the last layer",
    "folds drawn again (1)",
    "folds drawn again (2)",
    "folds drawn again (3)",
    "10 folds",
    "stated bits against shuffled images, as in older work",
]


@pytest.fixture(scope="module")
def found():
    return estimate(planted(EMERGING), QUICK, key=0).results


def by_choice(found) -> dict:
    return {row.choice: row for row in found.robustness}


def test_every_choice_is_tried_and_the_declared_one_comes_first(found):
    assert [row.choice for row in found.robustness] == CHOICES
    assert found.robustness[0].estimate == found.lambda_half.estimate
    assert {row.outcome for row in found.robustness} == {"emerged"}
    assert all(3 < row.estimate < 5 for row in found.robustness)


def test_without_content_there_is_no_layer_under_any_choice():
    null = estimate(planted((0,) * 9), QUICK, key=0).results
    assert {row.outcome for row in null.robustness} == {"not_emerged"}
    assert [row.estimate for row in null.robustness] == [None] * len(CHOICES)


def test_an_answer_that_is_always_preferred_hides_nothing_from_offsets():
    plain = planted(EMERGING)
    preferred = plain.real.astype(float)
    # Up to layer 6 the first answer is preferred so much that a scale cannot see past it.
    preferred[:, :7, 0] += 12
    rows = by_choice(estimate(replace(plain, real=preferred.astype(np.float32)), QUICK, key=0)
                     .results)  # fmt: skip
    assert rows["reader with offsets"].estimate < 5
    assert rows[PRIMARY].estimate > 6


def test_only_stated_bits_move_with_loudness(found):
    plain = planted(EMERGING)
    late = np.array([1, 1, 1, 1, 1, 1, 1, 4, 12.0])[:, None]
    rows = by_choice(estimate(replace(plain, real=(plain.real * late).astype(np.float32)),
                              QUICK, key=0).results)  # fmt: skip
    before = by_choice(found)
    for choice in CHOICES:
        moved = abs(rows[choice].estimate - before[choice].estimate)
        if choice.startswith("stated"):
            assert moved > 1
        elif not choice.startswith("Brier"):
            assert moved < 0.01


@pytest.mark.parametrize(
    ("plateau", "horizon", "windows"),
    [
        ((9, 10), 10, [(8, 10), (10, 10)]),
        ((8, 10), 10, [(9, 10), (10, 10)]),
        ((5, 6), 10, [(9, 10), (8, 10), (10, 10)]),
        ((3, 3), 3, []),
    ],
)
def test_other_windows_are_each_once_and_not_the_declared_one(plateau, horizon, windows):
    assert list(other_windows(plateau, horizon).values()) == windows
