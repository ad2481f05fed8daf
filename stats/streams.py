"""Random streams keyed by chunk, so that the order of execution makes no difference."""

from collections.abc import Iterator

import numpy as np


def chunk_streams(rng: np.random.Generator, n_chunks: int) -> Iterator[np.random.Generator]:
    """One independent generator per chunk of resamples.

    `rng` is asked once, for the root of all of them. What chunk `c` draws then depends only on the
    root and on `c`, and not on which process computes it or when.

    >>> first = [each.random() for each in chunk_streams(np.random.default_rng(0), 2)]
    >>> again = [each.random() for each in chunk_streams(np.random.default_rng(0), 3)]
    >>> first == again[:2], first[0] == first[1]
    (True, False)
    """
    root = rng.integers(2**32, size=4, dtype=np.uint32).tolist()
    for chunk in range(n_chunks):
        yield np.random.default_rng(np.random.SeedSequence(root, spawn_key=(chunk,)))
