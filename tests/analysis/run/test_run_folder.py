"""A run's folder belongs to one study, and whatever else is in the way is left alone."""

import json
from typing import Any

import pytest

from analysis.commands.study_file import read_study
from analysis.run.folder import claim, recorded_study
from analysis.run.format import FORMAT
from analysis.run.study import Study
from data_prep.errors import UserError
from tests.analysis.conftest import files_of
from tests.sealed import leave_unfinished, unsealed

ABOUT: dict[str, Any] = {"model_revision": "sha256:1", "data_fingerprint": "f" * 64}


def test_a_folder_is_claimed_once_and_found_again(tmp_path):
    run = claim(tmp_path / "new" / "run", Study(seed=3), **ABOUT)
    assert read_study(run.folder / "study.toml").plan == Study(seed=3)
    before = files_of(run.folder)
    assert claim(run.folder, Study(seed=3), **ABOUT) == run
    assert files_of(run.folder) == before


def test_the_same_content_under_another_name_is_the_same_study(tmp_path):
    run = claim(tmp_path / "run", Study(model="here", data="clevr:there"), **ABOUT)
    moved = claim(tmp_path / "run", Study(model="elsewhere", data="clevr:too"), **ABOUT)
    assert moved.study_hash == run.study_hash


@pytest.mark.parametrize(
    ("study", "about", "what"),
    [
        (Study(seed=1), ABOUT, "seed 0, now 1"),
        (Study(model="other", seed=1), ABOUT, "seed 0, now 1"),
        (Study(plateau=(1, 2)), ABOUT, "plateau None, now (1, 2)"),
        (Study(), ABOUT | {"model_revision": "sha256:2"}, "the model had another content"),
        (Study(), ABOUT | {"data_fingerprint": "0" * 64}, "the data had another content"),
    ],
)
def test_a_foreign_run_is_refused_and_left_alone(tmp_path, study, about, what):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    before = files_of(folder)
    with pytest.raises(UserError) as refused:
        claim(folder, study, **about)
    message = str(refused.value).replace("[1, 2]", "(1, 2)")
    assert "was made by another study" in message
    assert what in message
    assert "choose another folder with --run" in message
    assert files_of(folder) == before


@pytest.mark.parametrize("name", ["notes.txt", "study.toml", ".hidden"])
def test_files_of_the_users_are_no_run(tmp_path, name):
    (tmp_path / name).write_text("seed = 99\n")
    with pytest.raises(UserError, match="holds files but no run"):
        claim(tmp_path, Study(), **ABOUT)
    assert files_of(tmp_path) == {name: b"seed = 99\n"}


def test_killed_before_it_was_declared_it_can_begin_again(tmp_path):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    whole = files_of(folder)
    (folder / "identity.json").unlink()
    claim(folder, Study(), **ABOUT)
    assert files_of(folder) == whole


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(UserError, match="is a file: choose a folder with --run"):
        claim(tmp_path / "run", Study(), **ABOUT)
    with pytest.raises(UserError, match=r"cannot use the run folder .*: Not a directory"):
        claim(tmp_path / "run" / "below", Study(), **ABOUT)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"study_hash": "x"}', "\x00"])
def test_a_damaged_identity(tmp_path, content):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    (folder / "identity.json").write_text(content)
    with pytest.raises(UserError, match=r"identity.json is damaged"):
        claim(folder, Study(), **ABOUT)


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    folder = claim(tmp_path / "run", Study(), **ABOUT).folder
    left = [leave_unfinished(folder), leave_unfinished(folder / "readouts" / "logit_lens")]
    claim(folder, Study(), **ABOUT)
    assert not [path for path in left if path.exists()]


@pytest.mark.parametrize(
    ("model", "data", "name"),
    [
        ("bundled", "bundled", "bundled-bundled"),
        ("llava-hf/llava-1.5-7b-hf", "clevr:/data/CLEVR_v1.0:val", "llava-1.5-7b-hf-val"),
        ("/models/my model/", "clevr:.", "my_model-clevr"),
        ("..", "clevr:../..", "run-clevr"),
    ],
)
def test_the_default_folder_has_a_telling_name(tmp_path, monkeypatch, model, data, name):
    monkeypatch.chdir(tmp_path)
    run = claim(None, Study(model=model, data=data), **ABOUT)
    assert str(run.folder) == f"runs/{name}-{run.study_hash[:8]}"


def test_the_identity_says_what_the_run_is_made_from(tmp_path):
    run = claim(tmp_path / "run", Study(seed=3), **ABOUT)
    identity = json.loads((run.folder / "identity.json").read_text())
    assert identity["study_hash"] == run.study_hash
    assert {name: identity[name] for name in ABOUT} == ABOUT
    assert identity["plan"]["seed"] == 3


@pytest.mark.parametrize("found", [None, FORMAT - 1, FORMAT + 1])
def test_a_run_of_another_version_is_refused_with_the_reason(tmp_path, found):
    """Before its study file is read, which may hold options that are gone."""
    run = claim(tmp_path / "run", Study(), **ABOUT)
    file = run.folder / "identity.json"
    identity = unsealed(file) | {"format": found, "study_hash": "0" * 64}
    if found is None:
        del identity["format"]
    file.write_text(json.dumps(identity))
    before = files_of(run.folder)
    why = "this version judges methods against hallucination .* measure it anew"
    said = rf"another format \(.*, now {FORMAT}\): {why}"
    with pytest.raises(UserError, match=said):
        recorded_study(run.folder)
    with pytest.raises(UserError, match=said):
        claim(run.folder, Study(), **ABOUT)
    assert files_of(run.folder) == before
