"""Kills commands at random moments, runs them again, and compares every byte with a run that was
never disturbed.

    PYTHONPATH=. python tests/hostile/kills.py --times 200 --seed 0 --out runs/hostile/kills

The moments are spread over the whole of a command, imports included. Prints a line for each kill
and a table by command; ends with code 1 if a file differs or is left over. The references are kept
in the folder, so a killed run of this script goes on quickly.
"""

import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.small_run import (
    STEPS,
    Step,
    asked,
    contents,
    copied,
    differing,
    finish,
    prepare,
    start,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step with the folder before and after it, and its duration in seconds."""

    step: Step
    before: Path
    after: Path
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One kill, and what it left after the command was run again."""

    step: Step
    at: float
    """Share of the command's usual duration at which it was killed."""
    was_done: bool
    """Whether it had ended before."""
    differ: list[str]


def stages(out: Path, steps: Sequence[Step]) -> list[Stage]:
    """Runs all steps once, undisturbed, and keeps the folder as it is between them."""
    found = []
    for number, step in enumerate(steps):
        before, after = out / f"state-{number}", out / f"state-{number + 1}"
        timed = out / f"seconds-{number + 1}"
        if number == 0 and not (before / "clevr").exists():
            prepare(before)
        if not timed.exists():
            began = time.monotonic()
            finish(step, copied(before, out / "work"))
            seconds = time.monotonic() - began
            copied(out / "work", after)
            timed.write_text(str(seconds))
        found.append(Stage(step=step, before=before, after=after, seconds=float(timed.read_text())))
    return found


def kill(stage: Stage, work: Path, at: float) -> Killed:
    """Kills the step after a share `at` of its usual duration, runs it again, and compares."""
    process = start(stage.step, copied(stage.before, work))
    time.sleep(at * stage.seconds)
    was_done = process.poll() is not None
    if not was_done:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finish(stage.step, work)
    return Killed(
        step=stage.step, at=at, was_done=was_done,
        differ=differing(contents(work), contents(stage.after)),
    )  # fmt: skip


def table(killed: Sequence[Killed]) -> str:
    """A line for each command: kills, those that came too late, and those after which a file
    differed."""
    by_command = defaultdict(list)
    for each in killed:
        by_command[each.step.command].append(each)
    lines = [f"{'command':<24} kills  ended before  with other bytes"]
    for command, own in by_command.items():
        late, bad = sum(each.was_done for each in own), sum(bool(each.differ) for each in own)
        lines.append(f"{command:<24} {len(own):>5}  {late:>12}  {bad:>16}")
    bad = sum(bool(each.differ) for each in killed)
    lines.append(f"{len(killed)} kills, {bad} with other bytes or leftovers")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Kills as often as asked; gives the exit code."""
    given = asked(arguments, __doc__, times=200, out="runs/hostile/kills")
    killed, all_stages = [], stages(given.out, STEPS)
    for number in range(given.times):
        stage = all_stages[number % len(all_stages)]
        each = kill(stage, given.out / "work", float(given.rng.uniform()))
        killed.append(each)
        shown = ", ".join(each.differ) or "equal"
        print(f"{number + 1:>4} {each.step.command:<22} at {each.at:.2f}: {shown}", flush=True)
    print(table(killed))
    return int(any(each.differ for each in killed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
