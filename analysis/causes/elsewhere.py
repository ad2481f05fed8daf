"""The object's positions against as many others of the image: is it where it is that matters?"""

import numpy as np

from analysis.causes.found import Elsewhere
from analysis.causes.parts import Measuring, elsewhere_part, sampled_layers
from analysis.causes.swaps import OBJECT
from stats.rank_p import rank_p


def elsewhere_ranks(measuring: Measuring, n_pairs: int) -> tuple[Elsewhere, ...]:
    """The rank of the object's share among those of random sets of positions, at a few layers;
    nothing where the object's place is not known."""
    if not measuring.swaps.main[0].boxes:
        return ()
    swaps, found = elsewhere_part(measuring, n_pairs)
    total = float(found.total.mean())
    moved = found.moved
    ranks = []
    for layer in sampled_layers(measuring.n_layers):
        share = {kind: float(values[:, layer].mean()) / total for kind, values in moved.items()}
        own = share.pop(OBJECT)
        draws = np.array(list(share.values()))
        ranks.append(
            Elsewhere(
                layer=layer,
                object=own,
                median=float(np.median(draws)),
                largest=float(draws.max()),
                n_draws=len(draws),
                n_pairs=len(swaps),
                p=rank_p(own, draws),
            )
        )
    return tuple(ranks)
