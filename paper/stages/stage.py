"""A stage of the whole report: one command with its arguments, and what must be there before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import UserError

_ATTRIBUTES = ("color", "shape", "material", "size", "count")
"""Those of the bundled scenes, in the order in which they are read first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One command, typed as a user would, or a program."""

    name: str
    words: tuple[str, ...]
    """The module and its arguments; of a program, the program and its arguments."""
    needs: tuple[str, ...] = ()
    """Names of the stages that must have ended before: they capture or fit what this one reads."""
    usual_seconds: float
    """CPU seconds that it takes on the bundled model and scenes (two cores of a Xeon of 2023, both
    at work). They decide the order, and with it the forecast; on another machine all of them change
    alike."""
    is_program: bool = False
    """Whether `words` name a program instead of a module."""

    @property
    def typed(self) -> str:
        """The command as it is typed."""
        return " ".join(self.words if self.is_program else ("python", "-m", *self.words))


def report_stages(run: Path, out: Path, tex: Sequence[str]) -> tuple[Stage, ...]:
    """The stages of the report of the bundled model, the one with the first result at the head.

    `tex` is the command that installs TeX, or nothing.
    """
    at_run = ("--run", str(run))
    captured = [f"emergence of {name}" for name in _ATTRIBUTES]
    stages = [
        *(_study(f"emergence of {name}", ("analysis.emergence", "--attr", name, *at_run), 35)
          for name in _ATTRIBUTES),
        _study("causes", ("analysis.causes", "--quick", *at_run), 330),
        _study("hallucination", ("analysis.hallucination", *at_run), 140),
        _study("mitigation", ("analysis.mitigation", *at_run), 300, "causes", "hallucination"),
        _study("readouts of color", ("analysis.emergence", "--attr", "color", "--readout", "all",
               *at_run), 75, *captured),
        *(_study(f"readouts of {name}", ("analysis.emergence", "--attr", name, "--readout", "all",
                 *at_run), 12, "readouts of color") for name in _ATTRIBUTES[1:]),
        *(_study(f"probes of {name}", ("analysis.probes", "--attr", name, *at_run), 60,
                 f"emergence of {name}") for name in _ATTRIBUTES),
        _study("tuned lens", ("analysis.tuned_lens", *at_run), 220, *captured),
        _study("said", ("analysis.emergence", "--attr", "all", "--say", *at_run), 14, *captured),
        _study("worlds", ("analysis.worlds", *at_run), 5, captured[0]),
        _study("order", ("analysis.order", *at_run), 5, *captured),
        _study("confusion", ("analysis.confusion", "--attr", "shape", *at_run), 60, captured[1]),
        _study("trajectory", ("analysis.trajectory", *at_run), 18, *captured),
    ]  # fmt: skip
    readouts = [f"readouts of {name}" for name in _ATTRIBUTES]
    stages += [
        _study("all readouts", ("analysis.emergence", "--attr", "all", "--readout", "all",
               *at_run), 5, *readouts),
        _study("examples", ("analysis.examples", *at_run), 5, "all readouts"),
        _study("explore", ("analysis.explore", *at_run), 5, "all readouts"),
    ]  # fmt: skip
    if tex:
        stages.append(Stage(name="TeX", words=tuple(tex), usual_seconds=45, is_program=True))
    everything = tuple(each.name for each in stages)
    build = ("paper.build", str(run), "--out", str(out))
    return *stages, _study("report", build, 28, *everything)


def _study(name: str, words: tuple[str, ...], seconds: float, *needs: str) -> Stage:
    return Stage(name=name, words=words, needs=needs, usual_seconds=seconds)


def require_possible(stages: Sequence[Stage]) -> None:
    """UserError if a name is not the only one, or if a stage waits for one that comes later, and so
    perhaps for itself."""
    before: set[str] = set()
    for each in stages:
        if each.name in before:
            raise UserError(f"two stages are called {each.name!r}: name each once")
        if unknown := [name for name in each.needs if name not in before]:
            raise UserError(
                f"the stage {each.name!r} needs {unknown[0]!r}, which does not stand before it: "
                "put it there"
            )
        before.add(each.name)
