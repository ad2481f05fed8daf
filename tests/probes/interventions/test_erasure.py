"""LEACE: its properties, and the numbers of its authors' package."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.interventions.erasure import fit_eraser
from probes.linear_probe.probe import fit_probe

REFERENCE = Path(__file__).parent / "reference"


def drawn(seed, n_items=120, width=6, n_classes=3):
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(np.arange(n_items) % n_classes)
    mixing = torch.from_numpy(rng.normal(size=(width, width)))
    shifts = torch.from_numpy(rng.normal(size=(n_classes, width)))
    rows = torch.from_numpy(rng.normal(size=(n_items, width))) + shifts[labels]
    return rows @ mixing, labels


def cross_covariance(rows, labels):
    one_hot = torch.nn.functional.one_hot(labels).double()
    return (rows - rows.mean(0)).T @ (one_hot - one_hot.mean(0)) / len(rows)


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_no_linear_information_is_left(seed, n_classes):
    rows, labels = drawn(seed, n_classes=n_classes)
    eraser = fit_eraser(rows, labels)
    erased = eraser(rows)
    assert cross_covariance(rows, labels).abs().max() > 1e-3
    assert cross_covariance(erased, labels).abs().max() < 1e-10
    torch.testing.assert_close(eraser(erased), erased, rtol=0, atol=1e-9)
    torch.testing.assert_close(erased.mean(0), rows.mean(0))
    assert torch.linalg.matrix_rank(eraser.projection, rtol=1e-9) == n_classes - 1


@given(st.integers(0, 10_000))
def test_it_moves_rows_less_than_an_orthogonal_projection(seed):
    rows, labels = drawn(seed)
    basis = torch.linalg.svd(cross_covariance(rows, labels)).U[:, :2]
    projected = rows - (rows - rows.mean(0)) @ basis @ basis.T
    assert cross_covariance(projected, labels).abs().max() < 1e-10
    moved, more = (
        (rows - each).square().sum() for each in (fit_eraser(rows, labels)(rows), projected)
    )
    assert moved <= more * (1 + 1e-9)


def test_it_is_what_the_authors_package_gives():
    """The script that made the numbers stands beside them: `reference/leace.py`."""
    script = (
        (REFERENCE / "leace.py").read_text().replace("from concept_erasure import LeaceFitter", "#")
    )
    named: dict = {"__name__": "reference"}
    exec(compile(script, "leace.py", "exec"), named)
    wanted = json.loads((REFERENCE / "leace.json").read_text())
    for name, sizes in named["CASES"].items():
        rows, labels = named["data"](*sizes)
        got = fit_eraser(rows, labels)(rows[:6])
        torch.testing.assert_close(
            got, torch.tensor(wanted[name], dtype=torch.float64), rtol=0, atol=1e-10
        )


def test_a_probe_falls_to_guessing():
    rows, labels = drawn(1, n_items=300)
    scenes, answers = [str(k) for k in range(300)], ["a", "b", "c"]
    right = []
    for each in (rows, fit_eraser(rows, labels)(rows)):
        layer = each.float()[:, None]
        probe = fit_probe(layer, labels.numpy(), scenes=scenes, answers=answers)
        guess = probe.log_probs(layer, scenes=None)[:, 0].argmax(-1)
        right.append((guess == labels.numpy()).mean())
    assert right[0] > 0.6
    assert right[1] < 0.45


def test_formats_are_kept_and_what_tells_nothing_stays():
    rows, labels = drawn(2)
    assert fit_eraser(rows.float(), labels)(rows.half()).dtype == torch.float16
    same = torch.cat([rows, rows])
    halves = torch.arange(len(same)) // len(rows)
    torch.testing.assert_close(fit_eraser(same, halves)(same), same, rtol=0, atol=1e-9)


def test_bad_input():
    rows, labels = drawn(3)
    with pytest.raises(UserError, match="at least 2 classes, got 1 among 120 labels"):
        fit_eraser(rows, torch.zeros_like(labels))
    with pytest.raises(UserError, match="features must be finite"):
        fit_eraser(rows / 0, labels)
    with pytest.raises(UserError, match="each row needs one label, got 120 rows and 119 labels"):
        fit_eraser(rows, labels[1:])
    with pytest.raises(UserError, match="for rows of width 6, got 5"):
        fit_eraser(rows, labels)(rows[:, 1:])
