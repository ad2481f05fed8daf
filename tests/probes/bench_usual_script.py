"""A logit lens over one attribute, against the script that notebooks use, on the same model.

    python -m tests.probes.bench_usual_script [--items 16] [--threads 1]

The usual script: one item at a time, `output_hidden_states=True`, the whole vocabulary of every
layer at every position; and a careful one, that unembeds the last position only. Both get the
last layer right (it is normed already), so that all numbers can be compared. CPU seconds, taken
turn by turn in one process; memory above the weights, each in a process of its own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil
import torch

from data_prep.attributes import attribute
from probes import VLM, load_vlm
from probes.answers.scores import answer_log_probs
from probes.answers.tree import ANSWER_NODE, AnswerTree
from tests.probes.mid_size import mid_size_llava, noise_images

ROUNDS = 3
# Larger batches gain little on a CPU, and cost memory.
BATCH = {"float32": 2, "bfloat16": 6}
QUESTION = "What color is the large metal thing that is behind the small one?"


def one_token_answers(vlm: VLM) -> AnswerTree:
    """Colors, of which the small tokenizer knows every spelling: the script reads one position."""
    tree = vlm.answer_tree(QUESTION, attribute("color"))
    assert tree.parting == ((),)
    return tree


def usual(vlm: VLM, images: list, tree: AnswerTree, *, everywhere: bool) -> np.ndarray:
    """log2 p over the answers, [item, layer, answer], as notebooks compute it."""
    model: Any = vlm.model
    found = []
    decoder = model.get_decoder()
    answers = [tree.beginnings(answer) for answer in range(len(tree.answers))]
    for image in images:
        inputs = vlm.prepare([image], [QUESTION])
        with torch.no_grad():
            states = model(**inputs, output_hidden_states=True).hidden_states
            layers = []
            for layer, state in enumerate(states):
                read = state if everywhere else state[:, -1:]
                normed = read if layer == len(states) - 1 else decoder.norm(read)
                chances = model.lm_head(normed).float().softmax(-1)
                words = [chances[0, -1, list(ids)].sum() for ids in answers]
                layers.append(torch.stack(words))
        found.append(torch.stack(layers))
    sums = torch.stack(found)
    return (sums / sums.sum(-1, keepdim=True)).log2().numpy()


def ours(vlm: VLM, images: list, tree: AnswerTree) -> np.ndarray:
    batch = BATCH[str(vlm.dtype).removeprefix("torch.")]
    residuals = vlm.capture(images, [QUESTION] * len(images), batch)[:, None]
    return answer_log_probs(residuals, vlm.unembedding, [tree] * len(images), (ANSWER_NODE,))


def cpu_seconds(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def speed(folder: str, n_items: int, dtype: str) -> None:
    vlm, images = load_vlm(folder, dtype=dtype, device="cpu"), noise_images(n_items)
    tree = one_token_answers(vlm)
    ways = {
        "usual script": lambda: usual(vlm, images, tree, everywhere=True),
        "last position only": lambda: usual(vlm, images, tree, everywhere=False),
        "onset": lambda: ours(vlm, images, tree),
    }
    for way in list(ways.values())[1:]:
        way()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            seconds, found[name] = cpu_seconds(way)
            taken[name].append(seconds)
    best = {name: n_items / min(each) for name, each in taken.items()}
    largest = max(float(np.abs(found[name] - found["onset"]).max()) for name in ways)
    for name, rate in best.items():
        print(f"{dtype} {name}: {rate:.2f} items per CPU second")
    wanted = {"float32": "5", "bfloat16": "8"}[dtype]
    print(f"{dtype} onset / usual script: {best['onset'] / best['usual script']:.1f} "
          f"(at least {wanted} wanted); / last position only: "
          f"{best['onset'] / best['last position only']:.2f} (at least 1.4 wanted)")  # fmt: skip
    print(f"{dtype} largest difference in log2 p: {largest:.1e}")


def peak_mib(folder: str, dtype: str, way: str, n_items: int) -> float:
    """Above what the loaded model takes, watched every few milliseconds."""
    vlm, images = load_vlm(folder, dtype=dtype, device="cpu"), noise_images(n_items)
    tree = one_token_answers(vlm)
    process, over = psutil.Process(), Event()
    before = process.memory_info().rss
    seen = [before]

    def watch() -> None:
        while not over.wait(0.003):
            seen.append(process.memory_info().rss)

    watcher = Thread(target=watch)
    watcher.start()
    if way == "onset":
        ours(vlm, images, tree)
    else:
        usual(vlm, images, tree, everywhere=True)
    over.set()
    watcher.join()
    return (max(seen) - before) / 2**20


def memory(folder: str, n_items: int, dtype: str) -> None:
    peaks = {}
    for way in ("usual script", "onset"):
        command = [sys.executable, "-m", "tests.probes.bench_usual_script", "--folder", folder]
        command += ["--dtype", dtype, "--peak", way, "--items", str(n_items)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks[way] = float(printed)
    share = peaks["onset"] / peaks["usual script"]
    print(f"{dtype} peak memory above the weights: onset {peaks['onset']:.0f} MiB, usual script "
          f"{peaks['usual script']:.0f} MiB: {share:.2f} of it (at most .5 wanted)")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--peak")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak:
        print(peak_mib(options.folder, options.dtype, options.peak, options.items))
    else:
        with tempfile.TemporaryDirectory() as made:
            model = str(mid_size_llava(Path(made)))
            for precision in ("float32", "bfloat16"):
                speed(model, options.items, precision)
                memory(model, options.items, precision)
