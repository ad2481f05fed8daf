"""The exception for mistakes of the user, and how a command ends when one is raised."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """Raised when the user's input is at fault, not the program.

    A command prints the message as one line and ends with exit code 2, without a traceback. The
    message names what is wrong, the rule, the value and the remedy. Line breaks that came in with a
    value (a file name may hold one) become spaces, so that the message is always one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Context manager around a command: a UserError inside is printed as one line on stderr, and
    the process ends with exit code 2 and no traceback."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted: what is finished is kept, run again to go on", file=sys.stderr)
        raise SystemExit(130) from None
