"""Capture with an answer tree against capture at the answer position alone.

    python tests/probes/bench_answer_trees.py

A random LLaVA of 146 million parameters, batches of 8, a tree of 3 extra nodes: two on one path,
one on another. Three ways run in turn in one process: the answer position alone, the nodes from the
prompt's cache, and the nodes by passes of their own. Ratios of CPU seconds count, times do not.
"""

import statistics
import tempfile
import time
from pathlib import Path

from probes import load_vlm
from probes.answers.tree import ANSWER_NODE, Node
from probes.residuals.forced import residuals_at_nodes
from tests.probes.mid_size import mid_size_llava, noise_images

BATCH, ROUNDS = 8, 5
NODES = (ANSWER_NODE, Node(forced=(7,)), Node(forced=(7, 8)), Node(forced=(9,)))


def cpu_seconds(work) -> float:
    """Of all threads of this process: a busy machine does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        vlm = load_vlm(mid_size_llava(Path(folder)), device="cpu")
    inputs = vlm.prepare(noise_images(BATCH), ["What color is it?"] * BATCH)
    alone, buffer = vlm.new_buffer(BATCH), vlm.new_buffer(BATCH * len(NODES))

    def ways() -> tuple[float, ...]:
        return (
            cpu_seconds(lambda: vlm.residuals_into(inputs, alone)),
            cpu_seconds(lambda: residuals_at_nodes(vlm, inputs, NODES, buffer, way="cache")),
            cpu_seconds(lambda: residuals_at_nodes(vlm, inputs, NODES, buffer, way="passes")),
        )

    ways()
    measured = [ways() for _ in range(ROUNDS)]
    n_tokens = inputs["input_ids"].shape[1]
    print(f"answer position alone: 1.00 ({BATCH} items of {n_tokens} tokens, 146 M, float32)")
    for name, place, most in (("from the cache", 1, 1.25), ("by passes of their own", 2, None)):
        ratio = statistics.median(each[place] / each[0] for each in measured)
        wanted = f" (at most {most} wanted)" if most else ""
        print(f"with 3 extra nodes {name}: {ratio:.2f} of its cost{wanted}")


if __name__ == "__main__":
    main()
