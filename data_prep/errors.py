"""The one exception that stands for a mistake of the user's, and how a command ends on it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """The user's input is at fault, not the program.

    A command prints it as one line and ends with exit code 2, without a traceback. The message
    names what is wrong, the rule, the value and the remedy; line breaks that came in with a
    value (a file name may hold one) are made spaces, so that it is one line whatever happens.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Around a command: a user's mistake is one line on stderr and exit code 2, no traceback."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted: what is finished is kept, run again to go on", file=sys.stderr)
        raise SystemExit(130) from None
