"""Runs every study of the report on the bundled model, side by side, and builds the report.

    python -m paper.stages --run runs/report-run --out runs/report

Says first what it will do and how long that takes, shows the first result as soon as it is there,
then what each study prints, and at the end a table of what each took. A killed one goes on where it
stopped: what is finished is not made again.
"""

import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated

import psutil

from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.lock import lock_of
from data_prep.files.unfinished import temporary_folder
from data_prep.option_rules import MOST_THREADS, Within, require_rules
from paper.stages.course import Course
from paper.stages.forks import Ended, begin, end_all, wait_for_one
from paper.stages.stage import Stage, report_stages, require_possible
from paper.stages.texts import duration, forecast, progress_line, stage_table

_COMMAND = "python -m paper.stages"
# What a study of the bundled model takes beside the libraries, which all share.
_BYTES_EACH = 1.5 * 2**30
_THREADS = "OMP_NUM_THREADS"
_SHARED = (
    "analysis.absence", "analysis.capture", "analysis.effects", "analysis.readouts", "paper",
    "paper.sections", "probes", "probes.answers", "probes.linear_probe", "probes.loading",
    "probes.residuals", "probes.translators", "stats",
)  # fmt: skip
"""Packages that studies import on the way."""
_BUNDLED_MODEL = tuple(
    f"transformers.models.{name}.modeling_{name}" for name in ("clip", "llama", "llava")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Run every study of the report side by side, and build the report."""

    run: Path = Path("runs/report-run")
    """Folder of the run; new, or begun before with the same command."""
    out: Path = Path("runs/report")
    """Folder of the report."""
    workers: Annotated[int | None, Within(1, MOST_THREADS)] = None
    """Studies at work at once; by default as many as there are cores, and memory for them."""
    tex: str = ""
    """Command that installs TeX while the studies work; without one, what is there is used."""

    def __post_init__(self) -> None:
        require_rules(self, typed=True)


def main(config: Stages) -> int:
    """Runs what is not finished; gives the exit code."""
    began = time.monotonic()
    stages = report_stages(config.run, config.out, shlex.split(config.tex))
    require_possible(stages)
    workers = config.workers or workers_here()
    course = Course.of(stages)
    print(forecast(stages, workers, course.seconds(workers)), flush=True)
    _import_all(stages)
    imports = time.monotonic() - began
    with _run_of_its_own(config.run), temporary_folder() as shown:
        ended = side_by_side(course, workers, shown, began)
    print(stage_table(ended, began, imports, time.monotonic() - began))
    return next((each.code for each in ended if each.code), 0)


def workers_here() -> int:
    """As many processes as this process may use cores, and as there is memory for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    room = int(psutil.virtual_memory().available / _BYTES_EACH)
    return max(1, min(cores or 1, room))


def side_by_side(course: Course, workers: int, shown: Path, began: float) -> list[Ended]:
    """Runs stages as soon as those that they need have ended, at most `workers` at once, and prints
    what they printed. After one has failed no other begins; those at work are waited for."""
    running, ended = [], []
    try:
        while True:
            failed = any(each.code for each in ended)
            done = [each.stage.name for each in ended]
            begun = [*done, *(each.stage.name for each in running)]
            while not failed and len(running) < workers:
                if (stage := course.next(begun, done)) is None:
                    break
                running.append(begin(stage, shown))
                begun.append(stage.name)
            if not running:
                return ended
            ended.append(wait_for_one(running))
            now = time.monotonic()
            taken = dict.fromkeys(done, 0.0) | {ended[-1].stage.name: 0.0}
            taken |= {each.stage.name: max(1.0, each.stage.usual_seconds - (now - each.began))
                      for each in running}  # fmt: skip
            left = 0.0 if ended[-1].code else course.seconds(workers, taken)
            _tell(ended, course, now - began, left)
    except BaseException:
        end_all(running)
        raise


def _tell(ended: Sequence[Ended], course: Course, since: float, left: float) -> None:
    last = ended[-1]
    print(progress_line(last, len(ended), len(course.stages), since, left))
    if last.code:
        print(last.out, end="")
        print(last.err, end="", file=sys.stderr, flush=True)
        print(f"{last.stage.typed} failed: mend that, and type this again to go on", flush=True)
        return
    # An installer's output is of interest only if it fails.
    print("" if last.stage.is_program else f"{last.out}{_notes(last.err)}", flush=True)
    if last.stage.name == course.first:
        print(f"That was the first result, after {duration(since)}.\n", flush=True)


def _notes(err: str) -> str:
    """What a command had to say beside its results; not how far it was."""
    return "".join(f"{line}\n" for line in err.splitlines() if line.startswith("note: "))


def _import_all(stages: Sequence[Stage]) -> None:
    """Imports what the stages will, once for all of them: a study imports most of it only when it
    has something to measure."""
    named = dict.fromkeys(each.words[0] for each in stages if not each.is_program)
    packages = [*(name for name in named if name.startswith("analysis.")), *_SHARED]
    for package in packages:
        for module in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    for name in _BUNDLED_MODEL:
        import_module(name)


@contextmanager
def _run_of_its_own(folder: Path) -> Iterator[None]:
    """Keeps other commands out of the run; the copies of this process share it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make {folder} ({error.strerror}): choose another folder with --run"
        ) from error
    lock = lock_of(folder)
    with lock.shared_with_children():
        yield


if __name__ == "__main__":
    os.environ.setdefault(_THREADS, "1")
    with one_line_errors():
        raise SystemExit(main(from_command_line(Stages, command=_COMMAND, arguments=sys.argv[1:])))
