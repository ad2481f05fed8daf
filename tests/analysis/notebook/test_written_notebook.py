"""Notebooks that are written: valid, from nothing but the study, and their cells run."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from analysis.commands.shipped_studies import study_names
from analysis.notebook.__main__ import COMMAND, Notebook, main
from data_prep.command_line import from_command_line
from tests.commands import run_command


@pytest.fixture
def written(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(*arguments: str):
        def command() -> None:
            main(from_command_line(Notebook, command=COMMAND, arguments=arguments))

        return run_command(capsys, command)

    return write


def cells_of(file: Path) -> list[dict]:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert len({each["id"] for each in content["cells"]}) == len(content["cells"])
    return content["cells"]


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Runs a notebook as Jupyter does, in a kernel of its own; gives what its cells show."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    # A command's own, if one was begun before; without it the kernel chooses the notebook's.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    (tmp_path / "jupyter").mkdir()

    def run(file: Path) -> list[dict[str, str]]:
        book = nbformat.read(file, as_version=4)
        NotebookClient(book, timeout=300, kernel_name="python3").execute()
        outputs = [each for cell in book.cells for each in cell.get("outputs", ())]
        return [each.data for each in outputs if "data" in each]

    return run


@pytest.mark.parametrize("name", study_names())
def test_every_shipped_study_becomes_a_notebook(name, written, tmp_path):
    assert written("--study", name).out == f"notebook: {name}.ipynb\n"
    cells = cells_of(tmp_path / f"{name}.ipynb")
    for each in cells:
        if each["cell_type"] == "code":
            compile(each["source"], "cell", "exec")
    code = "\n".join(each["source"] for each in cells)
    assert ("urlretrieve" in code) == ("fundus" not in name)
    assert f"STUDY = {name!r}" in code


def test_the_notebook_of_a_study_file_runs(written, execute, tmp_path):
    study = tmp_path / "mine.toml"
    study.write_text(
        'scenes = 60\nmin_scenes_per_text = 5\nn_resamples = 800\n[emergence]\nattr = ["shape"]\n'
    )
    assert written("--study", str(study), "--out", "made.ipynb").code == 0
    cells_of(tmp_path / "made.ipynb")
    study.unlink()  # the notebook holds it
    shown = execute(tmp_path / "made.ipynb")
    assert any("<td>shape</td>" in each.get("text/html", "") for each in shown)
    assert any("image/png" in each for each in shown)
    assert (tmp_path / "runs/mine/results.json").exists()


def test_what_is_no_notebook_is_refused(written):
    assert (
        "--out must end with .ipynb"
        in written("--study", "qwen2-vl-2b-coco", "--out", "x.txt").refusal
    )
    assert "no study file" in written("--study", "nothing").refusal
