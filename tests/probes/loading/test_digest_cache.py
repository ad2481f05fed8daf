"""Large files are read once, and again when they change; a cache that fails costs time alone."""

import hashlib
import json
import os

import pytest

from probes.loading import digest_cache
from probes.loading.digest_cache import cache_folder, file_digest, is_known
from probes.loading.identity import folder_identity, is_quickly_identified


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache of this test, for files of any size."""
    monkeypatch.setenv("ONSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digest_cache, "LEAST_BYTES", 0)
    monkeypatch.setattr(digest_cache, "_KNOWN", {})
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are read."""
    seen, inner = [], digest_cache._sha256
    monkeypatch.setattr(digest_cache, "_sha256", lambda path: seen.append(path.name) or inner(path))
    return seen


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    return file


def another_process(monkeypatch):
    monkeypatch.setattr(digest_cache, "_KNOWN", {})


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_read_once(weights, reads, monkeypatch):
    assert not is_known(weights)
    assert file_digest(weights) == file_digest(weights) == digest(b"one")
    another_process(monkeypatch)
    assert is_known(weights)
    assert file_digest(weights) == digest(b"one")
    assert reads == ["weights"]


@pytest.mark.parametrize("kept", ["size and place", "size and time"])
def test_a_changed_file_is_read_again(weights, reads, monkeypatch, kept):
    assert file_digest(weights) == digest(b"one")
    told = weights.stat()
    if kept == "size and place":
        weights.write_bytes(b"two")
        os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    else:  # another file was put in its place
        other = weights.with_name("other")
        other.write_bytes(b"two")
        os.utime(other, ns=(told.st_atime_ns, told.st_mtime_ns))
        other.replace(weights)
    for _ in range(2):
        another_process(monkeypatch)
        assert file_digest(weights) == digest(b"two")
    assert len(reads) == 2


def test_what_the_cache_believes(weights, reads):
    """The control: size, time and place put back, other content is not found out. It is said."""
    file_digest(weights)
    told = weights.stat()
    weights.write_bytes(b"two")
    os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert file_digest(weights) == digest(b"one")
    assert "sets the time back is not found out" in str(digest_cache.__doc__)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: b"",
        lambda text: text.replace(digest(b"one").encode(), digest(b"two").encode()),
        lambda text: json.dumps({"files": 3}).encode(),
    ],
)
def test_a_damaged_cache_is_ignored_and_written_anew(
    weights, reads, monkeypatch, own_cache, damage
):
    file_digest(weights)
    file = own_cache / "weights.json"
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        another_process(monkeypatch)
        assert file_digest(weights) == digest(b"one")
    assert len(reads) == 2


def test_a_cache_that_cannot_be_written(weights, reads, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ONSET_CACHE", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        assert file_digest(weights) == digest(b"one")
    assert reads == ["weights"], "within a process it is known all the same"
    another_process(monkeypatch)
    assert file_digest(weights) == digest(b"one")
    assert len(reads) == 2


def test_where_the_cache_lies(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("ONSET_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "onset"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "onset"


def test_small_files_need_no_cache(weights, reads, monkeypatch, own_cache):
    monkeypatch.setattr(digest_cache, "LEAST_BYTES", 4)
    assert is_known(weights)
    assert [file_digest(weights), file_digest(weights)] == [digest(b"one")] * 2
    assert reads == ["weights"] * 2
    assert not own_cache.exists()


def test_a_folder_is_known_once_all_its_files_are(model_folder, reads, vlm):
    assert not is_quickly_identified(str(model_folder))
    reads.clear()
    assert folder_identity(model_folder) == vlm.revision
    assert "model.safetensors" in reads
    reads.clear()
    assert is_quickly_identified(str(model_folder))
    assert folder_identity(model_folder) == vlm.revision
    assert reads == []
    assert is_quickly_identified("somebody/some-model")
