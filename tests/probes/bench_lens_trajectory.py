"""The lens from layer to layer against the plain computation with everything in memory.

    python tests/probes/bench_lens_trajectory.py [--tokens 64] [--layers 28] [--vocabulary 151936]

Each way runs in a process of its own, on one thread, with the same random weights: CPU seconds,
and the memory on top of weights and residuals, as resident size sampled every 5 ms. Both compute
top-10, entropy, KL to the final layer and Jensen-Shannon divergence between adjacent layers.
"""

import argparse
import json
import math
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import psutil
import torch

from probes.lens_trajectory import lens_trajectory
from probes.unembedding import FinalNorm, Unembedding

K = 10
Numbers = dict[str, list[float]]


def inputs(options: argparse.Namespace) -> tuple[torch.Tensor, Unembedding]:
    """Residuals that grow from layer to layer, as those of models do, and a head."""
    generator = torch.Generator().manual_seed(0)
    dtype = getattr(torch, options.weights)
    shape = (options.tokens, options.layers, options.width)
    residuals = torch.randn(shape, generator=generator).cumsum_(1).to(dtype)
    head = torch.randn(options.vocabulary, options.width, generator=generator).mul_(0.05).to(dtype)
    norm = FinalNorm(kind="rms", weight=torch.ones(options.width, dtype=dtype), bias=None, eps=1e-6)
    return residuals, Unembedding(norm=norm, head=head, bias=None, scale=1.0, soft_cap=None)


def plain(residuals: torch.Tensor, unembedding: Unembedding) -> Numbers:
    """From the definitions, one after the other."""
    logits = unembedding.norm(residuals).float() @ unembedding.head.float().T
    p, log_p = logits.softmax(-1), logits.log_softmax(-1)
    top = p.topk(K).values
    entropy = -(p * log_p).sum(-1)
    kl = (p[:, -1:] * (log_p[:, -1:] - log_p)).sum(-1)
    log_mixture = ((p[:, 1:] + p[:, :-1]) / 2).log()
    later, earlier = (
        (p[:, part] * (log_p[:, part] - log_mixture)).sum(-1)
        for part in (slice(1, None), slice(0, -1))
    )
    bits = {"entropy": entropy, "KL": kl, "JSD": (later + earlier) / 2}
    numbers = {name: (each / math.log(2)).flatten().tolist() for name, each in bits.items()}
    return {"probabilities": top.flatten().tolist(), **numbers}


def ours(residuals: torch.Tensor, unembedding: Unembedding) -> Numbers:
    """With the divergence from the final layer besides."""
    found = lens_trajectory(residuals, unembedding, k=K)
    return {
        "probabilities": found.probabilities.ravel().tolist(),
        "entropy": found.entropy_bits.ravel().tolist(),
        "KL": found.kl_to_final_bits.ravel().tolist(),
        "JSD": found.jsd_adjacent_bits.ravel().tolist(),
    }


def measure(options: argparse.Namespace) -> None:
    """In a process of its own: runs one way and prints its cost and numbers as JSON."""
    torch.set_num_threads(1)
    residuals, unembedding = inputs(options)
    process, peak, done = psutil.Process(), 0, threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    before = process.memory_info().rss
    sampler = threading.Thread(target=sample)
    sampler.start()
    start = time.process_time()
    with torch.no_grad():
        numbers = {"plain": plain, "ours": ours}[options.way](residuals, unembedding)
    seconds = time.process_time() - start
    done.set()
    sampler.join()
    print(json.dumps({"seconds": seconds, "bytes": peak - before, "numbers": numbers}))


def measured(options: argparse.Namespace, way: str, weights: str) -> dict[str, Any]:
    sizes = [f"--{n}={getattr(options, n)}" for n in ("tokens", "layers", "width", "vocabulary")]
    command = [sys.executable, __file__, *sizes, "--way", way, "--weights", weights]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def main(options: argparse.Namespace) -> None:
    print(f"[{options.layers} layers, {options.tokens} tokens, vocabulary {options.vocabulary:,}], "
          f"d = {options.width:,}")  # fmt: skip
    for weights in ("float32", "bfloat16"):
        one, other = (measured(options, way, weights) for way in ("plain", "ours"))
        print(f"weights in {weights}")
        for way, cost in (("plain", one), ("ours", other)):
            print(f"  {way:6s} {cost['seconds']:6.1f} CPU s  +{cost['bytes'] / 2**20:6.0f} MiB")
        for name, values in one["numbers"].items():
            worst = np.abs(np.subtract(other["numbers"][name], values)).max()
            print(f"  largest difference in {name}: {worst:.1e}")
        print(
            f"  {one['seconds'] / other['seconds']:.2f}x as fast (2 wanted), "
            f"{other['bytes'] / one['bytes']:.3f} of the memory (.100 wanted)",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, size in (("tokens", 64), ("layers", 28), ("width", 1536), ("vocabulary", 151_936)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--way", choices=("plain", "ours"))
    parser.add_argument("--weights", default="float32")
    options = parser.parse_args()
    (measure if options.way else main)(options)
