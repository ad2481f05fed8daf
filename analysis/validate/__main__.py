"""Does the statistics package do what it claims? Every claim simulated, with its bound.

`python -m analysis.validate` runs all of it, prints a table and one line on what falls short, and
ends with code 1 then. Writes validation.json, which the report's appendix shows.
"""

import json
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Annotated

from rich.console import Console
from rich.table import Table

from analysis.typed import written
from analysis.validate.claims import CLAIMS, Finding, Scale
from analysis.validate.found import SimulatedClaim, Validation
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.durable import write_durably
from data_prep.files.output import require_output_folder
from data_prep.option_rules import MOST_RESAMPLES, MOST_SEED, Within


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Simulate every claim of the statistics package and compare it with its bound."""

    out: Path = Path("runs/validation")
    """Folder for validation.json and validation.txt."""
    repetitions: Annotated[int, Within(100, MOST_RESAMPLES)] = 2000
    """Simulated data sets per claim, a part of these where one takes long; 2000 is what the bounds
    are meant for."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Every simulated number follows from it."""
    only: tuple[str, ...] = ()
    """Names of claims to run; default: all."""


def validate(arguments: Arguments) -> list[Finding]:
    """Run the claims and write what was found; UserError for an unknown claim."""
    unknown = [name for name in arguments.only if name not in CLAIMS]
    if unknown:
        raise UserError(f"unknown claim {unknown[0]!r}: choose among {', '.join(CLAIMS)}")
    chosen = [name for name in CLAIMS if not arguments.only or name in arguments.only]
    require_output_folder(arguments.out, "--out")
    findings: list[Finding] = []
    start = perf_counter()
    quiet = not sys.stderr.isatty()
    # Its spinner moves the cursor, which what is printed otherwise must not.
    with Console(stderr=True, file=sys.__stderr__, quiet=quiet).status("validating") as status:
        for name in chosen:
            status.update(f"validating: {name}")
            scale = Scale(repetitions=arguments.repetitions, seed=arguments.seed)
            findings.extend(CLAIMS[name](scale))
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        record = Validation(
            repetitions=arguments.repetitions,
            seed=arguments.seed,
            seconds=round(perf_counter() - start, 1),
            versions={name: version(name) for name in ("numpy", "scipy", "statsmodels")},
            findings=tuple(_claim(one) for one in findings),
        )
        content = json.dumps(written(record), indent=1) + "\n"
        write_durably(arguments.out / "validation.json", content.encode())
        with (arguments.out / "validation.txt").open("w", encoding="utf-8") as file:
            Console(file=file, width=110).print(_table(findings))
    except OSError as error:
        raise UserError(f"cannot write to {arguments.out}: {error.strerror}") from error
    return findings


def _claim(one: Finding) -> SimulatedClaim:
    return SimulatedClaim(**asdict(one), holds=one.holds, simulated=one.simulated)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column, side in (("section", "left"), ("claim", "left"), ("found", "right"),
                         ("bound", "right"), ("", "left")):  # fmt: skip
        table.add_column(column, justify=side)  # pyright: ignore[reportArgumentType]
    for one in findings:
        verdict = "" if one.holds else "FALLS SHORT"
        table.add_row(one.section, one.claim, f"{one.value:.4g}", one.bound, verdict)
    return table


def main() -> None:
    """Runs the command."""
    with one_line_errors():
        findings = validate(from_command_line(Arguments, command="python -m analysis.validate"))
        Console(width=110).print(_table(findings))
        short = [f"{one.claim} ({one.value:.4g}, bound {one.bound})" for one in findings
                 if not one.holds]  # fmt: skip
        if short:
            print(f"falls short: {'; '.join(short)}")
            raise SystemExit(1)
        print(f"all {len(findings)} claims hold")


if __name__ == "__main__":
    main()
