"""Trajectories of which everything is known: curves, depths, norms, scripts, tokens."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.capture.token_texts import TokenTexts
from analysis.run.study import Study
from analysis.trajectory.depths import (
    estimate_depths,
    estimate_last_layers,
    estimate_scripts,
    estimate_tokens,
    lasting_from,
)
from analysis.trajectory.estimates import estimate_curves
from analysis.trajectory.found import MedianLayer
from analysis.trajectory.readings import Trajectories, trajectory_rows
from probes.answers.words import RightWord
from probes.lens_trajectory import LensTrajectory

N_ITEMS, N_LAYERS = 60, 4
NEVER = MedianLayer(estimate=None, low=None, high=None)
STUDY = Study(n_resamples=800)
TEXTS = TokenTexts(texts=("red", "\ud55c", "7", "<s>", "\u4e2d"), special=frozenset({3}))


def lens(*, first_at: int, p: float) -> tuple[LensTrajectory, RightWord]:
    """The answer, token 0, is first from a layer on; before that it is token 1. Every fourth item
    never comes so far."""
    rng = np.random.default_rng(first_at)
    layers, items = np.arange(N_LAYERS), np.arange(N_ITEMS)[:, None]
    first = (layers >= first_at) & (items % 4 > 0)
    noise = 0.01 * rng.standard_normal((N_ITEMS, N_LAYERS))
    probability = np.clip(np.where(first, p, 0.1) + noise, 0, 1).astype(np.float32)
    flat = np.full((N_ITEMS, N_LAYERS), 0.5, dtype=np.float32)
    top = np.where(first, 0, 1)
    return LensTrajectory(
        token_ids=np.stack([top, 1 - top], axis=-1),
        probabilities=np.stack([0.8 + noise, 0.1 + noise], axis=-1).astype(np.float32),
        entropy_bits=flat,
        kl_to_final_bits=flat,
        jsd_adjacent_bits=flat[:, 1:],
        jsd_final_bits=flat,
        log_normaliser=flat.astype(float),
    ), RightWord(probability=probability, rank=np.where(first, 1, 8))


@pytest.fixture(scope="module")
def read() -> Trajectories:
    items = pd.DataFrame(
        {
            "item_id": [f"item-{item}" for item in range(N_ITEMS)],
            "scene_id": [f"scene-{item}" for item in range(N_ITEMS)],
            "attribute": "color",
        }
    )
    rng = np.random.default_rng(9)
    found = {
        "real": lens(first_at=2, p=0.7),
        "shuffled": lens(first_at=3, p=0.3),
        "blank": lens(first_at=9, p=0.1),
    }
    by_condition = {name: own for name, (own, _) in found.items()}
    return Trajectories(
        items=items,
        n_available=100,
        texts=TEXTS,
        by_condition=by_condition,
        right={name: right for name, (_, right) in found.items()},
        normed_twice=(by_condition["real"].probabilities[:, -1, 0] - 0.2).astype(np.float32),
        frequent=np.array([0, 4]),
        frequent_probability=rng.random((N_ITEMS, N_LAYERS, 2)) / 2,
        notes=(),
    )


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6))
def test_lasting_is_first_layer_of_an_unbroken_run_to_the_end(rows):
    holds = np.array(rows)
    for found, row in zip(lasting_from(holds), rows, strict=True):
        assert all(row[found:])
        assert found == 0 or not row[found - 1]


def test_curves_have_intervals_and_paired_tests_against_the_controls(read):
    found = estimate_curves(read, STUDY, key=0)
    assert list(found.p_answer.conditions) == ["real", "shuffled", "blank"]
    assert list(found.entropy_bits.conditions) == ["real", "blank"]
    assert list(found.p_answer.differences) == ["shuffled", "blank"]
    assert [row.layer for row in found.jsd_adjacent_bits.real] == [1, 2, 3]
    rows = found.p_answer.minus_blank
    assert [row.layer for row in rows] == [0, 1, 2, 3]
    real, blank = (read.right[name].probability for name in ("real", "blank"))
    for layer, row in enumerate(rows):
        wanted = float((real - blank).mean(axis=0)[layer])
        assert row.estimate == pytest.approx(wanted, abs=1e-6)
        assert row.low <= row.estimate <= row.high
        assert 0 < row.p <= 1
    assert [row.p < 0.01 for row in rows] == [False, False, True, True]
    assert found.answer_first.real[0].high == pytest.approx(1 - 0.025 ** (1 / N_ITEMS))


def test_depths_count_never_as_later_than_all(read):
    depth, stays_first = estimate_depths(read, STUDY, key=0)
    assert stays_first.real.median == MedianLayer(estimate=2, low=2, high=2)
    assert stays_first.real.never.estimate == 0.25
    assert stays_first.blank.median == NEVER
    assert stays_first.blank.never.estimate == 1
    assert stays_first.blank.never.low < 1
    # Where it never comes the top token is the same all along.
    assert depth.real.estimate == pytest.approx(0.75 * 2)


def test_half_of_the_scenes_decide_the_median(read):
    rank = read.right["real"].rank.copy()
    rank[:40] = 8
    mostly = replace(read, right=read.right | {"real": replace(read.right["real"], rank=rank)})
    _, stays_first = estimate_depths(mostly, STUDY, key=0)
    assert stays_first.real.median == NEVER


def test_norming_twice_is_told_from_norming_once(read):
    found = estimate_last_layers(read, STUDY, key=0)
    assert found.remedy.estimate == pytest.approx(0.2, abs=1e-6)
    assert found.twice.high < -0.15
    assert found.once.low < 0 < found.once.high
    assert found.remedy.p < 0.01
    change = found.last.estimate - found.before_last.estimate
    assert found.once.estimate == pytest.approx(change, abs=1e-9)
    change = found.last_normed_twice.estimate - found.before_last.estimate
    assert found.twice.estimate == pytest.approx(change, abs=1e-9)


def test_scripts_are_shares_of_scenes_that_add_up(read):
    found = {each.script: each.layers for each in estimate_scripts(read, STUDY)}
    assert found["Hangul"][0].estimate == 1
    assert found["Latin"][3].estimate == 0.75
    for layer in range(N_LAYERS):
        assert sum(rows[layer].estimate for rows in found.values()) == pytest.approx(1)


def test_tokens_have_their_means(read):
    red, han = estimate_tokens(read, STUDY)
    assert (red.text, han.text) == ("red", "\u4e2d")
    assert red.mean.estimate == pytest.approx(read.frequent_probability[..., 0].mean())
    np.testing.assert_allclose(han.layers, read.frequent_probability[..., 1].mean(axis=0))


def test_the_table_has_a_row_for_each_item_condition_and_layer(read):
    table = trajectory_rows(read)
    assert len(table) == 3 * N_ITEMS * N_LAYERS
    assert list(table.columns) == [
        "item_id", "scene_id", "attribute", "condition", "layer", "token_ids", "token_texts",
        "probabilities", "entropy_bits", "kl_bits", "jsd_adjacent_bits", "jsd_final_bits",
        "p_answer", "rank_answer",
    ]  # fmt: skip
    row = table.iloc[N_LAYERS + 2]
    assert (row["item_id"], row["layer"], row["token_texts"][0]) == ("item-1", 2, "red")
    unknown = np.isnan(table["jsd_adjacent_bits"].to_numpy())
    np.testing.assert_array_equal(unknown, table["layer"].to_numpy() == 0)


def test_a_single_scene_is_refused(read):
    one = replace(read, items=read.items.assign(scene_id="scene-0"))
    with pytest.raises(ValueError, match="at least 2"):
        estimate_curves(one, STUDY, key=0)
