"""Capture to a store: the same as in memory, resumable to the byte, in bounded memory."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from data_prep.errors import UserError
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.store import ResidualStore

SETTINGS = {"study_hash": "study", "shard_size": 6, "batch_size": 4}


@pytest.fixture
def rows(questions):
    return [(f"item-{i}", str(i % 7), questions[i % 5]) for i in range(20)]


@pytest.fixture
def open_image(images):
    return lambda key: images[int(key)]


def new_store(vlm, rows, folder):
    ids = [row_id for row_id, _, _ in rows]
    return ResidualStore.open_or_create(folder, store_spec(vlm, rows, **SETTINGS), ids)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_in_place(kept: dict[str, bytes], whole: dict[str, bytes]) -> None:
    """All that was kept is final, but for the manifest and what was just being written."""
    changed = {name for name, content in kept.items() if whole.get(name) != content}
    assert all(name == "manifest.json" or name.endswith(".writing") for name in changed)


@pytest.fixture
def undisturbed(vlm, rows, open_image, tmp_path):
    store = new_store(vlm, rows, tmp_path / "undisturbed")
    capture_to_store(vlm, rows, open_image, store)
    return contents(store.folder)


def test_the_store_holds_what_capture_gives(vlm, rows, open_image, images, questions, tmp_path):
    done = []
    store = new_store(vlm, rows, tmp_path / "r")
    capture_to_store(vlm, rows, open_image, store, progress=done.append)
    wanted = vlm.capture([open_image(key) for _, key, _ in rows], [text for _, _, text in rows])
    torch.testing.assert_close(store.read(), wanted, rtol=1e-4, atol=1e-4)
    assert sum(done) == 20
    assert store.row_ids == tuple(row_id for row_id, _, _ in rows)


def test_a_second_capture_runs_no_model(vlm, rows, open_image, tmp_path, monkeypatch):
    capture_to_store(vlm, rows, open_image, new_store(vlm, rows, tmp_path / "r"))
    monkeypatch.setattr(vlm, "residuals_into", None)
    done = []
    store = new_store(vlm, rows, tmp_path / "r")
    capture_to_store(vlm, rows, open_image, store, progress=done.append)
    assert sum(done) == 0


@pytest.mark.parametrize("stop", [1, 4, 15])
def test_resumed_after_an_error_it_is_the_same_to_the_byte(
    vlm, rows, open_image, tmp_path, undisturbed, stop
):
    opened = 0

    def failing(key):
        nonlocal opened
        opened += 1
        if opened == stop:
            raise KeyboardInterrupt
        return open_image(key)

    with pytest.raises(KeyboardInterrupt):
        capture_to_store(vlm, rows, failing, new_store(vlm, rows, tmp_path / "r"))
    again = new_store(vlm, rows, tmp_path / "r")
    assert again.missing_shards()
    capture_to_store(vlm, rows, open_image, again)
    assert contents(tmp_path / "r") == undisturbed


PROGRAM = """
import sys, time
from pathlib import Path
from PIL import Image
import numpy as np
from probes import load_vlm
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.store import ResidualStore

vlm = load_vlm(sys.argv[1])
rows = [(f"item-{i}", str(i), "What color is it?") for i in range(12)]
ids = [row_id for row_id, _, _ in rows]
spec = store_spec(vlm, rows, study_hash="study", shard_size=2, batch_size=2)
store = ResidualStore.open_or_create(Path(sys.argv[2]), spec, ids)

def open_image(key):
    time.sleep(float(sys.argv[3]))
    return Image.fromarray(np.full((32, 32, 3), 20 * int(key), dtype=np.uint8))

capture_to_store(vlm, rows, open_image, store)
"""


def test_killed_and_resumed_it_is_the_same_to_the_byte(model_folder, tmp_path, monkeypatch):
    """One process is killed by the system; another (this one) goes on."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", PROGRAM, str(model_folder), str(killed), "0.2"]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 60
    while not (killed / "shard-00001.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = contents(killed)
    assert "shard-00001.safetensors" in kept
    assert "shard-00005.safetensors" not in kept
    for folder in (killed, whole):
        monkeypatch.setattr(sys, "argv", ["program", str(model_folder), str(folder), "0"])
        exec(PROGRAM, {})
    assert contents(killed) == contents(whole)
    assert_in_place(kept, contents(whole))


def test_a_full_disk_keeps_whole_shards(model_folder, tmp_path, monkeypatch):
    """The system refuses what goes beyond a file of 1 KiB, from the third shard on."""
    full, whole = tmp_path / "full", tmp_path / "whole"
    sleep = "time.sleep(float(sys.argv[3]))"
    limit = (
        "import resource; int(key) > 7 and resource.setrlimit(resource.RLIMIT_FSIZE, (1024, -1))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", PROGRAM.replace(sleep, limit), str(model_folder), str(full)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "UserError: cannot write" in ended.stderr
    assert "File too large: free space or choose another folder" in ended.stderr
    kept = contents(full)
    assert {"shard-00000.safetensors", "shard-00001.safetensors"} <= kept.keys()
    assert "shard-00005.safetensors" not in kept
    assert not any(name.endswith(".writing") for name in kept)
    for folder in (full, whole):
        monkeypatch.setattr(sys, "argv", ["program", str(model_folder), str(folder), "0"])
        exec(PROGRAM, {})
    assert contents(full) == contents(whole)
    assert_in_place(kept, contents(whole))


def test_not_a_number_is_named_and_whole_shards_stay(vlm, rows, open_image, tmp_path, monkeypatch):
    store = new_store(vlm, rows, tmp_path / "r")
    inner = vlm.residuals_into
    batches = []

    def poisoned(inputs, buffer, *how):
        inner(inputs, buffer, *how)
        batches.append(len(buffer))
        if sum(batches) > 8:
            buffer[1, 2, 5] = float("inf")

    monkeypatch.setattr(vlm, "residuals_into", poisoned)
    with pytest.raises(UserError, match="got inf for item item-9 at layer 2"):
        capture_to_store(vlm, rows, open_image, store)
    assert new_store(vlm, rows, tmp_path / "r").missing_shards() == [1, 2, 3]


def test_rows_of_another_study_are_refused(vlm, rows, open_image, tmp_path):
    store = new_store(vlm, rows, tmp_path / "r")
    renamed = [("other", key, text) for _, key, text in rows]
    with pytest.raises(UserError, match="captured with another row_ids_sha256"):
        capture_to_store(vlm, renamed, open_image, store)
    with pytest.raises(UserError, match="at least one forward pass"):
        capture_to_store(vlm, [], open_image, store)


def test_one_buffer_serves_any_number_of_items(vlm, rows, open_image, tmp_path, monkeypatch):
    """Memory on the device does not grow with the items: a single allocation, of one batch."""
    sizes = []
    inner = vlm.new_buffer
    monkeypatch.setattr(vlm, "new_buffer", lambda n, **how: sizes.append(n) or inner(n, **how))
    capture_to_store(vlm, rows, open_image, new_store(vlm, rows, tmp_path / "r"))
    assert sizes == [4]


def test_an_image_that_several_questions_share_is_opened_once_a_batch(
    vlm, questions, open_image, tmp_path
):
    opened = []
    rows = [(f"item-{i}", "3", questions[i % 5]) for i in range(8)]

    def counting(key):
        opened.append(key)
        return open_image(key)

    capture_to_store(vlm, rows, counting, new_store(vlm, rows, tmp_path / "r"))
    assert opened == ["3"] * 3
