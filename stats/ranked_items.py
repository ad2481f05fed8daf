"""Items in falling order of a score, some of them marked, under any weights of their clusters."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedItems:
    """Items from the highest score to the lowest, sorted once for thousands of resamples.

    >>> scores, marked = np.array([3.0, 1.0, 1.0]), np.array([True, False, True])
    >>> items = RankedItems.of(scores, marked, np.array([0, 1, 1]))
    >>> [edges.tolist() for edges in items.counts(np.array([[1.0, 2.0]]))]
    [[[0, 1, 5]], [[0, 1, 3]]]
    """

    marked: Bool[ndarray, " item"]
    """Whether the item is one of those that are counted."""
    cluster: Int[ndarray, " item"]
    """The cluster of the item, from 0 on."""
    last: Int[ndarray, " group"]
    """The last item of each group of ties."""

    @classmethod
    def of(
        cls,
        scores: Float[ndarray, " item"],
        marked: Bool[ndarray, " item"],
        cluster: Int[ndarray, " item"],
    ) -> "RankedItems":
        """The items in falling order of `scores`, of which none is missing."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        return cls(marked=marked[order], cluster=cluster[order], last=last)

    def counts(
        self, weights: Float[ndarray, "draw cluster"]
    ) -> tuple[Int[ndarray, "draw edge"], Int[ndarray, "draw edge"]]:
        """How many items, and how many marked ones, lie above each edge between groups of ties.

        The first edge lies above all items and the last below all. `weights` say how often each
        cluster was drawn. In between, at random order among ties, both counts rise in proportion.
        """
        item = np.take(weights.astype(np.int32), self.cluster, axis=1)
        return self._at_edges(item), self._at_edges(item * self.marked)

    def _at_edges(self, item: Int[ndarray, "draw item"]) -> Int[ndarray, "draw _edge"]:
        edges = np.zeros((len(item), len(self.last) + 1), dtype=np.int32)
        if len(self.last) == item.shape[1]:
            np.cumsum(item, axis=1, out=edges[:, 1:])
        else:
            edges[:, 1:] = item.cumsum(axis=1, dtype=np.int32)[:, self.last]
        return edges


def marked_among(
    above: tuple[Int[ndarray, "draw edge"], Int[ndarray, "draw edge"]],
    numbers: Float[ndarray, "draw number"],
) -> Float[ndarray, "draw number"]:
    """The expected number of marked items among the `numbers` highest of each draw.

    `above` is what `RankedItems.counts` gives; in between two edges the order is random.

    >>> edges = np.array([[0, 1, 5]]), np.array([[0, 1, 3]])
    >>> marked_among(edges, np.array([[1.0, 3.0, 5.0]])).tolist()
    [[1.0, 2.0, 3.0]]
    """
    return np.stack(
        [np.interp(asked, *edges) for asked, *edges in zip(numbers, *above, strict=True)]
    )
