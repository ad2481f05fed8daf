"""However a command ends: one line, the right code, and a traceback only for a fault of ours."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.errors import UserError, one_line_errors
from tests.commands import hears_ctrl_c

ROOT = Path(__file__).parents[2]
BEGIN = "from data_prep.errors import UserError, one_line_errors\nwith one_line_errors():\n    "


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


class SafetensorError(Exception):
    """Named as that of safetensors."""


def ended(command: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the lines of a command, with what a shell adds to it."""
    line = f'"$0" -c "$1" {shell}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, sys.executable, BEGIN + command], cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [MemoryError(), OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has"),
     RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
     RuntimeError("unable to mmap 99 bytes from file <w>: Cannot allocate memory (12)"),
     RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
     RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
     SafetensorError('Os { code: 12, kind: OutOfMemory, message: "Cannot allocate memory" }'),
     OSError(12, "Cannot allocate memory"), OSError("Cannot allocate memory (os error 12)")],
)  # fmt: skip
def test_a_lack_of_memory_ends_in_one_line(error, capsys):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith("error: memory is not enough")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [ValueError("out of memory"), OSError(5, "out of memory"), RuntimeError("x"), KeyError()],
)
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as raised, one_line_errors():
        raise error
    assert raised.value is error


@pytest.mark.parametrize("code", [0, 1, None, 2])
def test_an_exit_keeps_its_code(code):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise SystemExit(code)
    assert end.value.code == code


def test_a_message_is_one_harmless_line(capsys):
    with pytest.raises(SystemExit), one_line_errors():
        raise UserError("no file 'a\nb\x1b[2J\u202e': name another")
    assert capsys.readouterr().err == "error: no file 'a b\\x1b[2J\\u202e': name another\n"


def test_a_pipe_that_nobody_reads_ends_nothing(tmp_path):
    done = tmp_path / "done"
    command = f"print('a' * 100_000)\n    open({str(done)!r}, 'w').close()"
    found = ended(command, "| true")
    assert (found.returncode, found.stderr) == (141, "")
    assert done.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has such a device")
def test_a_full_device_is_said_at_the_end(tmp_path):
    done = tmp_path / "done"
    found = ended(f"print('a')\n    open({str(done)!r}, 'w').close()", ">/dev/full")
    assert found.returncode == 2
    assert found.stderr.startswith("error: cannot print to standard output (")
    assert found.stderr.count("\n") == 1
    assert done.exists()


def test_closed_streams():
    assert ended("print('a')", ">&-").returncode == 2
    assert ended("pass", ">&-").returncode == 0
    refused = ended("raise UserError('a')", "2>&-")
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.parametrize("shell", ["2>/dev/full", "2>&1 | true"])
def test_an_error_that_cannot_be_shown_keeps_its_code(shell):
    assert ended("raise UserError('a')", shell).returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_any_encoding_of_the_terminal(encoding, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    found = ended("print('\\u03bb \\u4e2d \\u2264')")
    assert (found.returncode, found.stdout) == (0, "\\u03bb \\u4e2d <=\n")


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "term")]
)
def test_a_signal_ends_in_one_line_after_tidying_up(number, code, word):
    waiting = "import time\n    try:\n        print('in', flush=True); time.sleep(60)\n"
    tidy = f"{BEGIN}{waiting}    finally:\n        print('tidied')"
    with subprocess.Popen(
        [sys.executable, "-c", tidy], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=hears_ctrl_c,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "tidied\n")
    assert err.startswith(word)
    assert err.count("\n") == 1


@pytest.mark.parametrize("kind", ["RuntimeError", "UserError"])
@pytest.mark.parametrize("link", [" from stop", ""])
def test_a_signal_that_a_library_makes_an_error_of_its_own(kind, link):
    """Dr.Jit does so with whatever is raised within a call of it."""
    run = ended(
        "import os, signal\n    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        f"    except BaseException as stop:\n        raise {kind}('in a call'){link}"
    )
    assert (run.returncode, run.stdout) == (143, "")
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("terminated: ")


def test_handlers_are_given_back():
    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(number) for number in numbers]
    with one_line_errors():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with one_line_errors():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGINT, before)
