"""A Hub model from the cache of this machine, as it lies there after a download."""

import json
import os
import shutil
import subprocess
import sys

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOADED = """
import sys
from probes import load_vlm
from probes.loading.identity import known_revision
vlm = load_vlm("somebody/small-llava", revision=sys.argv[1] if len(sys.argv) > 1 else None)
print(vlm.name, vlm.revision, known_revision("somebody/small-llava", None))
"""


@pytest.fixture
def cache(model_folder, tmp_path):
    """One commit of one model, which main stands for."""
    repository = tmp_path / "models--somebody--small-llava"
    shutil.copytree(model_folder, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return tmp_path


def load(cache, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOADED, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_commit_is_pinned_and_recorded(cache):
    for asked in ([], ["main"], [COMMIT]):
        ended = load(cache, *asked)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.split() == ["somebody/small-llava", COMMIT, COMMIT]


def test_a_commit_that_is_not_there(cache):
    ended = load(cache, "v2")
    assert ended.returncode == 1
    assert "fetch it elsewhere with `hf download somebody/small-llava" in ended.stderr


def test_an_incomplete_download(cache):
    folder = cache / "models--somebody--small-llava" / "snapshots" / COMMIT
    (folder / "model.safetensors").unlink()
    ended = load(cache)
    assert ended.returncode == 1
    assert "cannot load the weights of somebody/small-llava" in ended.stderr
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llava"
