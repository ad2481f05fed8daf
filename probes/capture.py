"""Capture of residual streams into a store: shard by shard, resumable, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image
from transformers import BatchFeature

from data_prep.errors import UserError
from probes.store import ResidualStore, StoreSpec, digest_of
from probes.vlm import VLM, require_finite

Row = tuple[str, str, str]
"""(row id, image key, question)"""


def store_spec(
    vlm: VLM,
    row_ids: Sequence[str],
    *,
    study_hash: str,
    shard_size: int = 256,
    batch_size: int = 32,
) -> StoreSpec:
    """The spec of a store for these rows and this model."""
    return StoreSpec(
        study_hash=study_hash,
        model=vlm.name,
        revision=vlm.revision,
        dtype=str(vlm.dtype).removeprefix("torch."),
        n_layers=vlm.n_layers,
        d_model=vlm.d_model,
        n_rows=len(row_ids),
        row_ids_sha256=digest_of(row_ids),
        shard_size=shard_size,
        batch_size=batch_size,
    )


def capture_to_store(
    vlm: VLM,
    rows: Sequence[Row],
    open_image: Callable[[str], Image.Image],
    store: ResidualStore,
    *,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Capture the shards that `store` does not have yet.

    Memory is that of one shard and two batches, whatever the number of rows. `progress` is
    called with the number of rows that have just been done, for those already there too.
    UserError, with all whole shards kept, if a residual is not finite or the disk is full.
    """
    _require_same(vlm, rows, store)
    missing = store.missing_shards()
    if progress is not None:
        done = set(range(store.spec.n_shards)) - set(missing)
        progress(sum(len(store.rows_of(shard)) for shard in done))
    buffer = vlm.new_buffer(min(store.spec.shard_size, len(rows)))
    batches = _batches(store, missing)
    with ThreadPoolExecutor(max_workers=1) as ahead:
        prepared = _prepared_ahead(vlm, rows, open_image, batches, ahead)
        for shard in missing:
            shard_rows = store.rows_of(shard)
            for batch in _batches(store, [shard]):
                part = buffer[batch.start - shard_rows.start : batch.stop - shard_rows.start]
                vlm.residuals_into(next(prepared), part)
                require_finite(part, [rows[row][0] for row in batch])
                if progress is not None:
                    progress(len(batch))
            store.write_shard(shard, buffer[: len(shard_rows)])


def _batches(store: ResidualStore, shards: Sequence[int]) -> list[range]:
    """Batches never cross a shard, so that what is in them does not depend on what was there."""
    size = store.spec.batch_size
    return [
        rows[start : start + size]
        for rows in map(store.rows_of, shards)
        for start in range(0, len(rows), size)
    ]


def _prepared_ahead(
    vlm: VLM,
    rows: Sequence[Row],
    open_image: Callable[[str], Image.Image],
    batches: Sequence[range],
    ahead: ThreadPoolExecutor,
) -> Iterator[BatchFeature]:
    """Inputs batch by batch; the next ones are made while the model works on these."""

    def prepare(batch: range) -> BatchFeature:
        chosen = [rows[row] for row in batch]
        images = {key: open_image(key) for key in dict.fromkeys(key for _, key, _ in chosen)}
        return vlm.prepare([images[key] for _, key, _ in chosen], [text for _, _, text in chosen])

    following = ahead.submit(prepare, batches[0]) if batches else None
    for upcoming in [*batches[1:], None]:
        if following is None:
            return
        ready = following.result()
        following = None if upcoming is None else ahead.submit(prepare, upcoming)
        yield ready


def _require_same(vlm: VLM, rows: Sequence[Row], store: ResidualStore) -> None:
    spec = store.spec
    wanted = store_spec(
        vlm,
        [row_id for row_id, _, _ in rows],
        study_hash=spec.study_hash,
        shard_size=spec.shard_size,
        batch_size=spec.batch_size,
    )
    if not rows:
        raise UserError("need at least one row to capture, got none")
    store.require(wanted)
