"""All layers and penalties of a linear probe, side by side with scikit-learn.

    python tests/probes/bench_linear_probe.py [--layers 28] [--reference-layers 2]

Residuals are made up, with the power-law spectrum and the few dominant features of real ones.
scikit-learn goes along its path from strong to weak with a warm start, on some of the layers: its
time is per layer. Both run on the same thread setting, one after the other, layer by layer.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from probes.linear_probe.solver import fit_path
from probes.linear_probe.standardised import moments, standardised

N_ITEMS, N_TEST, WIDTH, N_ANSWERS = 2000, 1000, 2048, 4
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


class Held(NamedTuple):
    """What a path of probes does on held-out items, by penalty."""

    loss: np.ndarray
    correct: np.ndarray


def layer_of(number: int) -> tuple[torch.Tensor, np.ndarray]:
    """Standardised features of training and test items, and their answers."""
    rng = np.random.default_rng(number)
    turned, _ = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)).astype(np.float32))
    spectrum = np.arange(1, WIDTH + 1) ** -rng.uniform(0.5, 0.75)
    answer = rng.integers(N_ANSWERS, size=N_ITEMS + N_TEST)
    directions = 3 * rng.standard_normal((N_ANSWERS, WIDTH)) / WIDTH**0.5
    latent = rng.standard_normal((len(answer), WIDTH)) + rng.uniform(0.5, 2) * directions[answer]
    residuals = torch.from_numpy(((latent * spectrum).astype(np.float32)) @ turned.T)
    residuals *= torch.from_numpy(np.exp(rng.normal(0, 0.5, WIDTH))).float()
    residuals[:, :3] *= 50
    residuals = residuals[:, None]
    return standardised(residuals, *moments(residuals[:N_ITEMS])), answer


def ours(features: torch.Tensor, answer: np.ndarray) -> Held:
    labels = torch.from_numpy(answer)
    grid = torch.tensor([PENALTIES])
    path = fit_path(
        features[:, :N_ITEMS], labels[:N_ITEMS], n_answers=N_ANSWERS, inverse_penalties=grid
    )
    logits = path.weight[0] @ features[0, N_ITEMS:].T + path.bias[0][..., None]
    loss = path.losses(features[:, N_ITEMS:], labels[N_ITEMS:])[0].mean(-1)
    return Held(loss.numpy(), (logits.argmax(1) == labels[N_ITEMS:]).float().mean(-1).numpy())


def scikit_learn(tolerance: float, dtype: type) -> Callable[[torch.Tensor, np.ndarray], Held]:
    def fit(features: torch.Tensor, answer: np.ndarray) -> Held:
        wide = features[0].numpy().astype(dtype)
        model = LogisticRegression(tol=tolerance, max_iter=10_000, warm_start=True)
        losses, correct = [], []
        for c in PENALTIES:
            model.C = c
            model.fit(wide[:N_ITEMS], answer[:N_ITEMS])
            log_p = model.predict_log_proba(wide[N_ITEMS:])
            losses.append(-log_p[np.arange(N_TEST), answer[N_ITEMS:]].mean())
            correct.append((log_p.argmax(1) == answer[N_ITEMS:]).mean())
        return Held(np.array(losses), np.array(correct))

    return fit


def timed(work: Callable[[], Held]) -> tuple[Held, float, float]:
    """Result, seconds by the clock, seconds of processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def main(n_layers: int, n_reference: int, n_threads: int) -> None:
    torch.set_num_threads(n_threads)
    # Its float32 runs stop with a failed line search near their precision: that is their end.
    warnings.simplefilter("ignore", ConvergenceWarning)
    references = {
        "float64, tol 1e-7": scikit_learn(1e-7, np.float64),
        "float64, tol 1e-6": scikit_learn(1e-6, np.float64),
        "float32, tol 1e-6": scikit_learn(1e-6, np.float32),
        "float64, tol 1e-4": scikit_learn(1e-4, np.float64),
    }
    times: dict[str, list[tuple[float, float]]] = {"ours": [], **{name: [] for name in references}}
    apart: dict[str, list[Held]] = {"ours": [], **{name: [] for name in references}}
    for number in range(n_layers):
        features, answer = layer_of(number)
        found, *spent = timed(lambda f=features, a=answer: ours(f, a))
        times["ours"].append((spent[0], spent[1]))
        if number >= n_reference:
            continue
        exact: Held | None = None
        for name, fit in references.items():
            held, *spent = timed(lambda f=features, a=answer, fit=fit: fit(f, a))
            exact = exact or held
            times[name].append((spent[0], spent[1]))
            apart[name].append(Held(*(np.abs(x - y) for x, y in zip(held, exact, strict=True))))
            if name == "float64, tol 1e-7":
                difference = (np.abs(x - y) for x, y in zip(found, exact, strict=True))
                apart["ours"].append(Held(*difference))
    print(
        f"{n_layers} layers x {len(PENALTIES)} penalties x {N_ITEMS} items x d={WIDTH}, "
        f"{N_ANSWERS} answers, {n_threads} thread(s); seconds per layer (median), and the largest "
        f"difference to scikit-learn float64 tol 1e-7 on {N_TEST} held-out items"
    )
    for name, spent in times.items():
        clock, processor = (statistics.median(each) for each in zip(*spent, strict=True))
        loss = max(held.loss.max() for held in apart[name])
        correct = max(held.correct.max() for held in apart[name])
        print(
            f"{name:>18}: {clock:6.2f} s clock {processor:6.2f} s processor   "
            f"log-loss {loss:.4f} nats   accuracy {correct:.4f}   ({len(spent)} layers)"
        )
    total = sum(clock for clock, _ in times["ours"])
    print(f"all {n_layers} layers of ours: {total:.1f} s")
    for name, wanted in (("float64, tol 1e-6", 1 / 5), ("float32, tol 1e-6", 1 / 3)):
        pairs = zip(times["ours"], times[name], strict=False)
        ratios = [(mine[0] / theirs[0], mine[1] / theirs[1]) for mine, theirs in pairs]
        clock, processor = (statistics.median(each) for each in zip(*ratios, strict=True))
        print(
            f"ours / {name}: {clock:.3f} of its time by the clock, {processor:.3f} of its "
            f"processor time (at most {wanted:.3f} wanted)"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--reference-layers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    main(options.layers, options.reference_layers, options.threads)
