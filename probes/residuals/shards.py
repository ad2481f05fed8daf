"""The residuals of whole shards: what every engine runs, on one machine or on many."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from transformers import BatchFeature

from probes.positions import AnswerPosition, Position
from probes.residuals.passes import Pass, SizeOf, batches_by_length
from probes.streams import require_finite
from probes.vlm import VLM

Progress = Callable[[int], object]
"""Called with a number of passes that have just been done."""


_ANSWER = AnswerPosition()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureJob:
    """What is to be read of which passes; can be sent to another machine."""

    passes: Sequence[Pass]
    open_image: Callable[[str], Image.Image]
    batch_size: int
    position: Position = _ANSWER
    layers: tuple[int, ...] | None = None
    """The layers that are read, rising; None for all."""
    dtype: torch.dtype | None = None
    """The number format of the residuals; None for the model's."""
    size_of: SizeOf | None = None

    def batches(self, shard: range) -> list[list[int]]:
        """The batches of a shard, in numbers of passes.

        None goes across shards, so that a batch does not depend on which shards were there.
        """
        return batches_by_length(self.passes, shard, self.batch_size, self.size_of)


def capture_shards(
    vlm: VLM, job: CaptureJob, shards: Sequence[range], progress: Progress | None = None
) -> Iterator[Float[Tensor, "row layer d_model"]]:
    """The residuals of each shard, in the order of its passes, on the CPU.

    A shard is the range of its passes. Memory is that of one shard and two batches, besides what
    the caller keeps. UserError if a residual is not finite or a batch does not fit on the device.

    >>> passes = [("1", "red", "What is this?"), ("2", "blue", "What is this?")]
    >>> job = CaptureJob(
    ...     passes=passes, open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1
    ... )
    >>> [tuple(each.shape) for each in capture_shards(vlm, job, [range(1), range(1, 2)])]
    [(1, 11, 192), (1, 11, 192)]
    """
    each = job.position.per_pass
    n_layers = vlm.n_layers + 1 if job.layers is None else len(job.layers)
    # One for all batches: on an accelerator, new ones would scatter its memory.
    buffer = vlm.new_buffer(
        min(job.batch_size, max(map(len, shards), default=0)) * each,
        n_layers=n_layers,
        dtype=job.dtype,
    )
    batches = (batch for shard in shards for batch in job.batches(shard))
    with ThreadPoolExecutor(max_workers=1) as thread:
        prepared = prepared_ahead(vlm, job, batches, thread)
        for shard in shards:
            residuals = torch.empty(len(shard) * each, *buffer.shape[1:], dtype=buffer.dtype)
            for _ in range(0, len(shard), job.batch_size):
                batch, inputs = next(prepared)
                part = buffer[: len(batch) * each]
                read_batch(vlm, job, batch, inputs, part)
                first_rows = (torch.tensor(batch) - shard.start) * each
                rows = first_rows[:, None] + torch.arange(each)
                residuals[rows.flatten()] = part.cpu()
                if progress is not None:
                    progress(len(batch))
            yield residuals


def prepare(vlm: VLM, job: CaptureJob, batch: Sequence[int]) -> BatchFeature:
    """The model's inputs for some passes; an image that several of them show is opened once.

    >>> passes = [("1", "red", "What is this?"), ("2", "red", "Which color has it?")]
    >>> job = CaptureJob(
    ...     passes=passes, open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=2
    ... )
    >>> tuple(prepare(vlm, job, [0, 1])["pixel_values"].shape)
    (2, 3, 128, 128)
    """
    chosen = [job.passes[number] for number in batch]
    images = {key: job.open_image(key) for key in dict.fromkeys(key for _, key, _ in chosen)}
    return vlm.prepare([images[key] for _, key, _ in chosen], [text for *_, text in chosen])


def read_batch(
    vlm: VLM,
    job: CaptureJob,
    batch: Sequence[int],
    inputs: BatchFeature,
    part: Float[Tensor, "row layer d_model"],
) -> None:
    """Run a prepared batch of a job and write its residuals into `part`. UserError if one is not
    finite.

    >>> job = CaptureJob(
    ...     passes=[("1", "red", "What is this?"), ("2", "blue", "What is this?")],
    ...     open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1,
    ... )
    >>> part = vlm.new_buffer(1).zero_()
    >>> read_batch(vlm, job, [1], prepare(vlm, job, [1]), part)
    >>> bool(part.any())
    True
    """
    ids = [job.passes[number][0] for number in batch]
    job.position.read_into(vlm, inputs, ids, part, job.layers)
    names = [name for name in ids for _ in range(job.position.per_pass)]
    require_finite(part, names, job.layers)


def prepared_ahead(
    vlm: VLM, job: CaptureJob, batches: Iterator[list[int]], thread: ThreadPoolExecutor
) -> Iterator[tuple[list[int], BatchFeature]]:
    """Batches with their inputs; the next ones are made while the model works on these.

    >>> job = CaptureJob(
    ...     passes=[("1", "red", "What is this?"), ("2", "blue", "What is this?")],
    ...     open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=1,
    ... )
    >>> with ThreadPoolExecutor(max_workers=1) as thread:
    ...     [batch for batch, _ in prepared_ahead(vlm, job, iter([[0], [1]]), thread)]
    [[0], [1]]
    """
    waiting: tuple[list[int], Future[BatchFeature]] | None = None
    for batch in batches:
        following = batch, thread.submit(prepare, vlm, job, batch)
        if waiting is not None:
            yield waiting[0], waiting[1].result()
        waiting = following
    if waiting is not None:
        yield waiting[0], waiting[1].result()
