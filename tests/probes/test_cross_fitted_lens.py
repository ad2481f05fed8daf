"""Lenses cross-fitted by scene: none reads a scene of its own; resumption; bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_prep.errors import UserError
from data_prep.splits import N_FOLDS, scene_folds
from probes.translators import Recipe, ResidualRows
from probes.translators.affine import Translators
from probes.translators.cross_fit import CrossFittedLens, cross_fitted_lens
from tests.probes.test_tuned_lens_training import (
    D_MODEL,
    N_LAYERS,
    rows_of,
    stream_of,
    unembedding_of,
)

QUICK = Recipe(steps=4, batch_size=64, evaluate_every=2)
STREAM = stream_of(n_rows=200)
SCENES = list(rows_of(STREAM).scene_ids)


def fitted(folder, residuals=STREAM, *, recipe=QUICK, seed=0, progress=None):
    return cross_fitted_lens(
        rows_of(residuals), unembedding_of(), folder, recipe=recipe, seed=seed, progress=progress
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def lens(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("lens"))


@pytest.mark.parametrize("scene", ["scene-0", "scene-7", "scene-31"])
def test_a_scene_has_no_part_in_how_it_is_read(lens, tmp_path, scene):
    own = [row for row, name in enumerate(SCENES) if name == scene]
    changed = STREAM.clone()
    changed[own] = 50 * changed[own].flip(-1) - 100
    other = fitted(tmp_path, changed)
    read, again = (each.translate(STREAM[own], [scene] * len(own)) for each in (lens, other))
    assert torch.equal(again, read)
    # The control: whoever is read by a lens that has seen the change is read otherwise.
    (fold,) = set(scene_folds([scene] * len(own)).tolist())
    for number, (before, after) in enumerate(zip(lens.translators, other.translators, strict=True)):
        assert torch.equal(before.maps, after.maps) == (number == fold)


def test_each_item_is_translated_by_its_scenes_fold(lens):
    folds = scene_folds(SCENES)
    assert set(folds.tolist()) == set(range(N_FOLDS))
    found = lens.translate(STREAM, SCENES)
    for row in range(0, len(SCENES), 9):
        wanted = lens.translators[folds[row]].apply(STREAM[row : row + 1])[:, 0]
        torch.testing.assert_close(found[row, :-1], wanted)


def test_the_last_layer_is_passed_through(lens):
    found = lens.translate(STREAM, SCENES)
    assert torch.equal(found[:, -1], STREAM[:, -1])
    assert not torch.allclose(found[:, :-1], STREAM[:, :-1], rtol=0.1)


def test_translating_leaves_its_input_alone_and_widens_it(lens):
    half = STREAM.bfloat16()
    kept = half.clone()
    found = lens.translate(half, SCENES)
    assert torch.equal(half, kept)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, lens.translate(half.float(), SCENES))


def test_zero_translators_are_the_logit_lens():
    zero = CrossFittedLens(translators=(Translators.zero(N_LAYERS, D_MODEL),) * N_FOLDS)
    assert torch.equal(zero.translate(STREAM, SCENES), STREAM)


def test_held_out_it_reads_better_than_the_logit_lens(lens):
    def missed(stream):
        logits = unembedding_of().logits(stream).log_softmax(-1)
        final = logits[:, -1:]
        return (final.exp() * (final - logits)).sum(-1).mean(0)[:-1]

    assert (missed(lens.translate(STREAM, SCENES)) < 0.5 * missed(STREAM)).all()


class Killed(Exception):
    pass


@pytest.mark.parametrize("looks", [1, 4, 9])
def test_killed_and_resumed_it_is_the_same_to_the_byte(tmp_path, looks):
    seen = []

    def kill(steps):
        seen.append(steps)
        if len(seen) == looks:
            raise Killed

    fitted(tmp_path / "calm")
    with pytest.raises(Killed):
        fitted(tmp_path / "killed", progress=kill)
    assert contents(tmp_path / "killed") != contents(tmp_path / "calm")
    fitted(tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "calm")
    names = {f"fold-{fold}.{end}" for fold in range(N_FOLDS) for end in ("json", "safetensors")}
    assert set(contents(tmp_path / "calm")) == names


def test_only_what_is_missing_is_trained(tmp_path, monkeypatch):
    fitted(tmp_path)
    before = contents(tmp_path)
    for path in tmp_path.glob("fold-2.*"):
        path.unlink()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    done = []
    fitted(tmp_path, progress=done.append)
    assert sum(done) == N_FOLDS * QUICK.steps
    assert contents(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    monkeypatch.setattr("probes.translators.cross_fit.train_tuned_lens", None)
    fitted(tmp_path)


def test_a_recipe_without_steps_keeps_the_start(tmp_path):
    lens = fitted(tmp_path / "new" / "folds", recipe=replace(QUICK, steps=0))
    again = fitted(tmp_path / "new" / "folds", recipe=replace(QUICK, steps=0))
    for first, second in zip(lens.translators, again.translators, strict=True):
        assert torch.equal(first.maps, second.maps)


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("fold-1.safetensors", flip),
        ("fold-1.safetensors", lambda path: path.write_bytes(b"")),
        ("fold-1.safetensors", lambda path: path.unlink()),
        ("fold-1.json", lambda path: path.write_text("{")),
        ("fold-1.json", lambda path: path.write_text("{}")),
        ("fold-1.json", lambda path: path.write_text("[]")),
    ],
)
def test_a_damaged_fold_is_refused_in_one_line(tmp_path, name, damage):
    fitted(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(UserError, match=r"fold-1.json or its weights are damaged .*: delete") as no:
        fitted(tmp_path)
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    "change",
    [{"recipe": replace(QUICK, momentum=0.5)}, {"seed": 1}, {"residuals": 2 * STREAM}],
    ids=["recipe", "seed", "residuals"],
)
def test_a_folder_of_another_training_is_refused(tmp_path, change):
    fitted(tmp_path)
    with pytest.raises(UserError, match="of a training with other residuals, rec") as caught:
        fitted(tmp_path, **change)
    assert "\n" not in str(caught.value)


def test_a_folder_of_other_scenes_is_refused(tmp_path):
    fitted(tmp_path)
    renamed = ResidualRows.of(STREAM, [f"another-{scene}" for scene in SCENES])
    with pytest.raises(UserError, match="training with other residuals, recipe or seed: delete"):
        cross_fitted_lens(renamed, unembedding_of(), tmp_path, recipe=QUICK, seed=0)


@pytest.mark.parametrize("n_scenes", [1, 4])
def test_too_few_scenes_are_refused(tmp_path, n_scenes):
    rows = rows_of(STREAM).select(np.arange(2 * n_scenes).tolist())
    with pytest.raises(UserError, match=r"need at least 2 (training|validation) scenes"):
        cross_fitted_lens(rows, unembedding_of(), tmp_path, recipe=QUICK, seed=0)
