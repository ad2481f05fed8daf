"""Flips single bits in the files of a finished run, and runs every command on it again.

    PYTHONPATH=. python tests/hostile/flips.py --times 300 --seed 0 --out runs/hostile/kills

Uses the finished run that kills.py makes (and makes it if there is none). A flip is *found* if a
command is refused in a line that names the file; *made anew* if afterwards the file is as before;
*without effect* if all commands print and write what they did, byte for byte, though the file is
still changed. Everything else is *missed*, and ends this with code 1. A command that does not touch
the file on the finished run, by the file system's own times, cannot end otherwise, and is not run.
"""

import os
import runpy
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np

from tests.hostile.kills import stages
from tests.hostile.limited import fork
from tests.hostile.small_run import (
    OTHER_RUNS,
    REPORT,
    RUN,
    STEPS,
    Step,
    asked,
    contents,
    copied,
    differing,
)

Outcome = Literal["found", "made anew", "without effect", "missed"]
FOLDERS = (RUN, *OTHER_RUNS, "compared", "pooled", REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a step ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What a step does on the finished run."""

    ended: Ended
    touched: frozenset[str]
    """The files that it reads or writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One flipped bit, and what became of it."""

    file: str
    bit: int
    outcome: Outcome
    said: str
    """The line that names the file, or what went wrong."""


def run_forked(step: Step, folder: Path) -> Ended:
    """Runs a step in a fork of this process, which has imported the libraries already."""
    shown = folder.parent / "shown"
    shown.mkdir(exist_ok=True)
    child = fork()
    if child == 0:
        _run_and_exit(step, folder, shown)
    _, status = os.waitpid(child, 0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
    out, err = ((shown / name).read_text(errors="replace") for name in ("out", "err"))
    return Ended(code=code, out=out, err=err)


def _run_and_exit(step: Step, folder: Path, shown: Path) -> None:
    code = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(shown / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
        os.chdir(folder)
        sys.argv = [step.words[0], *step.words[1:]]
        # What the parent has imported already runpy would run with a warning of three lines.
        for name in (step.words[0], f"{step.words[0]}.__main__"):
            if not hasattr(sys.modules.get(name), "__path__"):
                sys.modules.pop(name, None)
        runpy.run_module(step.words[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def usual_run(step: Step, folder: Path) -> Usual:
    """Runs a step, and sees by the files' times which of them it reads, by whatever library.

    RuntimeError on a file system that keeps no times of access.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:  # older than the last write, so that the next read is kept
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
    before = {path: _times(path) for path in files}
    ended = run_forked(step, folder)
    touched = [path for path in files if not path.exists() or _times(path) != before[path]]
    _require_times(folder)
    names = frozenset(path.relative_to(folder).as_posix() for path in touched)
    return Usual(ended=ended, touched=names)


def _times(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_atime_ns


def _require_times(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder) as made:
        made.write(b"it")
        made.flush()
        os.utime(made.name, ns=(0, Path(made.name).stat().st_mtime_ns))
        Path(made.name).read_bytes()
        if not Path(made.name).stat().st_atime_ns:
            raise RuntimeError(f"{folder} keeps no times of access: choose a folder that does")


def flip(
    good: Path,
    work: Path,
    file: str,
    bit: int,
    usual: Sequence[Usual],
    steps: Sequence[Step] = STEPS,
) -> Flip:
    """Flips one bit of a file in a copy of the finished run, and runs the steps that touch it until
    one finds it; all that follow, too, once one has written something else."""
    reference = contents(good)
    path = copied(good, work) / file
    content, written = bytearray(path.read_bytes()), path.stat()
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    flipped = reference | {file: bytes(content)}
    others = []
    spread = False
    for step, known in zip(steps, usual, strict=True):
        if not spread and file not in known.touched:
            continue
        ended, before = run_forked(step, work), known.ended
        if ended.code == 2 and ended.err.count("\n") == 1 and path.name in ended.err:
            return Flip(file=file, bit=bit, outcome="found", said=ended.err.strip())
        if ended.code:
            said = f"{step.command}, code {ended.code}: {ended.err[-300:].strip()}"
            return Flip(file=file, bit=bit, outcome="missed", said=said)
        others += [step.command] if ended != before else []
        now = contents(work)
        if not differing(now, reference):  # then what is printed otherwise says that it was made
            return Flip(file=file, bit=bit, outcome="made anew", said="")
        spread = spread or bool(differing(now, flipped))
    differ = differing(contents(work), reference)
    outcome: Outcome = "without effect" if differ == [file] and not others else "missed"
    return Flip(file=file, bit=bit, outcome=outcome, said=" ".join([*others, *differ]))


def places(good: Path, number: int, rng: np.random.Generator) -> list[tuple[str, int]]:
    """Files and bits: every file at least once where `number` allows it, then any."""
    files = [name for name, content in contents(good).items()
             if content and name.split("/")[0] in FOLDERS]  # fmt: skip
    order = rng.permutation(len(files)).tolist()
    chosen = [files[order[each % len(files)]] for each in range(number)]
    sizes = {name: (good / name).stat().st_size for name in files}
    return [(name, int(rng.integers(8 * sizes[name]))) for name in chosen]


def table(flips: Sequence[Flip]) -> str:
    """A line for each kind of file: how its flips ended."""
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for each in flips:
        by_kind[Path(each.file).suffix or Path(each.file).name][each.outcome] += 1
    names: tuple[Outcome, ...] = ("found", "made anew", "without effect", "missed")
    lines = [f"{'files':<14} {'  '.join(f'{name:>14}' for name in names)}"]
    for kind, counted in sorted(by_kind.items()):
        lines.append(f"{kind:<14} {'  '.join(f'{counted[name]:>14}' for name in names)}")
    total = Counter(each.outcome for each in flips)
    lines.append(f"{'all':<14} {'  '.join(f'{total[name]:>14}' for name in names)}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Flips as often as asked; gives the exit code."""
    given = asked(arguments, __doc__, times=300, out="runs/hostile/kills")
    for name in ("analysis.emergence", "analysis.explore", "analysis.mitigation", "paper.build"):
        import_module(f"{name}.__main__" if name.startswith("analysis") else name)
    import_module("probes.vlm")
    out = given.out
    good = stages(out, STEPS)[-1].after
    work = copied(good, out / "flipped")
    usual = [usual_run(step, work) for step in STEPS]
    settled = copied(work, out / "settled")
    if stale := differing(contents(settled), contents(good)):
        raise RuntimeError(f"finished commands changed {', '.join(stale)}")
    flips = []
    for number, (file, bit) in enumerate(places(settled, given.times, given.rng), start=1):
        each = flip(settled, work, file, bit, usual)
        flips.append(each)
        print(f"{number:>4} {file} bit {bit}: {each.outcome} {each.said[:160]}", flush=True)
    print(table(flips))
    return int(any(each.outcome == "missed" for each in flips))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
