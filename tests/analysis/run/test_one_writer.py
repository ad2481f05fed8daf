"""One command at a time writes a run; readers are not disturbed, and what is finished can lie where
nothing can be written."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.effects.found import Finding
from analysis.run.folder import Run, claim
from analysis.run.results import add_study, kept_or_measured, read_results
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.files import durable
from data_prep.files.lock import LOCK
from tests.analysis.conftest import files_of
from tests.analysis.planted_runs import rising, write_planted_run
from tests.data_prep.files.test_lock import other_at_work
from tests.sealed import leave_unfinished

ABOUT: dict[str, Any] = {"model_revision": "sha256:1", "data_fingerprint": "f" * 64}
AT_WORK = "another command is at work in"

KILLED = """
import os, pathlib, signal, sys
from analysis.run.folder import claim
from analysis.run.study import Study
real = os.fsync
def fsync(descriptor):
    real(descriptor)
    if sys.argv[2] in os.listdir(sys.argv[1]) or sys.argv[2] == "nothing":
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
claim(pathlib.Path(sys.argv[1]), Study(), model_revision="sha256:1", data_fingerprint="f" * 64)
"""


def begun(folder: Path) -> Run:
    return claim(folder, Study(), **ABOUT)


@pytest.fixture
def finished(tmp_path) -> Path:
    return write_planted_run(tmp_path / "run", rising(9, 0.5))


def reclaimed(folder: Path) -> Run:
    study = Study(n_resamples=800, model="planted/run")
    return claim(folder, study, model_revision="planted 0", data_fingerprint="a" * 64)


def without_lock(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files_of(folder).items() if name != LOCK}


def test_a_run_that_another_is_beginning_is_not_entered(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with other_at_work(folder):
        with pytest.raises(UserError, match=AT_WORK):
            begun(folder)
        (folder / "study.toml").write_text("half of another plan")
        with pytest.raises(UserError, match=AT_WORK):
            begun(folder)


def test_a_run_without_results_in_which_another_works_is_refused_at_once(tmp_path):
    folder = begun(tmp_path / "run").folder
    with other_at_work(folder), pytest.raises(UserError, match=AT_WORK):
        begun(folder)


def test_what_is_to_be_kept_is_refused_before_it_is_measured(finished):
    run = reclaimed(finished)
    before = without_lock(finished)
    with other_at_work(finished):
        with pytest.raises(UserError, match=AT_WORK):
            run.replace_rows("scores", pd.DataFrame({"attribute": ["x"]}), key=["attribute"])
        with pytest.raises(UserError, match=AT_WORK):
            add_study(run, "said", {"a": 1}, {})
        with pytest.raises(UserError, match=AT_WORK):
            kept_or_measured(
                run, "said", "color", Finding, same=lambda _: False,
                measure=lambda: pytest.fail("worked"), about={},
            )  # fmt: skip
    assert without_lock(finished) == before


def test_readers_and_what_is_finished_are_not_disturbed(finished):
    with other_at_work(finished):
        run = reclaimed(finished)
        results = read_results(run)
        assert results is not None
        assert run.read_table("scores") is not None


def test_the_same_results_are_not_written_again_elsewhere_or_later(finished):
    run = reclaimed(finished)
    about = {"model": "m", "model_revision": "planted 0", "data": "d", "data_fingerprint": "a" * 64}
    add_study(run, "own", {"a": [1, 2]}, about)
    before = without_lock(finished)
    del run
    with other_at_work(finished):
        add_study(reclaimed(finished), "own", {"a": (1, 2)}, about | {"model": "moved"})
    assert without_lock(finished) == before


def test_a_finished_run_is_read_where_nothing_can_be_written(finished, monkeypatch):
    leave_unfinished(finished)
    real = os.open

    def read_only(path, flags, *rest, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real(path, flags, *rest, **named)

    def fail(*_args, **_named):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("unlink", "replace", "rename", "mkdir"):
        monkeypatch.setattr(os, name, fail)
    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setattr(durable, "open", fail, raising=False)
    run = reclaimed(finished)
    assert read_results(run) is not None
    assert run.read_table("effects") is not None
    with pytest.raises(UserError, match=r"cannot write into .*: Read-only file system"):
        add_study(run, "own", {"a": 1}, {})


@pytest.mark.parametrize("when", ["nothing", "study.toml"])
def test_a_run_whose_beginning_was_killed_can_begin_again(tmp_path, when):
    folder = tmp_path / "run"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder), when])
    assert ended.returncode == -signal.SIGKILL
    assert (folder / LOCK).exists()
    assert not (folder / "identity.json").exists()
    run = begun(folder)
    assert sorted(files_of(folder)) == [LOCK, "identity.json", "study.toml"]
    del run
    assert sorted(files_of(folder)) == ["identity.json", "study.toml"]
