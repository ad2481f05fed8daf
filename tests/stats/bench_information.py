"""Information of 1,536 items, 8 answers and 33 layers: its time, and how close it comes to scipy.

python tests/stats/bench_information.py [--layers 33]
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import time

import numpy as np
from scipy.optimize import minimize

from stats import information
from stats.information import sample_of
from stats.readers import Sample, fit_readers, standardised
from stats.scenes import item_weights

N_ITEMS, N_ANSWERS = 1536, 8
MOST_SECONDS, MOST_BITS = 2.0, 0.002


def planted(n_layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores in which evidence and loudness grow from layer to layer."""
    rng = np.random.default_rng(0)
    answers = rng.integers(0, N_ANSWERS, N_ITEMS)
    scores = rng.standard_normal((N_ITEMS, N_ANSWERS, n_layers))
    scores[np.arange(N_ITEMS), answers] += np.linspace(0, 4, n_layers)
    return scores * np.geomspace(0.1, 10, n_layers), answers


def by_scipy(sample: Sample, layer: int, *, offsets: bool) -> np.ndarray:
    """s, c and offsets of the same penalised likelihood by L-BFGS-B to tolerance 1e-10."""
    scores, ridge = sample.scores[layer], sample.ridge
    onehot = np.eye(N_ANSWERS)[sample.answers].T

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scale, exponent, free = parameters[0], parameters[1], parameters[2:]
        logits = scale * scores + (exponent * sample.log_prior + free)[:, None]
        logits -= logits.max(axis=0)
        log_q = logits - np.log(np.exp(logits).sum(axis=0))
        surplus = (np.exp(log_q) - onehot) * sample.weight
        target = np.array([0.0, 1.0, *[0.0] * N_ANSWERS])
        gradient = np.array([(surplus * scores).sum(), surplus.sum(axis=1) @ sample.log_prior,
                             *surplus.sum(axis=1)]) + (parameters - target) * ridge  # fmt: skip
        if not offsets:
            gradient[2:] = 0
        square = np.square(parameters - target).sum() * ridge / 2
        return float(-(log_q * onehot).sum(axis=0) @ sample.weight + square), gradient

    start = np.array([0.0, 1.0, *[0.0] * N_ANSWERS])
    bounds = [(0, 50), (0, None), *[(None, None)] * N_ANSWERS]
    options = {"ftol": 1e-10, "gtol": 1e-10, "maxiter": 10_000, "maxfun": 100_000}
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def bits_of(parameters: np.ndarray, sample: Sample, layer: int) -> np.ndarray:
    logits = parameters[0] * sample.scores[layer]
    logits += (parameters[1] * sample.log_prior + parameters[2:])[:, None]
    logits -= logits.max(axis=0)
    log_q = logits - np.log(np.exp(logits).sum(axis=0))
    return log_q[sample.answers, np.arange(len(sample.answers))] / np.log(2)


def compared(scores: np.ndarray, answers: np.ndarray, *, offsets: bool) -> tuple[float, float]:
    """Largest difference of an item's bits, and scipy's seconds for one fit of all layers."""
    weight = item_weights(np.arange(N_ITEMS))
    sample = sample_of(standardised(scores, weight).scores, answers, weight, N_ITEMS)
    ours = fit_readers(sample, offsets=offsets)
    worst, seconds = 0.0, 0.0
    for layer in range(scores.shape[2]):
        start = time.perf_counter()
        theirs = by_scipy(sample, layer, offsets=offsets)
        seconds += time.perf_counter() - start
        own = np.array([ours.scale[layer], ours.prior_exponent[layer], *ours.offsets[layer]])
        difference = bits_of(own, sample, layer) - bits_of(theirs, sample, layer)
        worst = max(worst, float(np.abs(difference).max()))
    return worst, seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=33)
    scores, answers = planted(parser.parse_args().layers)
    for offsets in (False, True):
        start = time.perf_counter()
        information(scores, answers, np.arange(N_ITEMS), rng=np.random.default_rng(0),
                    offsets=offsets)  # fmt: skip
        ours = time.perf_counter() - start
        worst, seconds = compared(scores, answers, offsets=offsets)
        name = "scale, prior and offsets" if offsets else "scale and prior"
        print(
            f"{name}: {ours:.2f} s for 6 fits of {scores.shape[2]} layers (at most "
            f"{MOST_SECONDS:g} wanted); scipy L-BFGS-B {6 * seconds:.1f} s for as many, "
            f"{6 * seconds / ours:.0f} x; largest difference of an item's bits {worst:.1e} (at "
            f"most {MOST_BITS} wanted)"
        )
