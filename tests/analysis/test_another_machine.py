"""A run that was captured on one machine, read on another: without model, without images."""

import shutil

import pytest

from tests.analysis.conftest import results_of


@pytest.fixture
def moved(emergence, small, clevr, model_folder, tmp_path, monkeypatch):
    """A run with residuals for one attribute, where neither its model nor its data can be had."""
    folders = {
        "model": shutil.copytree(model_folder, tmp_path / "gpu-box" / "model"),
        "data": shutil.copytree(clevr, tmp_path / "gpu-box" / "clevr"),
    }
    run = tmp_path / "gpu-box" / "run"
    arguments = ["--model", folders["model"], "--data", f"clevr:{folders['data']}", *small[4:]]
    ended = emergence([*arguments, "--attr", "size", "--run", run])
    assert ended.code == 0, ended.err
    laptop = shutil.copytree(run, tmp_path / "laptop" / "run")
    shutil.rmtree(tmp_path / "gpu-box")
    return laptop


def test_is_read_by_other_readouts(moved, emergence):
    ended = emergence(["--run", moved, "--attr", "size", "--readout", "logit_lens", "linear_probe"])
    assert ended.code == 0, ended.err
    assert ended.err.startswith("note: no folder ")
    assert f"going on with what {moved} holds" in ended.err
    found = results_of(moved)["attributes"]["size"]["readouts"]
    assert set(found) == {"logit_lens", "linear_probe"}


def test_what_was_not_captured_is_said(moved, emergence):
    ended = emergence(["--run", moved, "--attr", "shape"])
    assert ended.code == 2
    assert "ask on the machine that has the data" in ended.err


def test_another_model_or_data_is_not_taken_for_it(moved, emergence, refused, tmp_path):
    assert "no folder" in refused(["--run", moved, "--data", f"clevr:{tmp_path / 'elsewhere'}"])
    ended = emergence(["--run", moved, "--model", tmp_path / "elsewhere", "--attr", "size"])
    assert ended.code == 2
    assert "error: no model folder" in ended.err


def test_a_run_is_gone_on_with_by_its_name_alone(emergence, small, tmp_path):
    run = tmp_path / "run"
    assert emergence([*small, "--attr", "size", "--run", run]).code == 0
    again = emergence(["--attr", "size", "--run", run])
    assert (again.code, again.err) == (0, "")


def test_damaged_kept_data_is_said(moved, refused):
    (moved / "data.json").write_text("{")
    assert "copy it again from its source" in refused(["--run", moved, "--attr", "size"])
