"""Rows read when asked for are the rows of the store."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes.residuals import rows as rows_module
from probes.residuals.rows import StoredRows
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore
from probes.translators import ResidualRows

N_ROWS, N_LAYERS, D_MODEL = 23, 2, 3


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    ids = [f"row-{row}" for row in range(N_ROWS)]
    spec = StoreSpec(
        study_hash="s", model="m", revision="r", dtype="bfloat16", n_layers=N_LAYERS,
        d_model=D_MODEL, n_rows=N_ROWS, row_ids_sha256=digest_of(ids), shard_size=5,
    )  # fmt: skip
    made = ResidualStore.open_or_create(tmp_path_factory.mktemp("s") / "r", spec, ids)
    generator = torch.Generator().manual_seed(0)
    for shard in made.missing_shards():
        shape = (len(made.rows_of(shard)), N_LAYERS + 1, D_MODEL)
        made.write_shard(shard, torch.randn(shape, generator=generator).bfloat16())
    return made


@given(st.lists(st.integers(0, N_ROWS - 1), max_size=40), st.integers(1, 500), st.data())
def test_any_rows_in_any_order(store, chosen, block_bytes, data):
    rows = StoredRows(store=store, rows=torch.tensor(chosen, dtype=torch.int64))
    wanted = store.read()[chosen]
    assert torch.equal(rows.read(), wanted)
    assert len(rows) == len(chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "_BLOCK_BYTES", block_bytes)
        blocks = list(rows.blocks())
    assert torch.equal(torch.cat([wanted[:0], *(block for _, block in blocks)]), wanted)
    assert all(torch.equal(block, wanted[where]) for where, block in blocks)
    row_bytes = (N_LAYERS + 1) * D_MODEL * 2
    assert all(len(block) * row_bytes <= max(block_bytes, row_bytes) for _, block in blocks)
    if chosen:
        some = data.draw(st.lists(st.integers(0, len(chosen) - 1)))
        assert torch.equal(rows.select(some).read(), wanted[some])


def test_a_lens_is_trained_on_them_unread(store):
    rows = StoredRows(store=store, rows=torch.tensor([22, 0, 7, 7]))
    named = ResidualRows.of_stored(rows, ["a", "b", "c", "c"])
    assert torch.equal(named.take(torch.arange(4)), rows.read().float())
    assert named.scene_ids == ("a", "b", "c", "c")
    with pytest.raises(ValueError, match="one scene id per row"):
        ResidualRows.of_stored(rows, ["a"])
