"""What is checked and said right before a capture: whether it fits, and how long it takes."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.forecast.disk import require_disk, store_bytes
from analysis.forecast.memory import capture_peak, require_memory
from analysis.run.opened import OpenRun
from data_prep.terminal.amounts import duration_text, size_text
from data_prep.terminal.progress import is_quiet

if TYPE_CHECKING:
    from probes.residuals.shards import CaptureJob
    from probes.residuals.spec import StoreSpec
    from probes.residuals.trial_batches import Trial
    from probes.vlm import VLM

SAID_FROM_S = 60.0
# From that much by a first pass alone, batches are tried: alone, a pass takes longer.
_TRIED_FROM_S = 30.0
_BUDGET_S = 3.0


def tell_before(
    opened: OpenRun,
    vlm: "VLM",
    job: "CaptureJob",
    spec: "StoreSpec",
    missing: Sequence[range],
    *,
    attribute: str,
) -> None:
    """Says what a capture of more than a minute will take, in one line on stderr.

    UserError, before anything is captured, if it does not fit on the disk or into memory.
    """
    n_left = sum(map(len, missing))
    needed = store_bytes(spec, n_left * spec.per_pass, ())
    what = f"capturing {attribute}"
    n_scenes = len(opened.data.scenes)
    taken = n_scenes if opened.run.study.n_scenes is None else opened.run.study.n_scenes
    folder = opened.run.folder
    require_disk(folder, needed, what=what, n_scenes=taken, ways=smaller(opened, spec))
    require_memory(spec, None, ways=less_memory(opened))
    tried = _tried(opened, vlm, job, missing)
    if tried is None:
        return
    require_memory(spec, tried, ways=less_memory(opened))
    seconds = n_left * tried.seconds_per_pass
    if seconds >= SAID_FROM_S and not is_quiet():
        print(
            f"plan: {what} takes {n_left:,} forward passes, about {duration_text(seconds)} "
            f"({job.batch_size} at once), {size_text(needed)} of disk, "
            f"{size_text(capture_peak(spec, tried))} of memory",
            file=sys.stderr,
        )


def smaller(opened: OpenRun, spec: "StoreSpec") -> list[str]:
    """Options with which less disk is taken."""
    study = opened.run.study
    ways = []
    if spec.dtype == "float32":
        ways.append("--dtype bfloat16 takes half")
    if study.whole_words:
        ways.append("leave --whole-words out")
    return ways


def less_memory(opened: OpenRun) -> list[str]:
    """Options with which less memory is taken."""
    half = ["--dtype bfloat16"] if opened.run.study.dtype == "float32" else []
    return ["take a smaller --batch-size", *half, "a machine with more"]


def _tried(
    opened: OpenRun, vlm: "VLM", job: "CaptureJob", missing: Sequence[range]
) -> "Trial | None":
    """Batches of the capture, tried; None for one that is short, or that other machines run."""
    from probes.residuals.shards import prepare
    from probes.residuals.trial_batches import trial

    if opened.engine != "local":
        return None
    first = missing[0].start
    inputs = prepare(vlm, job, [first])
    buffer = vlm.new_buffer(job.position.per_pass)
    begun = time.perf_counter()
    job.position.read_into(vlm, inputs, [job.passes[first][0]], buffer)
    buffer.cpu()
    if (time.perf_counter() - begun) * sum(map(len, missing)) < _TRIED_FROM_S:
        return None
    return trial(vlm, job, missing, budget_s=_BUDGET_S)
