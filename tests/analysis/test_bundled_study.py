"""The main job as a user types it: the bundled model, the bundled scenes."""

import subprocess

import pytest

from analysis.schema import results_schema
from tests.analysis.conftest import command, files_of, results_of
from tests.schemas import require_valid


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundled")
    line = command("--attr", "color", "--quiet")
    ended = subprocess.run(line, capture_output=True, text=True, cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    (made,) = (folder / "runs").iterdir()
    assert made.name.startswith("bundled-bundled-")
    return folder, made, ended.stdout


def test_color_emerges_and_beats_both_controls(run):
    _, made, shown = run
    results = results_of(made)
    require_valid(results, results_schema)
    found = results["attributes"]["color"]["readouts"]["logit_lens"]
    assert found["outcome"] == "emerged"
    assert max(found["omnibus_p"].values()) < 0.01
    assert max(found["plateau_p"].values()) < 0.01
    last = found["layers"][-1]
    for score in ("stated", "correct"):
        assert last[score]["real"] > max(last[score]["shuffled"], last[score]["blank"])
    assert last["information"]["real"] > 1 > 0.1 > abs(last["information"]["blank"])
    crossing, layer, layers = found["lambda_half"], found["layer"], found["fb_half"]
    assert crossing["low"] <= crossing["estimate"] <= crossing["high"]
    # The set is one of whole layers.
    assert layers["low"] <= layer["high"]
    assert layers["high"] is None or layer["low"] <= layers["high"]
    assert "color (logit lens) emerges at layer" in shown


def test_a_second_run_does_no_model_work(run):
    folder, made, shown = run
    before = files_of(made)
    times = {path: path.stat().st_mtime_ns for path in made.rglob("*.safetensors")}
    again = subprocess.run(command("--attr", "color"), capture_output=True, text=True, cwd=folder)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", shown)
    assert files_of(made) == before
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*.safetensors")} == times
