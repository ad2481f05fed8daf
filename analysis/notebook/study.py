"""Makes the function `run` of a study out of its command.

    from analysis.emergence import run

    result = run(attr="color", model="bundled", scenes=300)
    result.table
    result.draw()

The options are those of the command, with the same defaults and rules. A study file and a run are
taken as the start just as there. What is written is what the command writes, so that a notebook and
a terminal go on with each other's runs.
"""

import traceback
from collections.abc import Callable
from dataclasses import replace
from inspect import Signature, getdoc
from typing import Any, TypeVar

from analysis.commands.options import RunOptions, parse_options
from analysis.notebook.result import Found, Say, StudyResult
from analysis.notebook.typed_words import command_words, option_parameters
from data_prep.command_line import from_command_line
from data_prep.errors import UserError
from data_prep.terminal.progress import is_quiet, show_progress

Options = TypeVar("Options")
_QUIET = "quiet"


def study_function(
    kind: type[Options], main: Callable[[Options, Say], StudyResult[Found]], *, command: str
) -> Callable[..., StudyResult[Found]]:
    """The study as a function: the fields of `kind` are its keyword arguments, and it gives back
    what `main` found, with all that it said as text.

    Nothing is printed. With `quiet=False` long work shows how far it has come.
    """

    def run(**options: Any) -> StudyResult[Found]:
        lines: list[str] = []
        before = is_quiet()
        show_progress(quiet=True)  # a command that has an option for it sets it anew
        try:
            found = main(_parsed(kind, command, options), lines.append)
        except (UserError, KeyboardInterrupt) as error:
            # Notebooks keep the last error, and with it what was open when it was raised: the run
            # would stay closed to other commands.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            show_progress(quiet=before)
        return replace(found, text="\n".join(lines))

    run.__doc__ = (
        f"{getdoc(kind)}\n\nThe options are those of the command: {command} --help explains them. "
        "UserError, in one line,\nfor what the command refuses. Nothing is printed; quiet=False "
        "shows how far long work has come."
    )
    parameters = [
        each.replace(default=True) if each.name == _QUIET else each
        for each in option_parameters(kind)
    ]
    run.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return run


def _parsed(kind: type[Options], command: str, options: dict[str, Any]) -> Options:
    quiet = {_QUIET: True} if any(each.name == _QUIET for each in option_parameters(kind)) else {}
    words = command_words(kind, {**quiet, **options})
    if issubclass(kind, RunOptions):
        return parse_options(kind, command=command, arguments=words)
    return from_command_line(kind, command=command, arguments=words)
