"""Probes on a store that is read a few layers at a time: the same as on all of it at once."""

import numpy as np
import pytest
import torch

from data_prep.errors import UserError
from probes.linear_probe import (
    ControlDraws,
    CrossFittedProbe,
    DescriptionLength,
    by_layers,
    control_draws,
    cross_fit,
    joined_layers,
    online_code,
)
from probes.linear_probe.by_layers import layer_groups, read_layers
from probes.linear_probe.compositions import Compositions, across_compositions, pair_group
from probes.residuals.rows import StoredRows
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore

N_ITEMS, N_LAYERS, WIDTH = 96, 5, 8
ANSWER = np.arange(N_ITEMS) % 2
SCENES = [f"scene {item}" for item in range(N_ITEMS)]
ANSWERS = ["no", "yes"]
ONE_LAYER = N_ITEMS * WIDTH * 4


def stored(folder, residuals):
    ids = [f"row-{row}" for row in range(len(residuals))]
    spec = StoreSpec(
        study_hash="s", model="m", revision="r", dtype="float32", n_layers=N_LAYERS - 1,
        d_model=WIDTH, n_rows=len(ids), row_ids_sha256=digest_of(ids), shard_size=10,
    )  # fmt: skip
    store = ResidualStore.open_or_create(folder, spec, ids)
    for shard in store.missing_shards():
        chosen = store.rows_of(shard)
        store.write_shard(shard, residuals[chosen.start : chosen.stop])
    return store


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    generator = torch.Generator().manual_seed(0)
    residuals = torch.randn(N_ITEMS, N_LAYERS, WIDTH, generator=generator)
    residuals[:, :, 0] += torch.arange(N_LAYERS) * (2 * torch.from_numpy(ANSWER)[:, None] - 1)
    store = stored(tmp_path_factory.mktemp("store") / "r", residuals)
    return StoredRows(store=store, rows=torch.randperm(N_ITEMS, generator=generator).sort()[0])


def test_layers_are_read_alone(rows):
    whole = rows.read()
    for layers in layer_groups(rows, 2 * ONE_LAYER):
        assert layers.stop - layers.start <= 2
        assert torch.equal(read_layers(rows, layers), whole[:, layers])
    assert [each.start for each in layer_groups(rows, 1)] == list(range(N_LAYERS))
    assert layer_groups(rows) == [slice(0, N_LAYERS)]


def fitted(part, _):
    return cross_fit(part, ANSWER, scenes=SCENES, answers=ANSWERS)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_probes_are_those_of_all_layers_at_once(rows, n_layers):
    whole = fitted(rows.read(), slice(0, N_LAYERS))
    seen = []

    def work(part, layers):
        seen.append(part.shape[1])
        return fitted(part, layers)

    found = by_layers(rows, work, CrossFittedProbe.joined, most_bytes=n_layers * ONE_LAYER)
    assert max(seen) == n_layers
    assert sum(seen) == N_LAYERS
    residuals = rows.read()
    read = found.log_probs(residuals, scenes=SCENES)
    np.testing.assert_allclose(read, whole.log_probs(residuals, scenes=SCENES), atol=1e-3)
    for one, other in zip(found.probes, whole.probes, strict=True):
        assert torch.equal(one.inverse_penalty, other.inverse_penalty)
        assert one.weight.shape == other.weight.shape
    alone = by_layers(
        rows,
        lambda part, layers: fitted(part, layers).log_probs(part, scenes=SCENES),
        joined_layers,
        most_bytes=n_layers * ONE_LAYER,
    )
    np.testing.assert_allclose(alone, read, atol=1e-3)


def test_codes_control_tasks_and_compositions_are_joined(rows):
    def joined(work, join):
        return [by_layers(rows, work, join, most_bytes=size) for size in (ONE_LAYER, 2**30)]

    one, other = joined(
        lambda part, _: online_code(
            part, ANSWER, scenes=SCENES, answers=ANSWERS, rng=np.random.default_rng(1), n_orders=2
        ),
        DescriptionLength.joined,
    )
    # Fits that are made together stop together; one item of 240 was found .018 bits apart.
    apart = np.abs(one.item_bits - other.item_bits)
    assert np.mean(apart) < 1e-3
    assert apart.max() < 0.05
    assert one.ends == other.ends
    types = [str(item % 6) for item in range(N_ITEMS)]
    task = np.zeros((N_ITEMS, N_LAYERS, 2), dtype=np.float32)
    one, other = joined(
        lambda part, layers: control_draws(
            part, ANSWER, types, task=task[:, layers], scenes=SCENES, answers=ANSWERS,
            rng=np.random.default_rng(2), n_draws=2, n_partitions=1,
        ),
        ControlDraws.joined,
    )  # fmt: skip
    assert np.array_equal(one.labels, other.labels)
    assert one.task.shape == other.task.shape
    np.testing.assert_allclose(one.control, other.control, atol=1e-2)
    group = pair_group(ANSWER, np.arange(N_ITEMS) // 2 % 2)
    one, other = joined(
        lambda part, _: across_compositions(part, ANSWER, group, scenes=SCENES, answers=ANSWERS),
        Compositions.joined,
    )
    np.testing.assert_allclose(one.unseen, other.unseen, atol=1e-2)


def test_parts_of_other_draws_are_not_joined():
    empty = np.zeros((1, 2, 1, 2))
    one, other = (
        ControlDraws(
            control=empty,
            labels=np.full((1, 2), label),
            task=empty,
            partition=np.zeros(1, dtype=np.int64),
        )
        for label in (0, 1)
    )
    with pytest.raises(ValueError, match="of the same draws"):
        ControlDraws.joined([one, other])


def test_a_fault_is_named_by_the_layer_of_the_store(tmp_path):
    residuals = torch.zeros(20, N_LAYERS, WIDTH)
    residuals[3, 4, 1] = torch.nan
    store = stored(tmp_path / "r", residuals)
    rows = StoredRows(store=store, rows=torch.arange(20))
    with pytest.raises(UserError, match="got nan for item number 3 at layer 4"):
        by_layers(rows, lambda part, _: part.numpy(), joined_layers, most_bytes=1)
