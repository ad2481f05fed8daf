"""The resampling engines beside scipy, MNE and the bare minimum of work; prints, asserts nothing.

One and two threads are two processes, because the number of BLAS threads is set at start. Run
with `python tests/stats/bench_resampling.py`; `--quick` leaves the 1,000,000-scene curve out.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
N_SCENES, N_STATES, N_RESAMPLES = 200, 33, 10_000
CURVE = (10_000, 30_000, 100_000, 300_000, 1_000_000)
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def best_seconds(work: Callable[[], object], *, repeats: int) -> float:
    """Least time of several runs: what the machine can do when nothing else disturbs it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def compare() -> None:
    import numpy as np
    from scipy.stats import bootstrap, permutation_test

    from stats import cluster_bootstrap, sign_flip_max_t
    from stats.bootstrap import Method

    rng = np.random.default_rng(0)
    effect = rng.standard_normal((N_SCENES, N_STATES)) + 0.2
    scenes = np.arange(N_SCENES)

    def scipy_bootstrap(batch: int | None) -> object:
        return bootstrap(
            (effect,), np.mean, axis=0, vectorized=True, n_resamples=N_RESAMPLES, batch=batch,
            method="percentile", rng=np.random.default_rng(1),
        )  # fmt: skip

    def scipy_signs(batch: int | None) -> object:
        # Layers in the leading axis: samples are flipped along the last.
        return permutation_test(
            (effect.T,), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
            vectorized=True, n_resamples=N_RESAMPLES, batch=batch, axis=-1,
            rng=np.random.default_rng(1),
        )  # fmt: skip

    def bare_bootstrap() -> object:
        draws = np.random.default_rng(1).integers(
            N_SCENES, size=(N_RESAMPLES, N_SCENES), dtype="u2"
        )
        return draws, weights @ effect

    def bare_signs() -> object:
        return np.random.default_rng(1).bytes(N_RESAMPLES * N_SCENES // 8), signs @ effect

    weights = rng.integers(3, size=(N_RESAMPLES, N_SCENES)).astype(float)
    signs = rng.choice([-1.0, 1.0], size=(N_RESAMPLES, N_SCENES))

    def ours(method: Method) -> Callable[[], object]:
        return lambda: cluster_bootstrap(
            effect, scenes, rng=np.random.default_rng(1), n_resamples=N_RESAMPLES, method=method
        )

    def our_signs() -> object:
        return sign_flip_max_t(
            effect, rng=np.random.default_rng(1), n_resamples=N_RESAMPLES, tail="two-sided"
        )

    print(f"{N_SCENES} scenes, {N_STATES} layers, {N_RESAMPLES} resamples; least of several runs")
    base = best_seconds(ours("percentile"), repeats=9)
    line("bootstrap percentile, ours", base)
    line("bootstrap-t, ours", best_seconds(ours("studentized"), repeats=5))
    line("bare random numbers + product", best_seconds(bare_bootstrap, repeats=9), base)
    line("scipy, default batch", best_seconds(lambda: scipy_bootstrap(None), repeats=2), base)
    by_batch = {
        batch: best_seconds(lambda batch=batch: scipy_bootstrap(batch), repeats=2)
        for batch in (10, 30, 100, 300)
    }
    batch = min(by_batch, key=lambda size: by_batch[size])
    line(f"scipy, best batch ({batch})", by_batch[batch], base)

    base = best_seconds(our_signs, repeats=9)
    line("sign-flip max-T, ours", base)
    line("bare random bits + product", best_seconds(bare_signs, repeats=9), base)
    line("scipy, default batch", best_seconds(lambda: scipy_signs(None), repeats=1), base)
    by_batch = {
        batch: best_seconds(lambda batch=batch: scipy_signs(batch), repeats=1)
        for batch in (10, 30, 100, 300)
    }
    batch = min(by_batch, key=lambda size: by_batch[size])
    line(f"scipy, best batch ({batch})", by_batch[batch], base)
    try:
        from mne.stats import permutation_t_test
    except ImportError:
        print("  MNE is not installed: left out")
        return
    seconds = best_seconds(
        lambda: permutation_t_test(effect, n_permutations=N_RESAMPLES, rng=1, verbose="ERROR"),
        repeats=3,
    )
    line("MNE permutation_t_test", seconds, base)


def line(name: str, seconds: float, base: float | None = None) -> None:
    ratio = f"{seconds / base:7.2f} x ours" if base else ""
    print(f"  {name:34s} {1e3 * seconds:9.1f} ms  {ratio}", flush=True)


def curve() -> None:
    import numpy as np

    from stats import resampled_means

    print(f"{N_STATES} layers, means of resamples; seconds for {N_RESAMPLES} from the slope")
    for n_scenes in CURVE:
        effect = np.random.default_rng(0).standard_normal((n_scenes, N_STATES))
        few = max(32, 2_000_000 // n_scenes // 32 * 32)
        seconds = []
        # Two sizes, so that what is done once for the table of scenes is not multiplied.
        for n_resamples in (few, 4 * few):
            start = time.perf_counter()
            resampled_means(effect, rng=np.random.default_rng(1), n_resamples=n_resamples)
            seconds.append(time.perf_counter() - start)
        total = seconds[0] + (seconds[1] - seconds[0]) / (3 * few) * (N_RESAMPLES - few)
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"  {n_scenes:9,d} scenes {total:9.1f} s = {1e6 * total / n_scenes:6.0f} us a "
            f"scene, peak so far {peak_gb:.2f} GB",
            flush=True,
        )


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in ("compare", "curve"):
        sys.path.insert(0, ROOT)
        {"compare": compare, "curve": curve}[sys.argv[1]]()
        return
    for threads in (1, 2):
        print(f"{threads} thread(s)", flush=True)
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        subprocess.run([sys.executable, __file__, "compare"], env=environment, check=True)
    if "--quick" not in sys.argv:
        subprocess.run([sys.executable, __file__, "curve"], check=True)


if __name__ == "__main__":
    main()
