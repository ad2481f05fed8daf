"""What a command settles before it imports anything: matplotlib as it is shipped, and its end."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import hears_ctrl_c

ROOT = Path(__file__).parents[2]
# While Python looks for the module of `python -m`, its arguments begin so.
COMMAND = "import sys; sys.argv = ['-m']; import {package}; sys.argv = ['x']; "
SHOWN = "import matplotlib as m; print(m.rcParams['backend'], m.rcParams['lines.linewidth'])"
BROKEN = b"lines.linewidth: 9\nno.such.key: 1\naxes.facecolor: \xff\xfe\n"


def started(code: str, folder: Path, package: str = "analysis", **environment: str):
    return subprocess.run(
        [sys.executable, "-c", COMMAND.format(package=package) + code], cwd=folder,
        env={"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=hears_ctrl_c,
    )  # fmt: skip


@pytest.mark.parametrize("package", ["analysis", "paper"])
def test_a_backend_of_a_notebook_is_not_loaded(package, tmp_path):
    found = started(SHOWN, tmp_path, package, MPLBACKEND="module://no_such.backend")
    assert (found.stdout, found.stderr) == ("agg 1.5\n", "")


@pytest.mark.parametrize("where", ["matplotlibrc", ".config/matplotlib/matplotlibrc", "set"])
def test_settings_of_the_user_are_not_read(where, tmp_path):
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(BROKEN)
    more = {"MATPLOTLIBRC": str(file)} if where == "set" else {}
    found = started(f"{SHOWN}; import os; print(os.getcwd())", tmp_path, **more)
    assert (found.stdout, found.stderr) == (f"agg 1.5\n{tmp_path}\n", "")


def test_a_folder_for_settings_that_cannot_be_written_to_makes_no_noise(tmp_path):
    (tmp_path / "file").touch()
    code = f"{SHOWN}; import matplotlib.font_manager"
    found = started(code, tmp_path, MPLCONFIGDIR=str(tmp_path / "file" / "folder"))
    assert (found.stdout, found.stderr) == ("agg 1.5\n", "")


def test_a_notebook_keeps_what_it_has_set(tmp_path):
    code = "import os, signal; print(os.environ['MPLBACKEND'], signal.getsignal(signal.SIGTERM))"
    found = subprocess.run(
        [sys.executable, "-c", f"import analysis; {code}"], cwd=tmp_path, text=True, timeout=60,
        env={"PYTHONPATH": str(ROOT), "MPLBACKEND": "svg"}, capture_output=True, check=True,
    )  # fmt: skip
    assert found.stdout == f"svg {signal.SIG_DFL}\n"


@pytest.mark.parametrize(
    ("name", "line"), [("SIGINT", (130, "interrupted")), ("SIGTERM", (143, "terminated"))]
)
def test_a_signal_while_it_imports_ends_it_in_one_line(name, line, tmp_path):
    found = started(f"import os, signal; os.kill(os.getpid(), signal.{name})", tmp_path)
    assert (found.returncode, found.stderr.split(":")[0]) == line
    assert found.stderr.count("\n") == 1


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    code = COMMAND.format(package="analysis") + "sys.stderr.write(str(open('f', 'w').fileno()))"
    found = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" >&- <&-', sys.executable, code], cwd=tmp_path, text=True,
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert int(found.stderr) > 2
