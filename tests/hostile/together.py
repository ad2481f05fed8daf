"""Runs two commands on one run folder at the same time: one works, the other works or says so.

    PYTHONPATH=. python tests/hostile/together.py --times 50 --seed 0 --out runs/hostile/together

The second starts at a random moment of the first. Whatever happens, the files at the end, after
both were run once more, are those of the two commands one after the other.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.hostile.small_run import (
    RUN,
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

_BEGIN = STEPS[0].words[3:-5]
FIRST = Step(words=("analysis.emergence", "--run", RUN, *_BEGIN, "--attr", "color"))
OTHERS = (
    FIRST,
    Step(words=("analysis.emergence", "--run", RUN, *_BEGIN, "--attr", "shape")),
    Step(words=("analysis.probes", "--run", RUN, *_BEGIN, "--attr", "color")),
)
AT_WORK = "another command is at work"


def ended(first: Step, second: Step, folder: Path, wait: float) -> list[str]:
    """How both commands ended: "worked", "said so", or what they wrote instead."""
    processes = [start(first, folder)]
    time.sleep(wait)
    processes.append(start(second, folder))
    found = []
    for process in processes:
        _, complaint = process.communicate()
        if process.returncode == 0:
            found.append("worked")
        elif process.returncode == 2 and AT_WORK in complaint and complaint.count("\n") == 1:
            found.append("said so")
        else:
            found.append(f"code {process.returncode}: {complaint[-300:]}")
    return found


def reference(out: Path, second: Step) -> dict[str, bytes]:
    """The files after the two commands one after the other."""
    folder = prepare(out / "reference") if not (out / "reference").exists() else out / "reference"
    work = copied(folder, out / "work")
    finish(FIRST, work)
    finish(second, work)
    return contents(work)


def main(arguments: Sequence[str]) -> int:
    """Runs as many pairs as asked; gives the exit code."""
    given = asked(arguments, __doc__, times=50, out="runs/hostile/together")
    out = given.out
    wanted = [reference(out, second) for second in OTHERS]
    began = time.monotonic()
    finish(FIRST, copied(out / "reference", out / "work"))
    usual = time.monotonic() - began
    counted, bad = Counter(), 0
    for number in range(given.times):
        second = OTHERS[number % len(OTHERS)]
        work = copied(out / "reference", out / "work")
        how = ended(FIRST, second, work, float(given.rng.uniform(0, 0.9)) * usual)
        finish(FIRST, work)
        finish(second, work)
        differ = differing(contents(work), wanted[number % len(OTHERS)])
        good = set(how) <= {"worked", "said so"} and "worked" in how and not differ
        bad += not good
        counted[" and ".join(how)] += 1
        print(f"{number + 1:>3} {second.command:<20} {how} {differ or 'equal'}", flush=True)
    for how, number in counted.most_common():
        print(f"{number:>4}  {how}")
    print(f"{given.times} pairs, {bad} ended otherwise or with other bytes")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
