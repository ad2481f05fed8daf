"""Properties of a probe, and what it refuses."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.linear_probe.probe import LinearProbe, fit_probe
from probes.scores import item_scores
from tests.probes.linear_probe.made_up import ANSWERS, planted

GRID = (1e-3, 1e-1)


@pytest.fixture(scope="module")
def data():
    residuals, answer, scenes = planted(at=[2], n_scenes=200)
    train, test = slice(0, 150), slice(150, None)
    return residuals, answer, scenes, train, test


def fitted(residuals, answer, scenes, **options) -> LinearProbe:
    return fit_probe(
        residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=GRID, **options
    )


@pytest.fixture(scope="module")
def probe(data) -> LinearProbe:
    residuals, answer, scenes, train, _ = data
    return fitted(residuals[train], answer[train], scenes[train], about={"model": "m"})


def test_gives_log2_probabilities(data, probe):
    residuals, _, scenes, _, test = data
    read = probe.log_probs(residuals[test], scenes=scenes[test])
    np.testing.assert_allclose(np.exp2(read).sum(-1), 1, rtol=1e-5)
    assert read.dtype == np.float32


@settings(max_examples=8)
@given(st.integers(0, 2**31), st.floats(-4, 4))
def test_neither_scale_nor_offset_of_features_matters(data, probe, seed, spread):
    residuals, answer, scenes, train, test = data
    generator = torch.Generator().manual_seed(seed)
    scale = torch.exp(spread * torch.randn(residuals.shape[1:], generator=generator))
    moved = scale * (residuals + torch.randn(residuals.shape[1:], generator=generator))
    other = fitted(moved[train], answer[train], scenes[train])
    np.testing.assert_allclose(
        other.log_probs(moved[test], scenes=scenes[test]),
        probe.log_probs(residuals[test], scenes=scenes[test]),
        atol=0.01,
    )
    torch.testing.assert_close(other.inverse_penalty, probe.inverse_penalty)


@settings(max_examples=8)
@given(st.randoms(use_true_random=False))
def test_order_of_items_does_not_matter(data, probe, random):
    residuals, answer, scenes, _, test = data
    order = random.sample(range(150), 150)
    other = fitted(residuals[order], answer[order], [scenes[row] for row in order])
    np.testing.assert_allclose(
        other.log_probs(residuals[test], scenes=None),
        probe.log_probs(residuals[test], scenes=None),
        atol=0.01,
    )


def test_a_feature_that_is_constant_in_training_says_nothing(data):
    residuals, answer, scenes, train, test = data
    padded = torch.cat([residuals, torch.full_like(residuals[..., :1], 0.3)], dim=-1)
    probe = fitted(padded[train], answer[train], scenes[train])
    strange = padded.clone()
    strange[..., -1] = 1e4
    np.testing.assert_array_equal(
        probe.log_probs(padded[test], scenes=None), probe.log_probs(strange[test], scenes=None)
    )
    assert not probe.directions[..., -1].any()


def test_directions_are_the_gradient_of_the_logits(data, probe):
    residuals, *_ = data
    step = 0.1 * residuals.std(0)
    before, after = (
        torch.from_numpy(probe.log_probs(each[:5], scenes=None)) * np.log(2)
        for each in (residuals, residuals + step)
    )
    moved = torch.einsum("ld,lad->la", step, probe.directions)
    change = after - before
    torch.testing.assert_close(
        change - change.mean(-1, keepdim=True),
        (moved - moved.mean(-1, keepdim=True)).expand_as(change),
        atol=1e-4,
        rtol=1e-3,
    )


def test_class_means_are_those_of_the_raw_residuals(data, probe):
    residuals, answer, _, train, _ = data
    chosen = torch.from_numpy(answer[train] == 1)
    torch.testing.assert_close(probe.class_means[:, 1], residuals[train][chosen].mean(0))


def test_survives_saving(data, probe, tmp_path):
    residuals, *_ = data
    probe.save(tmp_path / "probe")
    read = LinearProbe.load(tmp_path / "probe")
    assert (read.answers, read.about) == (ANSWERS, {"model": "m"})
    assert read.training_scenes == probe.training_scenes
    np.testing.assert_array_equal(
        read.log_probs(residuals, scenes=None), probe.log_probs(residuals, scenes=None)
    )
    torch.testing.assert_close(read.class_means, probe.class_means)


@pytest.mark.parametrize("damage", ["weights", "description", "missing"])
def test_refuses_a_damaged_folder(probe, tmp_path, damage):
    probe.save(tmp_path)
    if damage == "weights":
        file = tmp_path / "probe.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    elif damage == "description":
        (tmp_path / "probe.json").write_text(json.dumps({"answers": []}))
    else:
        (tmp_path / "probe.safetensors").unlink()
    with pytest.raises(UserError, match="no usable linear probe"):
        LinearProbe.load(tmp_path)


def test_takes_the_penalty_that_the_data_ask_for():
    noise, answer, scenes = planted(n_scenes=150, n_layers=1, width=60)
    clear, _, _ = planted(n_scenes=150, n_layers=1, width=60, at=[0], strength=6)
    for residuals, wanted in ((noise, 1e-4), (clear, 1.0)):
        probe = fit_probe(
            residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=(1.0, 1e-4)
        )
        assert probe.inverse_penalty.item() == pytest.approx(wanted)


def test_refuses_a_scene_that_it_was_fitted_on(data, probe):
    residuals, _, scenes, train, _ = data
    with pytest.raises(UserError, match="split by scene, not by item"):
        probe.log_probs(residuals[train], scenes=scenes[train])


def test_refuses_residuals_of_another_model(data, probe):
    residuals, *_ = data
    with pytest.raises(UserError, match="4 layers of width 24, got 4 of width 23"):
        probe.log_probs(residuals[..., 1:], scenes=None)


def test_refuses_bad_data(data):
    residuals, answer, scenes, *_ = data
    broken = residuals.clone()
    broken[3, 2, 1] = torch.nan
    with pytest.raises(UserError, match="nan for item number 3 at layer 2"):
        fitted(broken, answer, scenes)
    with pytest.raises(UserError, match=r"as many scenes as answers \(3\), got 2"):
        fitted(residuals, answer, ["a", "b"] * 100)
    with pytest.raises(UserError, match="'cylinder' does not"):
        fitted(residuals, answer % 2, scenes)
    with pytest.raises(UserError, match="one answer and one scene per residual"):
        fitted(residuals, answer, scenes[1:])
    with pytest.raises(UserError, match="positive numbers"):
        fit_probe(residuals, answer, scenes=scenes, answers=ANSWERS, inverse_penalties=(0.0, 1.0))


def test_chance_where_nothing_is_planted_and_signal_where_it_is(data, probe):
    residuals, answer, scenes, _, test = data
    scores = item_scores(probe.log_probs(residuals[test], scenes=scenes[test]), answer[test])
    assert scores.bits[:, 2].mean() > -0.6
    assert (np.delete(scores.bits.mean(0), 2) < -1.4).all()
