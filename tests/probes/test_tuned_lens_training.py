"""Training of translators: its guarantees as properties, its resumption, what it refuses."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import UserError
from data_prep.splits import split_of
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore
from probes.translators import (
    Recipe,
    ResidualRows,
    require_no_leak,
    split_by_scene,
    train_tuned_lens,
)
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap
from probes.unembedding import FinalNorm, Unembedding

N_LAYERS, D_MODEL, N_VOCAB = 3, 8, 23
QUICK = Recipe(steps=10, batch_size=64, evaluate_every=2)


def unembedding_of(seed=0):
    generator = torch.Generator().manual_seed(seed)
    weight = 1 + 0.3 * torch.randn(D_MODEL, generator=generator)
    return Unembedding(
        norm=FinalNorm(kind="rms", weight=weight, bias=None, eps=1e-6),
        head=1.5 * torch.randn(N_VOCAB, D_MODEL, generator=generator),
        bias=None,
        scale=1.0,
        soft_cap=None,
    )


def stream_of(seed=0, n_rows=400, noise=0.3):
    """Each layer turned, shifted, scaled and noisier the lower it lies; then the final one."""
    generator = torch.Generator().manual_seed(seed)
    final = 5 * torch.randn(n_rows, D_MODEL, generator=generator)
    layers = []
    for layer in range(N_LAYERS):
        turn = torch.linalg.qr(torch.randn(D_MODEL, D_MODEL, generator=generator))[0]
        shift = 3 * torch.randn(D_MODEL, generator=generator)
        blur = noise * (N_LAYERS - layer) * torch.randn(n_rows, D_MODEL, generator=generator)
        layers.append((layer + 1) * ((final + blur) @ turn + shift))
    return torch.stack([*layers, final], dim=1)


def rows_of(residuals):
    return ResidualRows.of(residuals, [f"scene-{row // 2}" for row in range(len(residuals))])


def sides_of(residuals):
    sides = split_by_scene(rows_of(residuals))
    return sides["train"], sides["validation"]


def test_a_lens_is_learnt_and_each_stage_helps():
    train, validation = sides_of(stream_of())
    unembedding = unembedding_of()
    logit_lens = kl_by_layer(
        validation, Translators.zero(N_LAYERS, D_MODEL), OutputMap.of(unembedding)
    )
    start = train_tuned_lens(train, validation, unembedding, recipe=replace(QUICK, steps=0))
    refined = train_tuned_lens(
        train, validation, unembedding, recipe=replace(QUICK, steps=60, learning_rate=0.02)
    )
    assert (start.validation_nats < 0.5 * logit_lens).all()
    assert start.kept == ("ridge",) * N_LAYERS
    assert (refined.validation_nats <= start.validation_nats).all()
    assert (refined.validation_nats < 0.99 * start.validation_nats).any()
    from_nothing = train_tuned_lens(
        train, validation, unembedding, recipe=replace(QUICK, steps=20, ridge=())
    )
    assert from_nothing.kept == ("refined",) * N_LAYERS
    assert (from_nothing.validation_nats < 0.9 * logit_lens).all()


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**20),
    st.sampled_from([(), (1e-4,), (1e-4, 1.0)]),
    st.sampled_from([1e-3, 0.05, 1.0]),
    st.sampled_from([None, 2]),
    st.floats(0, 3),
)
def test_never_worse_on_the_training_rows_than_the_logit_lens(seed, ridge, rate, rank, noise):
    train, validation = sides_of(stream_of(seed, n_rows=80, noise=noise))
    unembedding, output = unembedding_of(seed), OutputMap.of(unembedding_of(seed))
    recipe = Recipe(steps=6, evaluate_every=2, ridge=ridge, learning_rate=rate, rank=rank)
    trained = train_tuned_lens(train, validation, unembedding, recipe=recipe, seed=seed)
    nothing = Translators.zero(N_LAYERS, D_MODEL)
    for rows, said in ((train, trained.training_nats), (validation, trained.validation_nats)):
        found = kl_by_layer(rows, trained.translators, output)
        assert (found <= kl_by_layer(rows, nothing, output) + 1e-6).all()
        torch.testing.assert_close(found, said, atol=1e-4, rtol=1e-3)


def test_a_layer_that_holds_the_final_residual_in_another_basis_is_read_exactly():
    train, validation = sides_of(stream_of(noise=0))
    recipe = Recipe(steps=0, ridge=(1e-8,))
    trained = train_tuned_lens(train, validation, unembedding_of(), recipe=recipe)
    assert trained.validation_nats.max() < 1e-6


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**20))
def test_an_invertible_change_of_basis_does_not_change_the_predictions(seed):
    residuals, unembedding = stream_of(seed), unembedding_of()
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(D_MODEL, D_MODEL, generator=generator))[0]
    basis = basis * torch.linspace(0.5, 2, D_MODEL)
    turned = residuals.clone()
    turned[:, :-1] = residuals[:, :-1] @ basis
    recipe = replace(QUICK, ridge=(1e-8,))
    logits = []
    for stream in (residuals, turned):
        trained = train_tuned_lens(*sides_of(stream), unembedding, recipe=recipe)
        logits.append(unembedding.logits(trained.translators.apply(stream)))
    torch.testing.assert_close(logits[0], logits[1], atol=0.1, rtol=0.01)


def test_without_information_the_lens_learns_the_mean_and_no_more():
    residuals = stream_of()
    residuals[:, 0] = torch.linspace(-1, 1, D_MODEL)  # layer 0 the same in every row
    train, validation = sides_of(residuals)
    trained = train_tuned_lens(train, validation, unembedding_of(), recipe=QUICK)
    output = OutputMap.of(unembedding_of())
    zero = kl_by_layer(validation, Translators.zero(N_LAYERS, D_MODEL), output)
    assert torch.isfinite(trained.translators.maps).all()
    assert trained.validation_nats[0] < zero[0]
    assert trained.validation_nats[0] > 5 * trained.validation_nats[2]


def test_a_row_of_zeros_does_not_outweigh_the_others():
    residuals = stream_of()
    plain = train_tuned_lens(*sides_of(residuals), unembedding_of(), recipe=QUICK)
    residuals[7] = 0
    found = train_tuned_lens(*sides_of(residuals), unembedding_of(), recipe=QUICK)
    assert (found.training_nats < plain.training_nats + 0.1).all()


def test_low_rank_is_low_rank():
    train, validation = sides_of(stream_of())
    recipe = replace(QUICK, rank=3)
    trained = train_tuned_lens(train, validation, unembedding_of(), recipe=recipe)
    assert torch.linalg.matrix_rank(trained.translators.maps, rtol=1e-4).tolist() == [3] * N_LAYERS


def test_seeds_differ_and_repeat():
    train, validation = sides_of(stream_of())
    recipe = replace(QUICK, ridge=())

    def maps(seed):
        return train_tuned_lens(
            train, validation, unembedding_of(), recipe=recipe, seed=seed
        ).translators.maps

    assert torch.equal(maps(1), maps(1))
    assert not torch.equal(maps(1), maps(2))


class Killed(Exception):
    pass


@pytest.mark.parametrize("looks", [1, 3])
def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path, looks):
    train, validation = sides_of(stream_of())
    path = tmp_path / "seed-0.safetensors"
    seen = []

    def train_once(checkpoint, progress=None):
        return train_tuned_lens(
            train, validation, unembedding_of(), recipe=QUICK, checkpoint=checkpoint,
            progress=progress,
        )  # fmt: skip

    def kill(steps):
        seen.append(steps)
        if len(seen) == looks:
            raise Killed

    with pytest.raises(Killed):
        train_once(path, kill)
    seen.clear()
    resumed = train_once(path, lambda steps: seen.append(steps))
    assert seen[0] == 2 * (looks + 1)
    undisturbed = train_once(tmp_path / "other.safetensors")
    assert torch.equal(resumed.translators.maps, undisturbed.translators.maps)
    assert torch.equal(resumed.translators.offsets, undisturbed.translators.offsets)
    assert path.read_bytes() == (tmp_path / "other.safetensors").read_bytes()


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    train, validation = sides_of(stream_of())
    path = tmp_path / "c.safetensors"
    train_tuned_lens(train, validation, unembedding_of(), recipe=QUICK, checkpoint=path)
    for recipe, seed in ((QUICK, 1), (replace(QUICK, momentum=0.5), 0)):
        with pytest.raises(UserError, match="another recipe, model, data or seed"):
            train_tuned_lens(
                train, validation, unembedding_of(), recipe=recipe, seed=seed, checkpoint=path
            )
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="is damaged"):
        train_tuned_lens(train, validation, unembedding_of(), recipe=QUICK, checkpoint=path)


def test_divergence_names_layer_and_step():
    train, validation = sides_of(stream_of())
    unembedding = unembedding_of()
    unembedding = replace(unembedding, head=40 * unembedding.head)
    recipe = replace(QUICK, learning_rate=1e3, ridge=(1e-6,))
    with pytest.raises(
        UserError, match=r"diverged at layer \d, step \d+: .* bits, .*learning rate"
    ):
        train_tuned_lens(train, validation, unembedding, recipe=recipe)


def test_a_leak_by_scene_is_refused():
    rows = rows_of(stream_of(n_rows=40))
    message = "scene scene-3 is in train and in validation: split by scene"
    with pytest.raises(UserError, match=message):
        train_tuned_lens(rows.select(range(7)), rows.select(range(7, 20)), unembedding_of())
    require_no_leak(split_by_scene(rows))


def test_sides_are_those_of_the_scenes():
    rows = rows_of(stream_of(n_rows=200))
    sides = split_by_scene(rows)
    assert sum(len(side) for side in sides.values()) == 200
    for side, chosen in sides.items():
        assert {split_of(scene) for scene in chosen.scene_ids} == {side}
    with pytest.raises(UserError, match="need at least one"):
        split_by_scene(rows.select([0, 1]))


def test_residuals_that_are_not_finite_are_refused():
    residuals = stream_of(n_rows=100)
    residuals[50, 2, 1] = float("inf")
    with pytest.raises(UserError, match="must be finite, got inf for scene scene-25 at layer 2"):
        list(rows_of(residuals).blocks(30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"learning_rate": 0.0}, "must be above 0"),
        ({"ridge": (0.0,)}, "must be above 0"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\)"),
    ],
)
def test_recipes_out_of_range_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        Recipe(**change)


def test_misfits_are_refused():
    train, validation = sides_of(stream_of())
    wide = replace(unembedding_of(), head=torch.zeros(4, D_MODEL + 1))
    with pytest.raises(UserError, match="width 8 do not fit an unembedding of width 9"):
        train_tuned_lens(train, validation, wide)
    with pytest.raises(UserError, match="rank must be at most the width 8, got 9"):
        train_tuned_lens(train, validation, unembedding_of(), recipe=Recipe(rank=9))
    with pytest.raises(UserError, match="need at least 2 training scenes, got 1"):
        train_tuned_lens(train.select([0]), validation, unembedding_of())
    with pytest.raises(UserError, match="the same layers and width"):
        train_tuned_lens(
            train, ResidualRows.of(torch.zeros(2, 2, D_MODEL), ["a", "b"]), unembedding_of()
        )


def test_rows_of_a_store_are_its_rows(tmp_path):
    residuals = stream_of(n_rows=10)
    ids = [f"row-{row}" for row in range(10)]
    spec = StoreSpec(
        study_hash="s", model="m", revision="r", dtype="bfloat16", n_layers=N_LAYERS,
        d_model=D_MODEL, n_rows=10, row_ids_sha256=digest_of(ids), shard_size=4,
    )  # fmt: skip
    store = ResidualStore.open_or_create(tmp_path / "r", spec, ids)
    for shard in store.missing_shards():
        chosen = store.rows_of(shard)
        store.write_shard(shard, residuals[chosen.start : chosen.stop].bfloat16())
    half = residuals.bfloat16().float()
    rows = ResidualRows.of_store(store, {"row-1": "a", "row-9": "b", "row-4": "c"})
    assert rows.scene_ids == ("a", "c", "b")
    assert torch.equal(rows.take(torch.arange(3)), half[[1, 4, 9]])
    both = ResidualRows.joined([rows, rows_of(residuals)])
    assert len(both) == 13
    assert torch.equal(
        both.take(torch.tensor([12, 2, 3])), torch.stack([residuals[9], half[9], residuals[0]])
    )
    assert both.thinned(5).scene_ids == tuple(both.scene_ids[k] for k in (0, 2, 5, 7, 10))
    with pytest.raises(ValueError, match="1 rows asked for are not in the store"):
        ResidualRows.of_store(store, {"row-x": "a"})
    with pytest.raises(ValueError, match="need one scene id per row"):
        ResidualRows.of(residuals, ["a"])
