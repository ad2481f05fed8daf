"""Capture against the bare forward pass of the same batches, and its memory by number of items.

    python tests/probes/bench_capture.py [--model FOLDER]

Ratios count, times do not: the two run alternately in one process.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from data_prep.questions import referring_questions
from data_prep.sources import open_data
from probes import load_vlm
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.store import ResidualStore

BATCH, BATCHES, ROUNDS = 32, 4, 5


def rows_of(data, n_rows: int) -> list[tuple[str, str, str]]:
    """As many questions as asked for; scenes come again when they run out."""
    asked = [
        (scene.image, referring_questions(scene, "color")[0].text)
        for scene in data.scenes
        if referring_questions(scene, "color")
    ]
    return [(str(k), *asked[k % len(asked)]) for k in range(n_rows)]


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speed(model: str) -> None:
    data, vlm = open_data("bundled"), load_vlm(model)
    rows = rows_of(data, BATCH * BATCHES)
    batches = [
        vlm.prepare([data.open_image(key) for _, key, _ in part], [text for *_, text in part])
        for part in (rows[k : k + BATCH] for k in range(0, len(rows), BATCH))
    ]
    buffer = vlm.new_buffer(BATCH)

    def bare() -> None:
        with torch.inference_mode():
            for inputs in batches:
                vlm.model.base_model(**inputs, use_cache=False)

    def capture() -> None:
        for inputs in batches:
            vlm.residuals_into(inputs, buffer)

    def to_store() -> None:
        with tempfile.TemporaryDirectory() as folder:
            ids = [row_id for row_id, *_ in rows]
            spec = store_spec(vlm, rows, study_hash="bench")
            store = ResidualStore.open_or_create(Path(folder), spec, ids)
            capture_to_store(vlm, rows, data.open_image, store)

    bare()
    capture()
    measured = [(seconds(bare), seconds(capture), seconds(to_store)) for _ in range(ROUNDS)]
    rate = len(rows) / statistics.median(time for time, *_ in measured)
    ratio = statistics.median(bare_s / capture_s for bare_s, capture_s, _ in measured)
    whole = statistics.median(bare_s / store_s for bare_s, _, store_s in measured)
    print(f"bare forward pass: {rate:.0f} items/s, batches of {BATCH}, float32")
    print(f"capture: {ratio:.2f} of the bare rate (at least .9 wanted)")
    print(f"capture with images opened, prepared and the store written: {whole:.2f} of it")


def peak_mib(model: str, n_rows: int) -> float:
    """Of a process that captures so many items into a store."""
    data, vlm = open_data("bundled"), load_vlm(model)
    rows = rows_of(data, n_rows)
    ids = [row_id for row_id, *_ in rows]
    with tempfile.TemporaryDirectory() as folder:
        store = ResidualStore.open_or_create(
            Path(folder), store_spec(vlm, rows, study_hash="bench"), ids
        )
        capture_to_store(vlm, rows, data.open_image, store)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory(model: str) -> None:
    for n_rows in (512, 1024, 2048):
        command = [sys.executable, __file__, "--model", model, "--peak", str(n_rows)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"peak memory for {n_rows} items: {float(printed):.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--peak", type=int)
    options = parser.parse_args()
    if options.peak:
        print(peak_mib(options.model, options.peak))
    else:
        speed(options.model)
        memory(options.model)
