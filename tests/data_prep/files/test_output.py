"""Where a command cannot write is said before it works."""

import os
from pathlib import Path

import pytest

from data_prep.errors import UserError
from data_prep.files.output import require_output_file, require_output_folder


def test_a_place_that_can_be_written_is_accepted_and_left_as_it_is(tmp_path):
    (tmp_path / "old.md").write_text("old")
    require_output_file(tmp_path / "old.md", "--out")
    require_output_file(tmp_path / "new.md", "--out")
    require_output_folder(tmp_path / "a" / ".." / "b", "--out")
    require_output_folder(tmp_path, "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["old.md"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "must be a file, got the folder"),
        ("none/new.md", "must lie in a folder that is there"),
        ("file/new.md", "must lie in a folder that is there"),
        ("pipe", "which is none: choose another"),
        ("/dev/null", "which is none: choose another"),
        ("x" * 300, "must be|cannot be written"),
    ],
)
def test_no_file_can_be_written_there(tmp_path, name, message):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    if len(name) == 300:
        name += "/new.md"
    with pytest.raises(UserError, match=message):
        require_output_file(tmp_path / name, "--out")


@pytest.mark.parametrize("name", ["file", "file/inside", "/dev/null"])
def test_no_folder_can_be_made_there(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--out must be a folder, got"):
        require_output_folder(tmp_path / name, "--out")


def test_a_folder_that_can_only_be_read_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda folder, how: False)
    for check, place in ((require_output_file, "new.md"), (require_output_folder, "a/b")):
        with pytest.raises(UserError, match=f"{tmp_path} can be read only: choose another place"):
            check(Path(tmp_path / place), "--out")
