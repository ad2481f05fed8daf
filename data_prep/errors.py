"""The exception for mistakes of the user, and how a command ends: in one line, whatever ends it."""

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from data_prep.terminal.signals import Stopped, exit_code, raising_when_stopped, stopped_line
from data_prep.terminal.streams import Stream, harmless_streams
from data_prep.terminal.visible import visible

# Errors of PyTorch and safetensors by their names and words, since nothing here imports these.
_OUT_OF_MEMORY = "OutOfMemoryError"
_SPEAKERS = ("RuntimeError", "AcceleratorError", "SafetensorError", "OSError")
_SAYS_NO_MEMORY = (
    "out of memory", "outofmemory", "can't allocate memory", "cannot allocate memory",
    "not enough memory", "alloc_failed", "memory allocation",
)  # fmt: skip


class UserError(ValueError):
    """Raised when the user's input is at fault, not the program.

    A command prints the message as one line and ends with exit code 2, without a traceback. The
    message names what is wrong, the rule, the value and the remedy. Line breaks that came in with a
    value (a file name may hold one) become spaces, so that the message is always one line, and
    control characters are written out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(" ".join(message.splitlines())))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Context manager around a command, which decides how it ends.

    A UserError inside is printed as one line on stderr, and the process ends with exit code 2 and
    no traceback; so does a lack of memory. Ctrl-C and SIGTERM end it in one line with the codes 130
    and 143. What is printed inside cannot steer a terminal, and is never worth more than the files
    that a command writes: if it cannot be written, the command goes on, and ends with code 2; if
    it was no longer wanted, as by `| head -1`, with code 141 and without a word. Any other
    exception is a fault of the program, and keeps its traceback.
    """
    with harmless_streams() as streams:
        try:
            with raising_when_stopped():
                yield
        except SystemExit as end:
            if not end.code:
                _require_printed(streams.out)
            raise
        except KeyboardInterrupt as error:
            raise _stopped(error) from None
        except Exception as error:
            if (stop := _stop_behind(error)) is not None:
                raise _stopped(stop) from None
            if isinstance(error, UserError):
                raise _ended(f"error: {error}", 2) from None
            if not lacks_memory(error):
                raise
            raise _ended(f"error: {_memory_line(error)}", 2) from None
        _require_printed(streams.out)


def _stopped(error: KeyboardInterrupt) -> SystemExit:
    number = error.number if isinstance(error, Stopped) else signal.SIGINT
    return _ended(stopped_line(number), exit_code(number))


def _stop_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The stop that a library turned into an error of its own, as Dr.Jit does within a call."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _ended(line: str, code: int) -> SystemExit:
    print(line, file=sys.stderr)
    return SystemExit(code)


def _require_printed(out: Stream) -> None:
    """SystemExit if something that the command printed could not be written."""
    out.flush()
    if out.failure is None:
        return
    if isinstance(out.failure, BrokenPipeError):
        raise SystemExit(exit_code(signal.SIGPIPE))
    raise _ended(
        f"error: cannot print to standard output ({out.failure.strerror}), files are written "
        "all the same: send it to where there is room, or run again to print it",
        2,
    )


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that memory is not enough: Python's, the system's, PyTorch's on any
    device, or that of a file of weights which cannot be mapped.

    >>> lacks_memory(MemoryError()), lacks_memory(RuntimeError("CUDA error: out of memory"))
    (True, True)
    >>> lacks_memory(RuntimeError("shapes do not match"))
    False
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY in names:
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return not names.isdisjoint(_SPEAKERS) and any(each in text for each in _SAYS_NO_MEMORY)


def _memory_line(error: BaseException) -> str:
    told = visible(str(error).strip().partition("\n")[0].partition(". ")[0])
    why = f" ({told})" if told else ""
    return (
        f"memory is not enough{why}: choose a smaller --batch-size or fewer scenes, or a machine "
        "or device with more of it"
    )
