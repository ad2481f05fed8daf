"""What --plan prints: what a command has to do, what that takes, and what is there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.forecast.before_capture import less_memory, smaller
from analysis.forecast.disk import (
    free_disk,
    output_map_bytes,
    require_disk,
    store_bytes,
    table_bytes,
)
from analysis.forecast.memory import capture_peak, peak_so_far, require_memory
from analysis.forecast.work import CONDITIONS, Work, work_of
from analysis.printed import printed
from analysis.run.image_survey import chosen_scenes
from analysis.run.items import expected_items
from analysis.run.opened import OpenRun
from data_prep.terminal.amounts import duration_text, size_text

if TYPE_CHECKING:
    from analysis.capture.residuals import PositionName
    from probes.residuals.trial_batches import Trial

_BUDGET_S = 6.0
_MORE = "passes that this command runs for questions or interventions of its own are not counted"
_STATISTICS = "images, readouts and statistics come on top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a command has to do, and what that takes."""

    works: tuple[Work, ...]
    n_scenes: int
    seconds: float | None
    """Of the capture of what is not there; None if that is not told."""
    trials: "tuple[Trial, ...]"
    residual_bytes: int
    """Of residuals that are not there."""
    map_bytes: int
    table_bytes: int
    peak_bytes: int
    """The most memory of this process until all is captured."""

    @property
    def n_left(self) -> int:
        """The number of forward passes that are still to be run."""
        return sum(work.n_left for work in self.works)

    @property
    def disk_bytes(self) -> int:
        """What will be written."""
        return self.residual_bytes + self.map_bytes + self.table_bytes


def show_plan(
    opened: OpenRun,
    captures: "Sequence[tuple[str, PositionName]]",
    *,
    n_readouts: int = 1,
    runs_more: bool = False,
) -> None:
    """Prints the plan. UserError for what cannot fit on the disk or into memory."""
    print(plan_text(opened, plan_of(opened, captures, n_readouts=n_readouts), runs_more=runs_more))


def plan_of(
    opened: OpenRun, captures: "Sequence[tuple[str, PositionName]]", *, n_readouts: int = 1
) -> Plan:
    """The plan of a command that captures these attributes at these positions. Nothing is written.

    UserError, for attributes that cannot be asked before the model is loaded, and for what cannot
    fit on the disk or into memory.
    """
    run, data = opened.run, opened.data
    for attribute, _ in captures:
        expected_items(run, data, attribute)
    works = tuple(work_of(opened, *each) for each in dict.fromkeys(captures))
    n_scenes = len(chosen_scenes(data, run.study.n_scenes)) if data.scenes else 0
    vlm = opened.load_model()
    residual_bytes = sum(_bytes_left(work) for work in works)
    map_bytes = output_map_bytes(vlm, run.output_map)
    tables = sum(_table_bytes(run.study.swaps, work, n_readouts) for work in works if work.n_left)
    for work in works[:1]:
        needed = residual_bytes + map_bytes + tables
        what = "what is to be captured"
        ways = smaller(opened, work.spec)
        require_disk(run.folder, needed, what=what, n_scenes=n_scenes, ways=ways)
    trials, seconds, peak = [], 0.0, peak_so_far()
    for work in works:
        if not work.n_left:
            continue
        require_memory(work.spec, None, ways=less_memory(opened))
        if opened.engine != "local":
            continue
        trials.append(_tried(opened, work))
        require_memory(work.spec, trials[-1], ways=less_memory(opened))
        seconds += trials[-1].seconds_per_pass * work.n_left
        peak = max(peak, capture_peak(work.spec, trials[-1]))
    return Plan(
        works=works,
        n_scenes=n_scenes,
        seconds=seconds if opened.engine == "local" else None,
        trials=tuple(trials),
        residual_bytes=residual_bytes,
        map_bytes=map_bytes,
        table_bytes=tables,
        peak_bytes=peak,
    )


def plan_text(opened: OpenRun, plan: Plan, *, runs_more: bool) -> str:
    """The plan in words: a table of what is to be captured, and four lines below it."""
    run, there = opened.run, len(opened.data.scenes)
    table = Table(
        title=f"plan of {run.folder}: {plan.n_scenes:,} of {there:,} scenes",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    for header in ("attribute", "at", "items", "texts", *CONDITIONS, "passes", "there", "disk"):
        table.add_column(header, justify="left" if header in ("attribute", "at") else "right")
    for work in plan.works:
        numbers = [
            len(work.items),
            len(set(work.items["question"])),
            *work.by_condition.values(),
            len(work.passes),
            len(work.passes) - work.n_left,
        ]
        size = size_text(_bytes_left(work))
        table.add_row(work.attribute, work.position, *(f"{each:,}" for each in numbers), size)
    lines = [printed(table), f"passes to run: {plan.n_left:,}{_time(plan)}"]
    parts = f"residuals {size_text(plan.residual_bytes)}, output map {size_text(plan.map_bytes)}"
    lines += [
        f"disk: {size_text(plan.disk_bytes)} ({parts}, tables {size_text(plan.table_bytes)}), "
        f"{size_text(free_disk(run.folder))} free",
        f"memory: {size_text(plan.peak_bytes)} at the peak of the capture",
    ]
    if not plan.n_left:
        lines.append("everything is captured: only what is not estimated yet is left to do")
    if runs_more:
        lines.append(_MORE)
    return "\n".join(lines)


def _time(plan: Plan) -> str:
    if not plan.n_left:
        return ""
    if plan.seconds is None:
        return ", in a time that depends on the workers of the cluster"
    batches = sum(each.batches for each in plan.trials)
    spread = max(each.spread for each in plan.trials)
    rate = plan.n_left / plan.seconds
    return (
        f", about {duration_text(plan.seconds)} at {rate:,.3g} passes/s\n({batches} batches of up "
        f"to {plan.works[0].job.batch_size} timed, which differ by up to {spread:.0%}; "
        f"{_STATISTICS})"
    )


def _bytes_left(work: Work) -> int:
    from probes.residuals.passes import row_ids_of

    if not work.n_left:
        return 0
    rows = work.n_left * work.spec.per_pass
    return store_bytes(work.spec, rows, row_ids_of(work.passes, work.job.position))


def _table_bytes(n_swaps: int, work: Work, n_readouts: int) -> int:
    return table_bytes(
        n_items=len(work.items),
        n_scenes=len(set(work.items["scene_id"])),
        n_layers=work.spec.n_layers,
        n_answers=work.n_answers,
        n_swaps=n_swaps if work.by_condition["swapped"] else 0,
        n_readouts=n_readouts,
    )


def _tried(opened: OpenRun, work: Work) -> "Trial":
    from probes.residuals.trial_batches import trial

    return trial(opened.load_model(), work.job, work.missing, budget_s=_BUDGET_S)
