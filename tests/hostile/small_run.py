"""A small model, small data and every command on them: what is killed, damaged and run twice."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.analysis.conftest import write_noise
from tests.probes.families.small import save

ROOT = Path(__file__).parent.parent.parent
RUN, REPORT = "run", "report"
OTHER_RUNS = ("other", "third")
LOCK = ".lock"
_BEGIN = ("--data", "clevr:clevr", "--min-scenes-per-text", "5", "--n-resamples", "800")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command as it is typed after `python -m`, in the folder that `prepare` made."""

    words: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command's name and, where it is told twice, what sets it apart."""
        return " ".join(word for word in self.words if word.startswith(("analysis", "paper")))

    def typed(self) -> list[str]:
        """The words of a process of its own."""
        return [sys.executable, "-m", *self.words]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How often a script tries what it tries, where, and with which random draws."""

    times: int
    out: Path
    rng: np.random.Generator


def _on_run(command: str, *words: str) -> Step:
    return Step(words=(f"analysis.{command}", "--run", RUN, *words))


STEPS = (
    _on_run("emergence", "--model", "model", *_BEGIN, "--attr", "color", "shape", "--readout",
            "all"),
    _on_run("emergence", "--attr", "color", "--say"),
    _on_run("probes", "--attr", "color"),
    _on_run("tuned_lens"),
    _on_run("order", "--attr", "color", "shape"),
    _on_run("worlds"),
    _on_run("confusion", "--attr", "shape"),
    _on_run("trajectory", "--attr", "color"),
    _on_run("causes", "--attr", "color", "--quick"),
    _on_run("hallucination"),
    _on_run("mitigation"),
    _on_run("examples", "--attr", "color"),
    _on_run("explore", "--attr", "color"),
    _on_run("paraphrase", "--attr", "color"),
    *(Step(words=("analysis.emergence", "--run", other, "--model", f"{other}-model", *_BEGIN,
                  "--attr", "color", "shape")) for other in OTHER_RUNS),
    Step(words=("analysis.compare", RUN, OTHER_RUNS[0], "--out", "compared")),
    Step(words=("analysis.pool", RUN, *OTHER_RUNS, "--out", "pooled")),
    Step(words=("paper.build", RUN, "--out", REPORT)),
)  # fmt: skip
"""Every command that writes into a run, or reads one, in an order in which each finds what it
needs."""


def prepare(folder: Path) -> Path:
    """Writes three small models and data into a folder, in which the steps can then be run."""
    folder.mkdir(parents=True, exist_ok=True)
    save("llava", folder / "model")
    for seed, other in enumerate(OTHER_RUNS, start=1):
        save("llava", folder / f"{other}-model", seed)
    write_noise(folder / "clevr", 60)
    return folder


def environment() -> dict[str, str]:
    """The environment of a step: this checkout, one thread, no network."""
    return os.environ | {
        "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def start(step: Step, folder: Path) -> subprocess.Popen[str]:
    """The step as a process in a group of its own, so that it can be killed with what it starts."""
    return subprocess.Popen(
        step.typed(), cwd=folder, env=environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(step: Step, folder: Path) -> str:
    """Runs the step to its end, which must be a good one; gives what it printed."""
    process = start(step, folder)
    shown, complaint = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{step.command} ended with {process.returncode}: {complaint[-2000:]}")
    return shown


def asked(arguments: Sequence[str], about: str | None, *, times: int, out: str) -> Asked:
    """What is asked of a script on its command line; `about` is its docstring."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--times", type=int, default=times)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(out))
    given = parser.parse_args(arguments)
    return Asked(times=given.times, out=given.out.resolve(), rng=np.random.default_rng(given.seed))


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a folder, in place of what `target` held."""
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(source, target)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; of a lock only that it is there."""
    return {
        path.relative_to(folder).as_posix(): b"" if path.name == LOCK else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of the files that are only in one of two folders, or not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
