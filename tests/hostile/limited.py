"""Calls in a child process that may take neither more memory nor more time than allowed."""

import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data_prep.errors import UserError

How = Literal["accepted", "refused", "traceback", "memory", "time", "died"]
_CODES: dict[How, int] = {"accepted": 0, "refused": 2, "traceback": 1, "memory": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended."""

    how: How
    said: str
    """The message of a refusal, or the traceback."""
    peak_bytes: int
    """The largest memory of the process, with what its parent had loaded."""

    @property
    def is_tidy(self) -> bool:
        """Whether the input was taken, or refused in one line."""
        return self.how == "accepted" or (self.how == "refused" and "\n" not in self.said)


def fork() -> int:
    """os.fork, without its warning of threads that the child lacks: libraries keep some that wait
    for work, and the child uses none of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def limited(call: Callable[[], Any], *, seconds: int = 10, more_bytes: int = 2 * 2**30) -> Ended:
    """Calls in a forked child with at most `seconds` of processor time and `more_bytes` above what
    this process takes. What the call prints is thrown away."""
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        _call_and_exit(call, writing, seconds, more_bytes)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, used = os.wait4(child, 0)
    by_code: dict[int, How] = {code: how for how, code in _CODES.items()}
    how: How
    if os.WIFEXITED(status):
        how = by_code.get(os.WEXITSTATUS(status), "died")
    else:
        how = "time" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM) else "died"
    return Ended(how=how, said=said, peak_bytes=used.ru_maxrss * 1024)


def _call_and_exit(call: Callable[[], Any], writing: int, seconds: int, more_bytes: int) -> None:
    """In the child; never returns, so that nothing of the parent's is ended twice."""
    code, said = 1, ""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + more_bytes, now + more_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        # Waiting is a fault, too; the machine may be busy, so it is given longer.
        signal.alarm(12 * seconds)
        call()
        code = _CODES["accepted"]
    except UserError as error:
        code, said = _CODES["refused"], str(error)
    except MemoryError:
        code, said = _CODES["memory"], traceback.format_exc()
    except BaseException:  # whatever it is, the parent has to hear of it
        said = traceback.format_exc()
    finally:
        os.write(writing, said[-4000:].encode(errors="replace"))
        os._exit(code)
