"""Each ending of a flip is called by its name, the one that must not be among them."""

import importlib

import pytest

from tests.hostile.flips import Flip, flip, table, usual_run
from tests.hostile.small_run import Step, copied

# What it does to its files: believes one, checks one, makes one anew, and looks at one not at all.
READER = """
import sys
from pathlib import Path
print(Path("run/believed").read_bytes()[0])
Path("run/made").write_bytes(b"whole")
if Path("run/checked").read_bytes() != b"whole":
    print("error: run/checked is damaged: delete it", file=sys.stderr)
    sys.exit(2)
"""
STEP = Step(words=("a_reader_of_files",))


@pytest.fixture
def good(tmp_path, monkeypatch):
    (tmp_path / f"{STEP.words[0]}.py").write_text(READER)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "good"
    (folder / "run").mkdir(parents=True)
    for name in ("believed", "checked", "made", "unread"):
        (folder / "run" / name).write_bytes(b"whole")
    return folder


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("checked", "found"),
        ("made", "made anew"),
        ("unread", "without effect"),
        ("believed", "missed"),
    ],
)
def test_an_ending_is_called_by_its_name(name, outcome, good, tmp_path):
    usual = [usual_run(STEP, copied(good, tmp_path / "work"))]
    found = flip(good, tmp_path / "work", f"run/{name}", 3, usual, [STEP])
    assert found.outcome == outcome


def test_what_a_step_touches_is_seen_and_no_more_is_run(good, tmp_path, monkeypatch):
    usual = [usual_run(STEP, copied(good, tmp_path / "work"))]
    assert usual[0].touched == {"run/believed", "run/checked", "run/made"}

    def never(*_):
        raise AssertionError("a step was run that touches nothing")

    monkeypatch.setattr("tests.hostile.flips.run_forked", never)
    assert flip(good, tmp_path / "work", "run/unread", 3, usual, [STEP]).outcome == "without effect"


def test_a_mapped_file_is_seen_as_read(good, tmp_path, monkeypatch):
    text = """
import mmap
with open("run/unread", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
    mapped[0]
"""
    (tmp_path / "a_mapper_of_files.py").write_text(text)
    step = Step(words=("a_mapper_of_files",))
    assert usual_run(step, copied(good, tmp_path / "work")).touched == {"run/unread"}


def test_once_something_else_is_written_the_steps_that_follow_are_run(good, tmp_path):
    spreads = """
from pathlib import Path
Path("run/made").write_bytes(Path("run/unread").read_bytes())
"""
    (tmp_path / "a_writer_of_files.py").write_text(spreads)
    shows = 'print(open("run/made", "rb").read()[0])'
    (tmp_path / "a_shower_of_files.py").write_text(shows)
    steps = [Step(words=("a_writer_of_files",)), Step(words=("a_shower_of_files",))]
    work = copied(good, tmp_path / "work")
    usual = [usual_run(step, work) for step in steps]
    found = flip(good, tmp_path / "work", "run/unread", 3, usual, steps)
    assert found.outcome == "missed"
    assert found.said.split() == ["run/made", "run/unread"]


def test_a_command_that_is_imported_already_prints_what_it_prints_alone(good, tmp_path):
    (tmp_path / "a_package_of_ours").mkdir()
    for name in ("a_package_of_ours/__init__", "a_package_of_ours/__main__", "a_module_of_ours"):
        (tmp_path / f"{name}.py").write_text("print('it')")
    importlib.import_module("a_package_of_ours.__main__")
    importlib.import_module("a_module_of_ours")
    for name in ("a_package_of_ours", "a_module_of_ours"):
        ended = usual_run(Step(words=(name,)), copied(good, tmp_path / "work")).ended
        assert (ended.code, ended.out, ended.err) == (0, "it\n", "")


def test_the_table_counts_them():
    flips = [Flip(file="run/a.json", bit=0, outcome=each, said="") for each in ("found", "missed")]
    assert table(flips).splitlines()[-1].split() == ["all", "1", "0", "0", "1"]
