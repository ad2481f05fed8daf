"""The store: what is whole stays, what is damaged or foreign is refused."""

import errno
import os
from dataclasses import replace

import pytest
import torch

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore
from tests.sealed import edit_sealed, leave_unfinished

ROW_IDS = tuple(f"row-{i}" for i in range(10))


def spec_of(**changes) -> StoreSpec:
    spec = StoreSpec(
        study_hash="study",
        model="model",
        revision="one",
        dtype="float32",
        n_layers=2,
        d_model=3,
        n_rows=len(ROW_IDS),
        row_ids_sha256=digest_of(ROW_IDS),
        shard_size=4,
        batch_size=2,
    )
    return replace(spec, **changes)


def capture_residuals(rows: range) -> torch.Tensor:
    return torch.arange(rows.start * 9, rows.stop * 9, dtype=torch.float32).reshape(-1, 3, 3)


@pytest.fixture
def filled(tmp_path) -> ResidualStore:
    store = ResidualStore.open_or_create(tmp_path / "residuals", spec_of(), ROW_IDS)
    for shard in store.missing_shards():
        store.write_shard(shard, capture_residuals(store.rows_of(shard)))
    return store


def reopened(store, **changes) -> ResidualStore:
    return ResidualStore.open_or_create(store.folder, spec_of(**changes), ROW_IDS)


def test_what_was_written_is_read(filled):
    again = ResidualStore.open(filled.folder)
    assert torch.equal(again.read(), capture_residuals(range(10)))
    assert again.row_ids == ROW_IDS
    assert again.missing_shards() == []
    assert [rows for rows, _ in again.shards()] == [range(4), range(4, 8), range(8, 10)]


def test_half_precision_is_kept(tmp_path):
    spec = spec_of(dtype="bfloat16")
    store = ResidualStore.open_or_create(tmp_path / "r", spec, ROW_IDS)
    store.write_shard(0, capture_residuals(range(4)).bfloat16())
    assert store.read_shard(0).dtype == torch.bfloat16


def test_an_incomplete_store_says_so(filled):
    (filled.folder / "shard-00001.safetensors").unlink()
    again = reopened(filled)
    assert again.missing_shards() == [1]
    with pytest.raises(UserError, match="is missing: the capture is not complete"):
        again.read()


@pytest.mark.parametrize("damage", ["flip", "truncate", "foreign"])
def test_a_damaged_shard_is_refused_and_can_be_captured_anew(filled, damage):
    path = filled.folder / "shard-00001.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-1] ^= 1
    elif damage == "truncate":
        content = content[:-8]
    else:
        content = bytearray((filled.folder / "shard-00000.safetensors").read_bytes())
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"shard-00001.*damaged or foreign.*delete this file"):
        reopened(filled)
    with pytest.raises(UserError, match="damaged or foreign"):
        ResidualStore.open(filled.folder).read()
    path.unlink()
    assert reopened(filled).missing_shards() == [1]


@pytest.mark.parametrize(
    "change",
    [{"study_hash": "other"}, {"revision": "two"}, {"dtype": "bfloat16"}, {"batch_size": 3}],
)
def test_a_store_made_from_something_else_is_refused(filled, change):
    (name,) = change
    with pytest.raises(UserError, match=f"captured with another {name} .*use another run folder"):
        reopened(filled, **change)


def test_the_same_model_under_another_path_is_the_same(filled):
    assert reopened(filled, model="elsewhere").missing_shards() == []


def test_a_broken_manifest_and_changed_row_ids(filled):
    (filled.folder / "row_ids.json").write_text('["a"]')
    with pytest.raises(UserError, match="row ids do not match"):
        ResidualStore.open(filled.folder)
    (filled.folder / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="remove the folder and capture again"):
        ResidualStore.open(filled.folder)
    (filled.folder / "manifest.json").unlink()
    with pytest.raises(UserError, match="belongs to no manifest"):
        reopened(filled)


def test_bad_calls(tmp_path, filled):
    with pytest.raises(UserError, match="whole passes of 1 rows, got 0"):
        ResidualStore.open_or_create(tmp_path / "new", spec_of(shard_size=0), ROW_IDS)
    with pytest.raises(ValueError, match="those that the spec was made of"):
        ResidualStore.open_or_create(tmp_path / "new", spec_of(), ROW_IDS[:-1])
    with pytest.raises(ValueError, match="shard 0 has shape"):
        filled.write_shard(0, capture_residuals(range(3)))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        ResidualStore.open_or_create(tmp_path / "file" / "new", spec_of(), ROW_IDS)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_half_written(filled, monkeypatch, call):
    path = filled.folder / "shard-00001.safetensors"
    path.unlink()
    store = reopened(filled)

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(filled.folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(UserError, match="No space left on device: free space"):
            store.write_shard(1, capture_residuals(range(4, 8)))
    assert sorted(filled.folder.iterdir()) == before
    again = reopened(filled)
    assert again.missing_shards() == [1]
    again.write_shard(1, capture_residuals(range(4, 8)))
    assert torch.equal(reopened(filled).read(), capture_residuals(range(10)))


def test_an_interrupt_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_durably(path, b"old")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_durably(path, b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_what_a_kill_left_behind_is_removed(filled):
    left = leave_unfinished(filled.folder)
    reopened(filled)
    assert not left.exists()


def test_a_shard_without_its_checksum_is_captured_again(filled):
    """A kill between the shard and the manifest."""
    manifest = filled.folder / "manifest.json"
    edit_sealed(manifest, lambda content: content["shards"].pop("shard-00002.safetensors"))
    assert reopened(filled).missing_shards() == [2]
