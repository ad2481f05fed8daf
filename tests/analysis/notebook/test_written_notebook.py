"""Notebooks that are written: valid, from nothing but the study, and their cells run."""

import ast
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

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


def execute(cells: list[dict]) -> list:
    """Runs the cells one after another; gives what stands in the last line of each."""
    space: dict = {}
    last = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            continue
        tree = ast.parse(cell["source"])
        end = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), space)
        if end is not None:
            last.append(eval(compile(ast.Expression(end.value), "cell", "eval"), space))
    return last


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


def test_the_cells_of_a_study_file_run(written, tmp_path):
    study = tmp_path / "mine.toml"
    study.write_text(
        'scenes = 60\nmin_scenes_per_text = 5\nn_resamples = 800\n[emergence]\nattr = ["shape"]\n'
    )
    assert written("--study", str(study), "--out", "made.ipynb").code == 0
    cells = cells_of(tmp_path / "made.ipynb")
    study.unlink()  # the notebook holds it
    last = execute(cells)
    plt.close("all")
    shown = [each for each in last if hasattr(each, "_repr_html_")]
    assert "<td>shape</td>" in shown[0]._repr_html_()
    assert (tmp_path / "runs/mine/results.json").exists()


def test_what_is_no_notebook_is_refused(written):
    assert (
        "--out must end with .ipynb"
        in written("--study", "qwen2-vl-2b-coco", "--out", "x.txt").refusal
    )
    assert "no study file" in written("--study", "nothing").refusal
