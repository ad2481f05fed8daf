"""Capture of residual streams into a store: shard by shard, resumable, in bounded memory."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from data_prep.errors import UserError
from probes.positions import AnswerPosition, Position
from probes.residuals.passes import Pass, SizeOf, row_ids_of
from probes.residuals.shards import CaptureJob, Progress, capture_shards
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore
from probes.vlm import VLM

_ANSWER = AnswerPosition()
CapturedShards = Generator[tuple[int, Float[Tensor, "row layer d_model"]], None, None]
"""Shards with their numbers, in any order."""
Engine = Callable[[VLM, CaptureJob, Mapping[int, range], Progress], CapturedShards]
"""Reads shards: given the passes of each by its number."""


def local_engine(
    vlm: VLM, job: CaptureJob, shards: Mapping[int, range], progress: Progress
) -> CapturedShards:
    """Capture one shard after the other, in this process, by the model that is loaded here.

    >>> passes = [("1", "red", "What is this?"), ("2", "blue", "What is this?")]
    >>> job = CaptureJob(
    ...     passes=passes, open_image=lambda key: Image.new("RGB", (96, 96), key), batch_size=2
    ... )
    >>> shards = local_engine(vlm, job, {7: range(2)}, print)  # prints how many passes are done
    >>> [(number, tuple(residuals.shape)) for number, residuals in shards]
    2
    [(7, (2, 11, 192))]
    """
    yield from zip(shards, capture_shards(vlm, job, list(shards.values()), progress), strict=True)


def store_spec(
    vlm: VLM,
    passes: Sequence[Pass],
    *,
    study_hash: str,
    position: Position = _ANSWER,
    shard_size: int = 256,
    batch_size: int = 32,
    layers: tuple[int, ...] | None = None,
    dtype: str | None = None,
) -> StoreSpec:
    """The spec of a store for what is read of these passes.

    `shard_size` and `batch_size` count passes. `layers` are those to store, None for all; `dtype`
    is the number format of the residuals, where it is not to be the model's.

    >>> passes = [("1", "red", "What is this?"), ("2", "blue", "What is this?")]
    >>> spec = store_spec(vlm, passes, study_hash="", shard_size=1)
    >>> spec.n_rows, spec.n_shards, spec.n_stored_layers, spec.position
    (2, 2, 11, 'answer')
    """
    row_ids = row_ids_of(passes, position)
    own = str(vlm.dtype).removeprefix("torch.")
    return StoreSpec(
        study_hash=study_hash,
        model=vlm.name,
        revision=vlm.revision,
        dtype=dtype or own,
        model_dtype=None if dtype in (None, own) else own,
        n_layers=vlm.n_layers,
        d_model=vlm.d_model,
        n_rows=len(row_ids),
        row_ids_sha256=digest_of(row_ids),
        shard_size=shard_size * position.per_pass,
        batch_size=batch_size,
        position=position.name,
        per_pass=position.per_pass,
        layers=layers,
    )


def capture_to_store(
    vlm: VLM,
    passes: Sequence[Pass],
    open_image: Callable[[str], Image.Image],
    store: ResidualStore,
    *,
    position: Position = _ANSWER,
    size_of: SizeOf | None = None,
    progress: Progress | None = None,
    engine: Engine = local_engine,
) -> None:
    """Capture the shards that `store` does not have yet.

    Memory is that of two shards and two batches, whatever the number of passes. `progress` is
    called with the number of passes that have just been done, not with those already there.
    UserError, with all whole shards kept, if a residual is not finite or the disk is full.

    >>> passes = [("1", "red", "What is this?"), ("2", "blue", "What is this?")]
    >>> spec = store_spec(vlm, passes, study_hash="", shard_size=1)
    >>> store = ResidualStore.open_or_create(folder, spec, ["1", "2"])
    >>> capture_to_store(vlm, passes, lambda key: Image.new("RGB", (96, 96), key), store)
    >>> store.missing_shards(), tuple(store.read().shape)
    ([], (2, 11, 192))
    """
    _require_same(vlm, passes, store, position)
    missing = {shard: store.passes_of(shard) for shard in store.missing_shards()}
    report = progress or (lambda _: None)
    spec = store.spec
    job = CaptureJob(
        passes=passes,
        open_image=open_image,
        batch_size=spec.batch_size,
        position=position,
        layers=spec.layers,
        dtype=spec.torch_dtype,
        size_of=size_of,
    )
    with _writing_behind(store) as write, closing(engine(vlm, job, missing, report)) as captured:
        for shard, residuals in captured:
            write(shard, residuals)


@contextmanager
def _writing_behind(store: ResidualStore) -> Iterator[Callable[[int, Tensor], None]]:
    """Writes a shard while the next one is captured; at most one waits to be written.

    What has been handed over is written even if the capture then fails.
    """
    waiting: Future[None] | None = None

    def write(shard: int, residuals: Tensor) -> None:
        nonlocal waiting
        if waiting is not None:
            waiting.result()
        waiting = thread.submit(store.write_shard, shard, residuals)

    with ThreadPoolExecutor(max_workers=1) as thread:
        yield write
        if waiting is not None:
            waiting.result()


def _require_same(
    vlm: VLM, passes: Sequence[Pass], store: ResidualStore, position: Position
) -> None:
    spec = store.spec
    if not passes:
        raise UserError("need at least one forward pass to capture, got none")
    store.require(
        store_spec(
            vlm,
            passes,
            study_hash=spec.study_hash,
            position=position,
            shard_size=spec.shard_size // position.per_pass,
            batch_size=spec.batch_size,
            layers=spec.layers,
            dtype=spec.dtype,
        )
    )
