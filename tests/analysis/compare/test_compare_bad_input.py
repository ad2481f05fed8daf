"""What `python -m analysis.compare` refuses, in one line, and leaves alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.run.format import FORMAT
from tests.analysis.compare.conftest import QUICK
from tests.sealed import edit_sealed, edit_sealed_table


def test_runs_that_cannot_be_compared_are_refused(refused, planted_runs, small_runs, tmp_path):
    half, late = planted_runs["half"], planted_runs["late"]
    out = ("--out", tmp_path / "out")
    assert "needs 2 to 26 runs, got 1" in refused(half, *out)
    assert "needs 2 to 26 runs, got 0" in refused(*out)
    (tmp_path / "empty").mkdir()
    assert "is no run, it has no identity.json" in refused(half, tmp_path / "empty", *out)
    assert "is the same run as" in refused(half, half.parent / "." / "half", *out)
    assert "has no shape under logit_lens: run python -m analysis.emergence --attr shape" in (
        refused(half, late, "--attr", "shape", *out)
    )
    message = refused(half, late, "--readout", "tuned_lens", *out)
    assert "under tuned_lens (" in message
    assert "--attr color --readout tuned_lens --run" in message
    assert "no attribute in common" in refused(half, small_runs["card"], *out)
    assert "invalid choice" in refused(half, late, "--readout", "lens", *out)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--margin", "0", "margin must lie between 0 and 1, got 0.0"),
        ("--margin", "1", "margin must lie between 0 and 1, got 1.0"),
        ("--margin", "-0.1", "margin must lie between 0 and 1, got -0.1"),
        ("--level", "0.5", "level must lie between 0.5 and 1, got 0.5"),
        ("--n-resamples", "10", "n_resamples must be at least 800"),
        ("--seed", "-1", "seed must be at least 0, got -1"),
    ],
)
def test_a_plan_outside_its_bounds_is_refused(refused, planted_runs, option, value, message):
    assert message in refused(planted_runs["half"], planted_runs["late"], option, value)


@pytest.fixture
def damaged(planted_runs, tmp_path) -> Path:
    """A copy of a run, to damage."""
    return shutil.copytree(planted_runs["late"], tmp_path / "damaged")


def test_other_answers_are_not_comparable_in_bits(refused, planted_runs, damaged):
    def change(content):
        found = content["attributes"]["color"]["readouts"]["logit_lens"]["answers"]
        found["teal"] = found.pop("a")

    edit_sealed(damaged / "results.json", change)
    message = refused(planted_runs["half"], damaged)
    assert "color has other answers in" in message
    assert "(a, teal in one only): bits over different answer sets are not comparable" in message


@pytest.mark.parametrize("written", [None, FORMAT - 1])
def test_runs_of_another_format_are_refused_with_the_reason(
    refused, planted_runs, damaged, tmp_path, written
):
    """The first formats said nothing of themselves in identity.json."""

    def change(content):
        del content["format"]
        if written is not None:
            content["format"] = written
        content["plan"]["primary_control"] = "shuffled"

    edit_sealed(damaged / "identity.json", change)
    message = refused(planted_runs["half"], damaged, "--out", tmp_path / "out")
    said = "an earlier one" if written is None else written
    assert f"{damaged} has another format ({said}, now {FORMAT}): this version" in message
    assert "measure it anew in a new folder" in message
    assert not (tmp_path / "out").exists()


def test_edited_damaged_and_unfinished_runs_are_refused(refused, planted_runs, damaged):
    half = planted_runs["half"]
    edit_sealed(damaged / "identity.json", lambda content: content["plan"].pop("swaps"))
    assert "was edited (its plan is not that of its hash)" in refused(half, damaged)
    (damaged / "identity.json").write_text("{}")
    assert "identity.json is damaged" in refused(half, damaged)
    shutil.copy(planted_runs["late"] / "identity.json", damaged)
    (damaged / "results.json").unlink()
    assert "is not finished, it has no results.json" in refused(half, damaged)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("effects", lambda table: table.iloc[3:], "effects of color lack a layer of a scene"),
        ("effects", lambda table: table.iloc[9:], "79 scenes by 9 layers, results.json says 80"),
        ("effects", lambda table: table.drop(columns="effect"), "a column is missing"),
        ("scores", lambda table: table[table["layer"] < 8], "no whole last layer of color"),
        ("scores", lambda table: table[table["scene_id"] != "s003"], "79 items"),
        ("scores", lambda table: table.assign(bits=np.nan), "no whole last layer of color"),
        ("scores", lambda table: table.assign(bits=-3.0), "contradicts scores.parquet"),
    ],
)
def test_damaged_tables_are_refused(
    refused, planted_runs, damaged, tmp_path, name, change, message
):
    file = damaged / f"{name}.parquet" / "color-logit_lens.parquet"
    edit_sealed_table(file, change)
    said = refused(planted_runs["half"], damaged, "--out", tmp_path / "out")
    if name == "scores" and "79" in message:
        assert "80 items, scores.parquet has 79" in said
    else:
        assert message in said
    file.write_bytes(b"PAR1")
    assert f"{file} is damaged" in refused(planted_runs["half"], damaged)
    file.unlink()
    assert name in refused(planted_runs["half"], damaged)
    assert not (tmp_path / "out" / "compare.json").exists()


def test_a_folder_that_holds_something_else_is_left_alone(refused, compare, planted_runs, tmp_path):
    half, late, deep = (planted_runs[name] for name in ("half", "late", "deep"))
    assert "holds files but no comparison" in refused(half, late, "--out", half)
    out = tmp_path / "out"
    assert compare(half, late, *QUICK, "--out", out).code == 0
    assert "holds another comparison" in refused(half, deep, *QUICK, "--out", out)
    (out / "compare.json").write_text("{")
    assert "compare.json is damaged" in refused(half, late, *QUICK, "--out", out)
