"""Nothing is done twice, and what was changed by hand or has become stale is named."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paper.conftest import files_of
from tests.sealed import edit_sealed


@pytest.fixture
def report(built, run_folder, validation_file, tmp_path) -> list[str | Path]:
    """Arguments for a copy of the report."""
    out = tmp_path / "report"
    shutil.copytree(built, out)
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    return [run, "--out", out, "--validation", validation_file]


def test_with_nothing_changed_nothing_is_done(report, paper_build, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in report[2].rglob("*")}

    def not_called(*arguments):
        raise AssertionError("built again")

    monkeypatch.setattr("paper.assemble.build", not_called)
    ended = paper_build(*report)
    assert (ended.code, ended.err) == (0, "")
    assert "nothing has changed" in ended.out
    assert {path: path.stat().st_mtime_ns for path in report[2].rglob("*")} == before
    # The control: a change does call it.
    (report[0] / "results.json").write_text("{}")
    with pytest.raises(AssertionError, match="built again"):
        paper_build(*report)


def test_to_find_that_nothing_changed_needs_no_drawing_and_no_model(report):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "paper.build", *map(str, report)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "nothing has changed" in ended.stdout
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "paper.manifest" in imported
    assert not {"matplotlib", "pandas", "torch", "scipy", "paper.assemble"} & imported


@pytest.mark.parametrize(
    "name", ["paper.pdf", "report.html", "values.json", "tables/run-overview.tex"]
)
def test_a_file_edited_by_hand_is_named(report, paper_build, name):
    path = report[2] / name
    if not path.exists():
        pytest.skip("no PDF without TeX")
    path.write_bytes(path.read_bytes() + b" ")
    ended = paper_build(*report, "--check")
    assert (ended.code, ended.out) == (1, f"edited by hand: {name}\n")
    # Checking repaired nothing.
    assert paper_build(*report, "--check").code == 1


def test_a_missing_file_is_named_and_made_again(report, paper_build, without_tex, tmp_path):
    (report[2] / "report.html").unlink()
    ended = paper_build(*report, "--check")
    assert ended.code == 1
    assert "missing: report.html\n" in ended.out
    assert paper_build(*report).code == 0
    assert (report[2] / "report.html").exists()
    assert paper_build(*report, "--check").code == 0


def test_a_change_of_results_names_what_it_makes_stale(report, paper_build):
    file = report[0] / "results.json"
    file.write_text(file.read_text() + " ")
    ended = paper_build(*report, "--check")
    assert ended.code == 1
    (line,) = ended.out.splitlines()
    assert line.startswith("stale: ")
    assert line.endswith("(run 0: results.json changed)")
    assert "figures/run-causes-color.pdf" in line
    assert "validation" not in line


def test_a_change_of_the_validation_is_told_apart(report, paper_build):
    moved = report[2].parent / "validation.json"
    content = json.loads(report[4].read_text())
    content["findings"][0]["value"] = 0.055
    moved.write_text(json.dumps(content))
    ended = paper_build(*report[:4], moved, "--check")
    assert ended.code == 1
    assert "figures/validation-calibration.pdf" in ended.out
    assert "figures/run-" not in ended.out


def test_another_epoch_or_format_is_a_change(report, paper_build, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")
    assert "SOURCE_DATE_EPOCH was none, now 12" in paper_build(*report, "--check").out
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert "format was pdf, now pgf" in paper_build(*report, "--format", "pgf", "--check").out


def test_no_report_at_all(run_folder, tmp_path, paper_build):
    ended = paper_build(run_folder, "--out", tmp_path / "none", "--check")
    assert ended.code == 1
    assert ended.out == f"missing: the whole report (no report in {tmp_path / 'none'})\n"
    assert not (tmp_path / "none").exists()


def test_what_is_no_longer_made_is_removed_and_foreign_files_stay(report, paper_build, without_tex):
    out = report[2]
    (out / "notes.txt").write_text("mine")
    file = report[0] / "results.json"
    edit_sealed(file, lambda content: content["studies"].pop("order"))
    assert (out / "figures" / "run-order.pdf").exists()
    ended = paper_build(*report)
    assert ended.code == 0
    assert "not in " in ended.out
    assert not [name for name in files_of(out) if "run-order" in name]
    assert (out / "notes.txt").read_text() == "mine"


def test_a_manifest_cannot_have_files_outside_removed(report, paper_build, without_tex):
    outside = report[2].parent / "precious.txt"
    outside.write_text("keep")
    manifest = report[2] / "manifest.json"
    edit_sealed(manifest, lambda content: content["outputs"].update({"../precious.txt": "0" * 64}))
    assert paper_build(*report).code == 0
    assert outside.read_text() == "keep"


def test_a_damaged_manifest_means_that_all_is_made(report, paper_build, without_tex):
    (report[2] / "manifest.json").write_text("{")
    assert paper_build(*report, "--check").code == 1
    assert paper_build(*report).code == 0
    assert paper_build(*report, "--check").code == 0
