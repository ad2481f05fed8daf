"""Layers trained group after group: the same lens as all at once, resumed, within its memory."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import save

from data_prep.errors import UserError
from probes.translators import Recipe, ResidualRows, split_by_scene, train_tuned_lens, training
from probes.translators.affine import Translators
from probes.translators.cost import layer_groups, tuned_lens_cost
from probes.translators.cross_fit import cross_fitted_lens
from probes.translators.finished_group import read_translators, write_translators
from probes.unembedding import FinalNorm, Unembedding

N_LAYERS, D_MODEL, N_VOCAB = 4, 16, 40
QUICK = Recipe(steps=8, batch_size=64, evaluate_every=2)
SAMPLED = replace(QUICK, sampled_tokens=8, ridge=())
IMPATIENT = Recipe(steps=12, evaluate_every=1, patience=1, learning_rate=0.3, ridge=(1e-4,))


def made(n_rows=160, seed=0):
    generator = torch.Generator().manual_seed(seed)
    final = 3 * torch.randn(n_rows, D_MODEL, generator=generator)
    layers = []
    for layer in range(N_LAYERS):
        turn = torch.linalg.qr(torch.randn(D_MODEL, D_MODEL, generator=generator))[0]
        layers.append(
            (final + (N_LAYERS - layer) * torch.randn(final.shape, generator=generator)) @ turn
        )
    unembedding = Unembedding(
        norm=FinalNorm(kind="rms", weight=torch.ones(D_MODEL), bias=None, eps=1e-6),
        head=torch.randn(N_VOCAB, D_MODEL, generator=generator),
        bias=None,
        scale=1.0,
        soft_cap=None,
    )
    residuals = torch.stack([*layers, final], dim=1)
    return ResidualRows.of(residuals, [f"scene-{row // 2}" for row in range(n_rows)]), unembedding


ROWS, UNEMBEDDING = made()
SIDES = split_by_scene(ROWS)


def trained(recipe=QUICK, **options):
    return train_tuned_lens(
        SIDES["train"], SIDES["validation"], UNEMBEDDING, recipe=recipe, **options
    )


@pytest.fixture
def in_pairs(monkeypatch):
    """Memory for two layers only."""
    pairs = (range(0, 2), range(2, 4))
    monkeypatch.setattr(training, "layer_groups", lambda *shape, **given: pairs)


def same(one, other):
    assert torch.equal(one.translators.maps, other.translators.maps)
    assert torch.equal(one.translators.offsets, other.translators.offsets)
    assert one.kept == other.kept
    assert one.steps == other.steps
    assert torch.equal(one.validation_nats, other.validation_nats)
    assert torch.equal(one.training_nats, other.training_nats)


@pytest.mark.parametrize("recipe", [QUICK, SAMPLED, IMPATIENT], ids=["whole", "sampled", "stops"])
@pytest.mark.parametrize("on_disk", [False, True])
def test_groups_give_the_lens_of_all_layers_at_once(request, tmp_path, recipe, on_disk):
    whole = trained(recipe)
    request.getfixturevalue("in_pairs")
    steps = []
    found = trained(
        recipe, progress=steps.append, checkpoint=tmp_path / "lens.safetensors" if on_disk else None
    )
    same(found, whole)
    if recipe is not IMPATIENT:
        assert sum(steps) == recipe.steps
    else:  # the stop is one of all layers together, and comes before the end
        assert whole.steps < recipe.steps
        assert "refined" in whole.kept


class Killed(Exception):
    pass


@pytest.mark.parametrize("calls", [2, 5])
def test_a_killed_training_in_groups_goes_on(in_pairs, tmp_path, calls):
    path, seen = tmp_path / "lens.safetensors", []

    def kill(steps):
        seen.append(steps)
        if len(seen) == calls:
            raise Killed

    with pytest.raises(Killed):
        trained(checkpoint=path, progress=kill)
    seen.clear()
    found = trained(checkpoint=path, progress=lambda steps: seen.append(steps))
    same(found, trained())
    assert not list(tmp_path.glob("*.state.safetensors"))
    with pytest.raises(UserError, match="of a training with another recipe, model, data or seed"):
        trained(checkpoint=path, seed=1)
    group = next(tmp_path.glob("lens.layers-*"))
    group.write_bytes(group.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match="is damaged"):
        trained(checkpoint=path)


def test_cross_fitted_in_groups_it_leaves_the_same_files(request, tmp_path):
    def files(name):
        cross_fitted_lens(ROWS, UNEMBEDDING, tmp_path / name, recipe=QUICK, seed=0)
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    whole = files("whole")
    request.getfixturevalue("in_pairs")
    assert files("groups") == whole


def test_a_file_of_translators_is_what_safetensors_makes(tmp_path):
    maps, offsets = torch.randn(3, 5, 5), torch.randn(3, 5)
    parts = [
        Translators(maps=maps[some], offsets=offsets[some]) for some in (slice(0, 2), slice(2, 3))
    ]
    path = tmp_path / "translators.safetensors"
    digest = write_translators(path, parts)
    assert path.read_bytes() == save({"maps": maps, "offsets": offsets})
    found = read_translators(path, digest)
    assert torch.equal(found.maps, maps)
    assert torch.equal(found.offsets, offsets)
    with pytest.raises(ValueError, match="damaged"):
        read_translators(path, "0" * 64)


@pytest.mark.parametrize(
    ("n_layers", "d_model", "n_vocab"), [(32, 4096, 32_064), (28, 1536, 151_936), (10, 192, 561)]
)
@pytest.mark.parametrize("memory", [4.0, 8.0, 64.0])
def test_groups_cover_all_layers_within_the_memory(n_layers, d_model, n_vocab, memory):
    groups = layer_groups(n_layers, d_model, n_vocab, n_rows=1020, memory_gib=memory)
    assert [layer for group in groups for layer in group] == list(range(n_layers))
    assert min(map(len, groups)) >= 2
    assert all(one.stop == other.start for one, other in pairwise(groups))
    cost = tuned_lens_cost(n_layers, d_model, n_vocab, 1020, 5, memory_gib=memory)
    assert cost.bytes_peak <= memory * 2**30
    assert cost.n_groups == len(groups)
    # The control: with all layers together the largest of them would not fit.
    if (n_layers, memory) == (32, 4.0):
        assert tuned_lens_cost(32, 4096, 32_064, 1020, 5, memory_gib=64.0).bytes_peak > 20 * 2**30


def test_what_cannot_fit_is_refused_with_what_would():
    with pytest.raises(UserError, match=r"width 4096 and 32,064 tokens needs \d\.\d GiB of memory"):
        layer_groups(32, 4096, 32_064, n_rows=1020, memory_gib=0.5)
    assert layer_groups(1, 64, 500, n_rows=100, memory_gib=4.0) == (range(0, 1),)


def test_sampling_and_fewer_rows_cost_less():
    whole = replace(Recipe(), sampled_tokens=0)
    costs = [
        tuned_lens_cost(28, 1536, 151_936, rows, 5, recipe=recipe).flops
        for rows, recipe in ((1275, whole), (1275, Recipe()), (640, Recipe()))
    ]
    assert costs[0] > 5 * costs[1] > 5 * costs[2]
    assert tuned_lens_cost(28, 1536, 151_936, 100, 1).seconds(1e9) > 0
