"""Some batches of a capture, run to learn how long the whole will take and how much memory."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil

from probes.residuals.shards import CaptureJob, prepared_ahead, read_batch
from probes.vlm import VLM

# Shards from which batches are taken; a batch's length lies in its place within its shard.
_SHARDS = 4
_LEAST_BATCHES = 2
# A first batch that is shorter has mostly set up what later ones find ready.
_WARM_S = 2.0
_SAMPLED_EVERY_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What some batches of a capture took."""

    seconds_per_pass: float
    spread: float
    """Largest difference of a batch from the mean, as share of the mean."""
    batches: int
    """How many were timed."""
    memory_before: int
    """Memory of this process before the first batch, in bytes."""
    memory_peak: int
    """The most memory of this process while they ran, in bytes."""


def trial(vlm: VLM, job: CaptureJob, shards: Sequence[range], *, budget_s: float) -> Trial:
    """Runs batches of these shards until `budget_s` seconds are over, at least two if there are.

    Batches are as in the capture, the next prepared while one is read, and are taken from all over
    the shards: the middle ones by length first. Nothing is kept. UserError as of the capture.

    >>> from PIL import Image
    >>> job = CaptureJob(
    ...     passes=[(str(n), "red", "What is this?") for n in range(4)],
    ...     open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1,
    ... )
    >>> found = trial(vlm, job, [range(4)], budget_s=0.0)
    >>> found.batches, 0 < found.seconds_per_pass < 60
    (2, True)
    """
    batches = _spread_out(job, shards)
    buffer = vlm.new_buffer(
        max(map(len, batches)) * job.position.per_pass,
        n_layers=None if job.layers is None else len(job.layers),
        dtype=job.dtype,
    )
    times: list[tuple[int, float]] = []
    with _watched() as memory, ThreadPoolExecutor(max_workers=1) as thread:
        begun = last = time.perf_counter()
        for batch, inputs in prepared_ahead(vlm, job, iter(batches), thread):
            part = buffer[: len(batch) * job.position.per_pass]
            read_batch(vlm, job, batch, inputs, part)
            part.cpu()  # waits for an accelerator
            now = time.perf_counter()
            times.append((len(batch), now - last))
            last = now
            if now - begun > budget_s and len(times) > _LEAST_BATCHES:
                break
    if len(times) > 1 and times[0][1] < _WARM_S:
        del times[0]
    return _of_times(times, memory)


def _of_times(times: Sequence[tuple[int, float]], memory: "_Memory") -> Trial:
    per_pass = np.array([seconds / n for n, seconds in times])
    mean = float(per_pass.mean())
    return Trial(
        seconds_per_pass=mean,
        spread=float(np.abs(per_pass - mean).max() / mean),
        batches=len(times),
        memory_before=memory.before,
        memory_peak=memory.peak,
    )


def _spread_out(job: CaptureJob, shards: Sequence[range]) -> list[list[int]]:
    """Batches of some shards, in an order in which those that come first are spread over all
    lengths."""
    chosen = np.unique(np.linspace(0, len(shards) - 1, min(_SHARDS, len(shards))).round())
    placed = []
    for number in chosen.astype(int):
        batches = job.batches(shards[number])
        placed += [(place / len(batches), batch) for place, batch in enumerate(batches)]
    ordered = [batch for _, batch in sorted(placed)]
    return [ordered[place] for place in halving_order(len(ordered))]


def halving_order(n: int) -> list[int]:
    """The numbers 0 to n - 1 such that the first few are spread over all: the middle, then the
    middles of the halves, and so on.

    >>> halving_order(7)
    [3, 1, 5, 0, 2, 4, 6]
    """
    found, waiting = [], [(0, n)]
    while waiting:
        start, stop = waiting.pop(0)
        if start < stop:
            middle = (start + stop) // 2
            found.append(middle)
            waiting += [(start, middle), (middle + 1, stop)]
    return found


@dataclass(slots=True)
class _Memory:
    before: int
    peak: int


@contextmanager
def _watched() -> Iterator[_Memory]:
    """While it lasts, a thread looks now and then how much memory this process has."""
    process, ended = psutil.Process(), threading.Event()
    now = process.memory_info().rss
    memory = _Memory(now, now)

    def watch() -> None:
        while not ended.wait(_SAMPLED_EVERY_S):
            memory.peak = max(memory.peak, process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()
