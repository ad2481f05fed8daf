"""Each ending of a flip is called by its name, the one that must not be among them."""

import pytest

from tests.hostile.flips import Flip, flip, run_forked, table
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
    usual = [run_forked(STEP, copied(good, tmp_path / "work"))]
    found = flip(good, tmp_path / "work", f"run/{name}", 3, usual, [STEP])
    assert found.outcome == outcome


def test_the_table_counts_them():
    flips = [Flip(file="run/a.json", bit=0, outcome=each, said="") for each in ("found", "missed")]
    assert table(flips).splitlines()[-1].split() == ["all", "1", "0", "0", "1"]
