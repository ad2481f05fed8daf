"""A plan against what was measured: time, disk and memory of the capture that it foretells.

    python tests/analysis/forecast/bench_plan.py [--scenes 300] [--clock cpu]

Each is a process of its own. On a machine with other work two processes are not equally fast by the
clock on the wall: there CPU seconds are compared, by which both are then timed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import analysis.forecast.command as module
from analysis.commands.options import open_run, parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from analysis.forecast.command import Plan, plan_of
from analysis.forecast.memory import peak_so_far
from analysis.run.opened import OpenRun
from tests.probes.mid_size import mid_size_llava

TIME_OFF, SIZE_OFF = 0.25, 0.10


def planned(arguments: list[str]) -> dict[str, float]:
    found: list[Plan] = []

    def kept(opened: OpenRun, captures: Any, *, n_readouts: int, runs_more: bool) -> None:
        found.append(plan_of(opened, captures, n_readouts=n_readouts))

    module.show_plan = kept
    options = parse_options(Emergence, command=COMMAND, arguments=[*arguments, "--plan"])
    with suppress(SystemExit):
        open_run(options)
    return {
        "seconds": found[0].seconds or 0.0,
        "disk": found[0].disk_bytes,
        "peak": found[0].peak_bytes,
        "left": found[0].n_left,
    }


def measured(arguments: list[str], folder: Path) -> dict[str, float]:
    import probes.residuals.capture as capturing

    took = {"seconds": 0.0, "peak": 0.0}
    capture = capturing.capture_to_store

    def timed(*given, **named) -> None:
        begun = time.perf_counter()
        capture(*given, **named)
        took["seconds"] += time.perf_counter() - begun
        took["peak"] = peak_so_far()

    capturing.capture_to_store = timed  # looked up when a capture begins
    main(parse_options(Emergence, command=COMMAND, arguments=arguments))
    disk = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return {**took, "disk": disk, "end_peak": peak_so_far()}


def child(kind: str, clock: str, arguments: list[str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", kind, clock, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def compared(name: str, clock: str, arguments: list[str], folder: Path) -> None:
    arguments = [*arguments, "--run", str(folder / name)]
    before = child("plan", clock, arguments)
    took = child("run", clock, arguments)
    off = before["seconds"] / took["seconds"] - 1
    print(
        f"{name}: {before['left']:,.0f} passes planned at {before['seconds']:.1f} s ({clock}), "
        f"took {took['seconds']:.1f} s: off by {off:+.0%} (at most {TIME_OFF:.0%} wanted)",
        flush=True,
    )
    for what, end in (("disk", "disk"), ("peak", "peak")):
        off = before[what] / took[end] - 1
        print(
            f"{name}: {what} {before[what] / 2**20:,.1f} MiB planned, {took[end] / 2**20:,.1f} MiB "
            f"taken: off by {off:+.0%} (at most {SIZE_OFF:.0%} wanted)"
        )
    print(f"{name}: peak of the whole command {took['end_peak'] / 2**20:,.1f} MiB", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        kind, clock, arguments = sys.argv[2], sys.argv[3], sys.argv[4:]
        if clock == "cpu":
            time.perf_counter = time.process_time
        plan = kind == "plan"
        found = planned(arguments) if plan else measured(arguments, Path(arguments[-1]))
        print(json.dumps(found))
        sys.exit()
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--large-scenes", type=int, default=60)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        shared = ["--attr", "color", "--min-scenes-per-text", "5", "--n-resamples", "800"]
        sized = ["--scenes", str(options.scenes)]
        compared("bundled", options.clock, [*shared, *sized], Path(place))
        model = ["--model", str(mid_size_llava(Path(place) / "model"))]
        sized = ["--scenes", str(options.large_scenes)]
        compared("random-146M", options.clock, [*shared, *model, *sized], Path(place))
