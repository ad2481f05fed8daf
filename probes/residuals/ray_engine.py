"""Shards captured by a pool of Ray Data actors: several GPUs, or several machines.

Ray places the actors, starts them anew when they die, and moves what they return. A shard comes
back to the driver, which alone writes the store: workers need no file system in common with it.
"""

import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from data_prep.errors import UserError
from probes.residuals.capture import CapturedShards
from probes.residuals.shards import CaptureJob, Progress, capture_shards
from probes.vlm import VLM

Row = dict[str, Any]
# Ray Data's threads that ask Ray for blocks; others wait for orders, and are never told to end.
_ASKING = ("iter_threaded", "StreamingExecutor")
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RayEngine:
    """An engine for `capture_to_store`; UserError if Ray is missing or a worker cannot go on.

    The cluster is that of RAY_ADDRESS; without it, this machine is one of its own.
    """

    load: Callable[[], VLM]
    """Loads the model on a worker, on the worker's device."""
    device: str = "cpu"
    """The device on which a worker's model runs. With "cuda" there is one worker per GPU of the
    cluster, otherwise one per as many CPUs as torch has threads here."""

    def __call__(
        self, vlm: VLM, job: CaptureJob, shards: Mapping[int, range], progress: Progress
    ) -> CapturedShards:
        if not shards:
            return
        with _connected():
            import ray
            from ray.exceptions import RayError

            # Held here, so that a worker that is started anew finds it.
            shared = ray.put((self.load, job, vlm.revision))
            try:
                # Closed before Ray is, which does not survive a stream that is left open.
                with _threads_ended(), closing(self._rows(shared, shards)) as rows:
                    for row in rows:
                        if row["refusal"]:
                            raise UserError(row["refusal"])
                        yield row["shard"], _tensor_of(row)
                        progress(row["stop"] - row["start"])
            except RayError as error:
                raise UserError(
                    f"the Ray workers cannot go on ({_last_line(error)}): see Ray's logs, and run "
                    "again; what is already captured is kept"
                ) from error

    def _rows(self, shared: Any, shards: Mapping[int, range]) -> Generator[Row, None, None]:
        import ray.data

        cpus = _cpus_of_a_worker()
        # "auto" means the same as on one machine: accelerators where there are any.
        has_gpus = ray.cluster_resources().get("GPU", 0) > 0
        on_gpus = self.device.startswith("cuda") or (self.device == "auto" and has_gpus)
        n_workers = _room_for("GPU", 1) if on_gpus else _room_for("CPU", cpus)
        rows = [
            {"shard": number, "start": passes.start, "stop": passes.stop}
            for number, passes in shards.items()
        ]
        captured = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Worker,
            fn_constructor_args=(shared, torch.get_num_threads()),
            compute=ray.data.ActorPoolStrategy(size=min(n_workers, len(rows))),
            batch_size=1,
            num_gpus=1 if on_gpus else None,
            num_cpus=0 if on_gpus else cpus,
        )
        yield from captured.iter_rows()


class _Worker:
    """An actor: a loaded model, and the shards that it is given."""

    def __init__(self, shared: Any, n_threads: int) -> None:
        import ray

        # As many as on the driver: sums that are split otherwise are rounded otherwise.
        torch.set_num_threads(n_threads)
        self._load, self._job, self._revision = ray.get(shared)
        self._vlm: VLM | None = None

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        # A refusal is sent back: raised here, it would arrive as a page of other people's frames.
        bounds = [int(batch[name][0]) for name in ("start", "stop")]
        try:
            (residuals,) = capture_shards(self._loaded(), self._job, [range(*bounds)])
        except UserError as error:
            return {**batch, "refusal": [str(error)], **_columns_of(torch.empty(0))}
        return {**batch, "refusal": [""], **_columns_of(residuals)}

    def _loaded(self) -> VLM:
        if self._vlm is not None:
            return self._vlm
        vlm = self._load()
        if vlm.revision != self._revision:
            raise UserError(
                f"a Ray worker has another model as {vlm.name} (revision {vlm.revision}, here "
                f"{self._revision}): copy the same model to every node"
            )
        self._vlm = vlm
        return vlm


def _columns_of(residuals: torch.Tensor) -> dict[str, Any]:
    """The residuals as bytes, since numpy knows no bfloat16."""
    return {
        "content": [residuals.contiguous().flatten().view(torch.uint8).numpy().tobytes()],
        "shape": [list(residuals.shape)],
        "dtype": [str(residuals.dtype).removeprefix("torch.")],
    }


def _tensor_of(row: Row) -> torch.Tensor:
    flat = torch.frombuffer(bytearray(row["content"]), dtype=getattr(torch, row["dtype"]))
    return flat.reshape([int(length) for length in row["shape"]])


def _cpus_of_a_worker() -> int:
    """The CPUs of a worker: as many as it has threads, but no more than the smallest node has."""
    return max(1, min([torch.get_num_threads(), *(int(n) for n in _on_nodes("CPU") if n)]))


def _room_for(what: str, each: int) -> int:
    """Workers that the cluster has room for, if each needs so many of `what`."""
    room = sum(int(n // each) for n in _on_nodes(what))
    if not room:
        raise UserError(f"the Ray cluster has no {what}: add a node with one, or use --device cpu")
    return room


def _on_nodes(what: str) -> list[float]:
    import ray

    return [float(node["Resources"].get(what, 0)) for node in ray.nodes() if node["Alive"]]


def _last_line(error: Exception) -> str:
    """The last line of an error, which is often a traceback from a worker."""
    return str(error).strip().splitlines()[-1][:200]


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


@contextmanager
def _threads_ended() -> Iterator[None]:
    """Waits, at the end, for the threads that Ray Data has begun meanwhile.

    A closed stream leaves them behind, and one that still asks Ray for a block when Ray is shut
    down takes this whole process down with it.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith(_ASKING):
                thread.join(_PATIENCE_S)


@contextmanager
def _connected() -> Iterator[None]:
    """Ray for as long as it is needed, without its messages and without a call home."""
    if importlib.util.find_spec("ray") is None:
        raise UserError(
            "--engine ray needs Ray, which is not installed: pip install 'onset[ray]' (in a "
            "checkout: pip install -e '.[ray]'), or use --engine local"
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Its errors of lower rank are about how Ray Data itself uses Ray.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray
    from ray.data import DataContext

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ours = not ray.is_initialized()
    try:
        if ours:
            ray.init(
                # Not as Ray would: it looks for a cluster in a file that a dead one leaves behind.
                address=os.environ.get("RAY_ADDRESS") or "local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"cannot reach the Ray cluster ({_reason(error)}): is RAY_ADDRESS right? Without it, "
            "this machine alone is used"
        ) from error
    try:
        context = DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        yield
    finally:
        if ours:
            ray.shutdown()
