"""Random numbers keyed by chunk, so that the order of execution cannot matter."""

from collections.abc import Iterator

import numpy as np


def chunk_streams(rng: np.random.Generator, n_chunks: int) -> Iterator[np.random.Generator]:
    """One independent generator per chunk of resamples.

    `rng` is asked once, for the root of all of them; chunk `c` then depends on the root and on
    `c` alone, whoever computes it and when.
    """
    root = rng.integers(2**32, size=4, dtype=np.uint32).tolist()
    for chunk in range(n_chunks):
        yield np.random.default_rng(np.random.SeedSequence(root, spawn_key=(chunk,)))
