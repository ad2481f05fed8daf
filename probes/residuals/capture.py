"""Capture of residual streams into a store: shard by shard, resumable, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image
from transformers import BatchFeature

from data_prep.errors import UserError
from probes.positions import AnswerPosition, Position
from probes.residuals.store import ResidualStore, StoreSpec, digest_of
from probes.vlm import VLM, require_finite

_ANSWER = AnswerPosition()
Pass = tuple[str, str, str]
"""(pass id, image key, question)"""


def store_spec(
    vlm: VLM,
    passes: Sequence[Pass],
    *,
    study_hash: str,
    position: Position = _ANSWER,
    shard_size: int = 256,
    batch_size: int = 32,
) -> StoreSpec:
    """The spec of a store for what is read of these passes; a batch is of so many passes."""
    row_ids = row_ids_of(passes, position)
    return StoreSpec(
        study_hash=study_hash,
        model=vlm.name,
        revision=vlm.revision,
        dtype=str(vlm.dtype).removeprefix("torch."),
        n_layers=vlm.n_layers,
        d_model=vlm.d_model,
        n_rows=len(row_ids),
        row_ids_sha256=digest_of(row_ids),
        shard_size=shard_size * position.per_pass,
        batch_size=batch_size,
        position=position.name,
        per_pass=position.per_pass,
    )


def row_ids_of(passes: Sequence[Pass], position: Position = _ANSWER) -> list[str]:
    """The names of the rows: the pass's id, numbered where a pass gives several."""
    if position.per_pass == 1:
        return [pass_id for pass_id, _, _ in passes]
    return [f"{pass_id}#{place}" for pass_id, _, _ in passes for place in range(position.per_pass)]


def capture_to_store(
    vlm: VLM,
    passes: Sequence[Pass],
    open_image: Callable[[str], Image.Image],
    store: ResidualStore,
    *,
    position: Position = _ANSWER,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Capture the shards that `store` does not have yet.

    Memory is that of one shard and two batches, whatever the number of passes. `progress` is
    called with the number of passes that have just been done, for those already there too.
    UserError, with all whole shards kept, if a residual is not finite or the disk is full.
    """
    _require_same(vlm, passes, store, position)
    missing = store.missing_shards()
    if progress is not None:
        done = set(range(store.spec.n_shards)) - set(missing)
        progress(sum(len(store.passes_of(shard)) for shard in done))
    per_pass = position.per_pass
    buffer = vlm.new_buffer(min(store.spec.shard_size, store.spec.n_rows))
    batches = _batches(store, missing)
    with ThreadPoolExecutor(max_workers=1) as ahead:
        prepared = _prepared_ahead(vlm, passes, open_image, batches, ahead)
        for shard in missing:
            start = store.rows_of(shard).start
            for batch in _batches(store, [shard]):
                inputs, ids = next(prepared), [passes[each][0] for each in batch]
                part = buffer[batch.start * per_pass - start : batch.stop * per_pass - start]
                vlm.residuals_into(inputs, part, position.weights(vlm, inputs, ids))
                require_finite(part, [each for each in ids for _ in range(per_pass)])
                if progress is not None:
                    progress(len(batch))
            store.write_shard(shard, buffer[: len(store.rows_of(shard))])


def _batches(store: ResidualStore, shards: Sequence[int]) -> list[range]:
    """Batches never cross a shard, so that what is in them does not depend on what was there."""
    size = store.spec.batch_size
    return [
        passes[start : start + size]
        for passes in map(store.passes_of, shards)
        for start in range(0, len(passes), size)
    ]


def _prepared_ahead(
    vlm: VLM,
    passes: Sequence[Pass],
    open_image: Callable[[str], Image.Image],
    batches: Sequence[range],
    ahead: ThreadPoolExecutor,
) -> Iterator[BatchFeature]:
    """Inputs batch by batch; the next ones are made while the model works on these."""

    def prepare(batch: range) -> BatchFeature:
        chosen = [passes[each] for each in batch]
        images = {key: open_image(key) for key in dict.fromkeys(key for _, key, _ in chosen)}
        return vlm.prepare([images[key] for _, key, _ in chosen], [text for _, _, text in chosen])

    following = ahead.submit(prepare, batches[0]) if batches else None
    for upcoming in [*batches[1:], None]:
        if following is None:
            return
        ready = following.result()
        following = None if upcoming is None else ahead.submit(prepare, upcoming)
        yield ready


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
        )
    )
