"""How many forward passes are run together: by rule on a CPU, by trial on an accelerator.

On a CPU batches gain little, and the rule gives the same batches, hence the same bytes, on every
machine. On an accelerator they gain tenfold until it is full, and where that is depends on model,
prompts and device. Whatever was chosen is recorded in the store and kept when it is resumed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from data_prep.errors import UserError
from probes.residuals.shards import CaptureJob, prepare
from probes.residuals.store import ResidualStore
from probes.vlm import VLM, OutOfMemory

ON_CPU, LARGE_ON_CPU = 32, 4
_LARGE = 1e9
"""Parameters from which a batch on a CPU is small: its activations are what costs memory."""
_LEAST_GAIN = 1.05
_MOST_MEMORY = 0.8
_MOST = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a batch of some size did."""

    items_per_s: float
    memory_share: float
    """The share of the device's memory that was taken at the peak."""


def batch_size_of(asked: int | Literal["auto"], folder: Path, automatic: Callable[[], int]) -> int:
    """The batch size for the store in `folder`: the one it was begun with, or else as asked.

    UserError if another number was asked for than the store was begun with.

    >>> new = Path("no", "such", "folder")  # so nothing was begun
    >>> batch_size_of("auto", new, lambda: 16), batch_size_of(8, new, lambda: 16)
    (16, 8)
    """
    if not (folder / "manifest.json").exists():
        return automatic() if asked == "auto" else asked
    begun = ResidualStore.open(folder).spec.batch_size
    if asked not in ("auto", begun):
        raise UserError(
            f"{folder} was begun with --batch-size {begun}, got {asked}, and other batches round "
            "otherwise: leave --batch-size out to go on, or remove the folder to capture again"
        )
    return begun


def batch_size_by_rule(n_parameters: int) -> int:
    """The batch size for a CPU, from the size of the model alone.

    >>> batch_size_by_rule(3_000_000), batch_size_by_rule(7_000_000_000)
    (32, 4)
    """
    return LARGE_ON_CPU if n_parameters > _LARGE else ON_CPU


def batch_size_by_trial(run: Callable[[int], Trial | None], *, most: int) -> int:
    """The last of 1, 2, 4 ... up to `most` that was worth its memory.

    Doubling goes on while items per second grow by more than 5% and memory stays below 80%. `run`
    tries a size, and returns None if it does not fit; if not even 1 does, 1 is returned, so that
    the capture itself says so.

    >>> def run(size):  # twice as fast with every doubling, until at 8 the memory is full
    ...     return Trial(items_per_s=float(size), memory_share=size / 8)
    >>> batch_size_by_trial(run, most=64), batch_size_by_trial(run, most=2)
    (4, 2)
    """
    size, best = 1, run(1)
    while best is not None and best.memory_share < _MOST_MEMORY and 2 * size <= most:
        found = run(2 * size)
        if found is None or found.memory_share >= _MOST_MEMORY:
            break
        if found.items_per_s <= _LEAST_GAIN * best.items_per_s:
            break
        size, best = 2 * size, found
    return size


def automatic_batch_size(vlm: VLM, job: CaptureJob, shard: range) -> int:
    """The batch size by rule on a CPU, and elsewhere by trial on the passes of a shard.

    >>> from PIL import Image
    >>> job = CaptureJob(
    ...     passes=[("1", "red", "What is this?")],
    ...     open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1,
    ... )
    >>> automatic_batch_size(vlm, job, range(1))  # on a CPU
    32
    """
    if vlm.device.type == "cpu":
        return batch_size_by_rule(vlm.model.num_parameters())
    return batch_size_on_device(vlm, job, shard)


def batch_size_on_device(vlm: VLM, job: CaptureJob, shard: range) -> int:
    """The batch size by trial, on the longest passes of a shard.

    No later batch of the shard takes more memory than these.

    >>> from PIL import Image
    >>> job = CaptureJob(
    ...     passes=[("1", "red", "What is this?")],
    ...     open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1,
    ... )
    >>> batch_size_on_device(vlm, job, range(1))  # never more than the shard has
    1
    """
    (by_length,) = replace(job, batch_size=len(shard)).batches(shard)

    def run(size: int) -> Trial | None:
        return _tried(vlm, job, by_length[-size:])

    return batch_size_by_trial(run, most=min(_MOST, len(shard)))


def _tried(vlm: VLM, job: CaptureJob, batch: list[int]) -> Trial | None:
    try:
        inputs = prepare(vlm, job, batch)
        ids = [job.passes[number][0] for number in batch]
        buffer = vlm.new_buffer(len(batch) * job.position.per_pass)
        for _ in range(2):  # the first one also sets up what later ones find ready
            started = time.perf_counter()
            job.position.read_into(vlm, inputs, ids, buffer)
            buffer[:, :, 0].sum().item()  # waits for the device
            seconds = time.perf_counter() - started
    except (OutOfMemory, torch.OutOfMemoryError):
        _release(vlm.device)
        return None
    return Trial(items_per_s=len(batch) / seconds, memory_share=_memory_share(vlm.device))


def _memory_share(device: torch.device) -> float:
    """What torch has taken of the device's memory; 0 where that cannot be told."""
    if device.type == "cuda":
        whole = torch.cuda.get_device_properties(device).total_memory
        return torch.cuda.max_memory_reserved(device) / whole
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / torch.mps.recommended_max_memory()
    return 0.0


def _release(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
