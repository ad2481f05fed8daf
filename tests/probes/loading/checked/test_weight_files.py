"""Weights are read from the model's own folder, from files that can hold nothing but tensors."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from data_prep.errors import UserError
from probes import load_vlm
from probes.loading.checked.weight_files import INDEX, weight_files
from tests.probes.loading.folders import put_header, refusal


@pytest.fixture
def copied(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


@pytest.fixture
def sharded(copied):
    """The same weights behind an index."""
    weights = load_file(copied / "model.safetensors")
    (copied / "model.safetensors").rename(copied / "part-1.safetensors")
    names = dict.fromkeys(weights, "part-1.safetensors")
    (copied / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return copied


def change_index(folder, change):
    content = json.loads((folder / INDEX).read_text())
    change(content["weight_map"])
    (folder / INDEX).write_text(json.dumps(content))


def test_an_index_is_read_and_counts_in_the_identity(sharded, vlm, images, questions):
    read = load_vlm(sharded)
    assert torch.equal(read.capture(images, questions), vlm.capture(images, questions))
    assert read.revision != vlm.revision


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../outside.safetensors", "files in the model's own folder"),
        ("/etc/outside.safetensors", "files in the model's own folder"),
        ("inner/part.safetensors", "files in the model's own folder"),
        ("..\\outside.safetensors", "files in the model's own folder"),
        ("C:outside.safetensors", "files in the model's own folder"),
        ("..", "files in the model's own folder"),
        ("", "files in the model's own folder"),
        (7, "files in the model's own folder"),
        (["part-1.safetensors"], "files in the model's own folder"),
        ("pytorch_model.bin", "allow pickled weights with --allow-pickle"),
        ("weights.pkl", "files that end in .safetensors"),
        ("part-2.safetensors", "part-2.safetensors is not there"),
    ],
)
def test_an_index_that_names_other_files(sharded, name, said):
    shutil.copy(sharded / "part-1.safetensors", sharded.parent / "outside.safetensors")
    torch.save({}, sharded / "pytorch_model.bin")
    change_index(sharded, lambda names: names.update({next(iter(names)): name}))
    assert said in refusal(sharded)


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[]", "{}", '{"weight_map": {}}', '{"weight_map": 3}', "\udcff", ""]
)
def test_a_hostile_index(sharded, content):
    (sharded / INDEX).write_text(content, errors="surrogateescape")
    assert "cannot read model.safetensors.index.json" in refusal(sharded)


def test_links_out_of_the_folder(copied):
    outside = copied.parent / "outside.safetensors"
    (copied / "model.safetensors").rename(outside)
    (copied / "model.safetensors").symlink_to(outside)
    assert "is a link out of the model's folder" in refusal(copied)
    (copied / "model.safetensors").unlink()
    (copied / "model.safetensors").symlink_to("model.safetensors")
    assert "is not there" in refusal(copied)


def test_links_as_the_hubs_cache_has_them(tmp_path):
    repository = tmp_path / "models--somebody--small"
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "blobs" / "abc").write_bytes(b"weights")
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    assert weight_files(snapshot, "somebody/small") == [snapshot / "model.safetensors"]
    (snapshot / "model.safetensors").unlink()
    (repository / "elsewhere").write_bytes(b"weights")
    (snapshot / "model.safetensors").symlink_to("../../elsewhere")
    with pytest.raises(UserError, match="link out of the model's folder"):
        weight_files(snapshot, "somebody/small")


WHOLE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "data", "length"),
    [
        (b"", b"", 2**60),
        (b"{}", b"", 2**63),
        (b"[" * 100_000, b"", None),
        ({"a": WHOLE, "b": WHOLE}, b"8 bytes.", None),
        ({"a": {**WHOLE, "data_offsets": [0, 2**60]}}, b"8 bytes.", None),
        ({"a": {**WHOLE, "data_offsets": [8, 0]}}, b"8 bytes.", None),
        ({"a": {**WHOLE, "dtype": "F7"}}, b"8 bytes.", None),
        ({"a": {**WHOLE, "shape": [2**40, 2**40]}}, b"8 bytes.", None),
        ({"a": {**WHOLE, "shape": [-2]}}, b"8 bytes.", None),
        ({"a": 3}, b"8 bytes.", None),
        (b"\xff" * 16, b"", None),
        ([], b"", None),
    ],
)
def test_hostile_headers(copied, header, data, length):
    put_header(copied / "model.safetensors", header, data, length)
    said = refusal(copied)
    assert "cannot load the weights" in said
    assert "model.safetensors is damaged" in said
    assert "Error" not in said


@pytest.mark.parametrize("n_bytes", [0, 7])
def test_files_too_short_for_a_header(copied, n_bytes):
    (copied / "model.safetensors").write_bytes(bytes(n_bytes))
    assert f"it has {n_bytes} bytes" in refusal(copied)
