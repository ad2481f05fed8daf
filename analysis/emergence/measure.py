"""Measures one attribute under one readout, and writes what is found into the run."""

from pathlib import Path

from analysis.emergence.estimates import estimate
from analysis.emergence.tables import effect_rows, score_rows
from analysis.readouts.readings import require_same_lens, take_readings
from analysis.run.opened import OpenRun
from analysis.run.results import add_finding, read_results
from data_prep.attributes import stream_key
from data_prep.terminal.progress import Progress


def measure(
    opened: OpenRun,
    name: str,
    readout: str,
    *,
    lens: Path | None = None,
    allow_other_head: bool = False,
) -> None:
    """Measures one attribute under one readout, unless the run holds it: its scores and effects go
    into the run's tables, what is found into results.json."""
    run = opened.run
    require_same_lens(opened, name, readout, lens)
    results = read_results(run)
    if results is not None and readout in results.of_attribute(name):
        return
    run.require_free()  # before minutes of statistics, not after them
    readings = take_readings(opened, name, readout, lens=lens, allow_other_head=allow_other_head)
    # Readouts of an attribute differ in nothing but the readout, their random draws included.
    with Progress(total=100, what=f"statistics {name} {readout}", unit="part") as progress:
        estimates = estimate(
            readings,
            run.study,
            key=stream_key(name),
            done=lambda share: progress.update(round(100 * share) - progress.n),
        )
    key = ["attribute", "readout"]
    run.replace_rows("scores", score_rows(estimates, readings, readout), key=key)
    run.replace_rows("effects", effect_rows(estimates, readings, readout), key=key)
    add_finding(run, name, readout, estimates.results, opened.about)
