"""Against multtest on 102 genes of Golub et al. (1999), Science 286:531: `reference/golub.R`.

What can be enumerated agrees to rounding. Of the 27 against 11 patients there are 1.2e9
permutations, which both sides draw: they agree within their Monte-Carlo error.
"""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from stats import sign_flip_max_t, two_sample_max_t
from stats.sign_flip import Tail
from stats.welch_max_t import welch_max_t

R = json.loads((Path(__file__).parent / "reference" / "golub.json").read_text())
GENES = np.array(R["genes"]).T
IS_AML = np.array(R["is_aml"], dtype=bool)
ALL, AML = GENES[~IS_AML], GENES[IS_AML]


@pytest.mark.parametrize(("tail", "side"), [("two-sided", "abs"), ("greater", "upper")])
@pytest.mark.parametrize("step", ["single_step", "step_down"])
def test_all_sign_flips_of_pairs(tail: Tail, side: str, step: Literal["single_step", "step_down"]):
    """mt.maxT(test = "pairt", B = 0) is the step-down; the single step is of its statistics."""
    found = sign_flip_max_t(
        AML - ALL[: len(AML)],
        rng=np.random.default_rng(0),
        tail=tail,
        step_down=step == "step_down",
    )
    assert (found.exact, found.n_resamples) == (True, 2**11)
    np.testing.assert_allclose(found.t, R["paired_t"], rtol=1e-10)
    np.testing.assert_allclose(found.p, R[f"paired_{side}_{step}"], rtol=0, atol=1e-12)


def test_welchs_statistic():
    first = two_sample_max_t(ALL, AML, rng=np.random.default_rng(0), n_resamples=99)
    second = welch_max_t(
        AML, ALL, rng=np.random.default_rng(0), window=(0, len(GENES.T) - 1), n_resamples=99
    )
    np.testing.assert_allclose(first.t, R["welch_t"], rtol=1e-9)
    np.testing.assert_allclose(second.t, R["welch_t"], rtol=1e-9)


def test_all_permutations_of_few_patients(monkeypatch: pytest.MonkeyPatch):
    """Ours only draws permutations, so that all of them are put in the place of the draws."""
    n_all, n_aml, n_permutations = (R[f"few_{name}"] for name in ("all", "aml", "permutations"))

    def every(n_scenes: int, n_first: int, *_: object) -> Iterator[np.ndarray]:
        dealt = np.array(list(combinations(range(n_scenes), n_first)))
        labels = np.zeros((len(dealt), n_scenes))
        np.put_along_axis(labels, dealt, 1.0, axis=1)
        assert len(labels) == n_permutations
        yield labels

    monkeypatch.setattr("stats.two_sample._labels", every)
    found = two_sample_max_t(
        ALL[:n_all], AML[:n_aml], rng=np.random.default_rng(0), n_resamples=n_permutations
    )
    # The observed labels are among all, where ours adds them to those drawn.
    share = (found.p * (1 + n_permutations) - 1) / n_permutations
    np.testing.assert_allclose(share, R["few_welch_single_step"], rtol=0, atol=1e-12)


def test_drawn_permutations_of_all_patients():
    theirs, n_theirs, n_ours = np.array(R["welch_single_step"]), R["welch_permutations"], 50_000
    found = two_sample_max_t(ALL, AML, rng=np.random.default_rng(0), n_resamples=n_ours)
    # Bernstein's bound at five standard errors: its second term matters near 0 and 1, where shares
    # are far from normal. Each side also counts the observed labels once.
    drawn = 1 / n_theirs + 1 / n_ours
    bound = 5 * np.sqrt(theirs * (1 - theirs) * drawn) + (1 + 5**2 / 6) * drawn
    assert (np.abs(found.p - theirs) <= bound).all()
    assert ((theirs > 0.001) & (theirs < 0.05)).sum() > 5, "no small p-values to compare"
