"""The statistics and tables of 15,000 scenes, 29 layers and 8 answers, on one thread; CPU seconds.

python tests/analysis/bench_many_scenes.py [--scenes 15000] [--items-a-scene 1]

The relabelling is shown beside the dense product of zeros and ones that it stands for.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd

from analysis.emergence.estimates import Estimates, estimate
from analysis.emergence.tables import effect_rows, score_rows
from analysis.readouts.taken import Readings
from analysis.run.folder import claim
from analysis.run.scene_values import common_effects
from analysis.run.study import Study
from stats.relabelling import relabelling_p
from tests.analysis.planted import bits
from tests.stats.test_relabelling import by_dense_product

N_LAYERS, N_ANSWERS, N_TEXTS = 29, 8, 6
MOST_SECONDS = 60.0
KEY = ["attribute", "readout"]


def planted(n_scenes: int, per_scene: int) -> Readings:
    """Right answers stand out from layer 10 on; every scene is asked texts of its own."""
    rng = np.random.default_rng(0)
    scene = np.repeat(np.arange(n_scenes), per_scene)
    answer = rng.integers(0, N_ANSWERS, len(scene))
    first = np.repeat(rng.integers(0, N_TEXTS, n_scenes), per_scene)
    text = first * per_scene + np.tile(np.arange(per_scene), n_scenes)
    items = pd.DataFrame({
        "item_id": [f"s{one:06d}/color/{place}" for place, one in enumerate(scene)],
        "scene_id": [f"s{one:06d}" for one in scene], "attribute": "color",
        "template": "referring", "question": [f"text {one}" for one in text],
        "answer": [f"a{one}" for one in answer], "image": "s.png", "n_objects": 2,
    })  # fmt: skip
    strength = 3 * np.clip((np.arange(N_LAYERS) - 10) / 8, 0, 1)
    told = np.eye(N_ANSWERS)[answer][:, None, :] * strength[:, None]
    real, blank = (bits(each + rng.standard_normal(told.shape)) for each in (told, 0 * told))
    return Readings(
        items=items, answers=tuple(f"a{one}" for one in range(N_ANSWERS)), answer_index=answer,
        real=real, blank=blank, swapped=None, notes=(),
    )  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def relabellings(n_items: int) -> None:
    rng = np.random.default_rng(0)
    standard = rng.standard_normal((n_items, N_ANSWERS, N_LAYERS)) / np.sqrt(n_items)
    labels = rng.integers(N_ANSWERS, size=n_items)

    def relabelled(stream: np.random.Generator, number: int) -> np.ndarray:
        return stream.permuted(np.tile(labels, (number, 1)), axis=1)

    for name, work in (("dense", by_dense_product), ("sparse", relabelling_p)):
        spent = seconds(
            lambda work=work: work(
                standard, labels, relabelled, windows=[(22, 28)], rng=np.random.default_rng(1),
                n_resamples=10_000,
            )
        )  # fmt: skip
        print(f"  10,000 relabellings of {n_items:,} items, {name}: {spent:.1f} s", flush=True)


def tables(readings: Readings, found: Estimates) -> None:
    """What a further finding costs beside many, and what is read of one."""
    with tempfile.TemporaryDirectory() as folder:
        run = claim(Path(folder) / "run", Study(), model_revision="x", data_fingerprint="f" * 64)
        for number in range(3):
            readout = f"readout_{number}"
            scores = score_rows(found, readings, readout)
            spent = seconds(lambda scores=scores: run.replace_rows("scores", scores, key=KEY))
            effects = effect_rows(found, readings, readout)
            spent += seconds(lambda effects=effects: run.replace_rows("effects", effects, key=KEY))
            print(f"  finding {number + 1}: {len(scores):,} rows written in {spent:.1f} s")
        size = sum(path.stat().st_size for path in run.folder.rglob("*.parquet") if path.is_file())
        print(f"  {size / 3 / 2**20:.1f} MiB a finding")
        spent = seconds(lambda: common_effects(run, [("color", "readout_0")]))
        print(f"  effects of one finding read in {spent:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=int, default=15_000)
    parser.add_argument("--items-a-scene", type=int, default=1)
    chosen = parser.parse_args()
    readings = planted(chosen.scenes, chosen.items_a_scene)
    print(f"{chosen.scenes:,} scenes, {len(readings.items):,} items, CPU seconds")
    relabellings(len(readings.items))
    found: list[Estimates] = []
    spent = seconds(lambda: found.append(estimate(readings, Study(), key=0)))
    verdict = "within" if spent <= MOST_SECONDS else "ABOVE"
    print(f"  all statistics of a finding: {spent:.1f} s, {verdict} {MOST_SECONDS:g} s", flush=True)
    tables(readings, found[0])
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
