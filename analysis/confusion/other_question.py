"""What another wording of the question changes: the same scenes, asked twice."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.confusion.found import ChangeAtLayer, OtherWording
from analysis.run.study import Study
from analysis.streams import Stream
from stats import (
    BootstrapInterval,
    Equivalence,
    SignFlipTest,
    cluster_bootstrap,
    equivalence,
    sign_flip_max_t,
)


def wording_results(
    plain: Float[ndarray, "scene layer"],
    other: Float[ndarray, "scene layer"],
    study: Study,
    *,
    key: int,
    margin_bits: float,
) -> OtherWording:
    """Difference of log-odds by layer, the other wording minus the plain one, in bits.

    The rows of both tables are the same scenes. Intervals are for each layer alone; p-values are
    two-sided, from sign flips of scenes, adjusted over layers. "No difference" is claimed of a
    layer only where equivalence within `margin_bits` is shown (two one-sided tests), and of all
    layers where it is shown at each of them.
    """
    difference = other - plain
    test = sign_flip_max_t(
        difference,
        rng=study.rng(Stream.OTHER_QUESTION_TESTS, key),
        n_resamples=study.n_resamples,
        tail="two-sided",
    )
    interval = cluster_bootstrap(
        difference,
        np.arange(len(difference)),
        rng=study.rng(Stream.OTHER_QUESTION_INTERVALS, key),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    same = equivalence(difference, margin=margin_bits, level=study.level)
    return OtherWording(
        n_scenes=len(difference),
        margin_bits=margin_bits,
        omnibus_p=test.omnibus_p,
        equivalent_at_all_layers=bool(same.equivalent_up_to[-1]),
        layers=_by_layer(interval, test, same),
    )


def _by_layer(
    interval: BootstrapInterval, test: SignFlipTest, same: Equivalence
) -> tuple[ChangeAtLayer, ...]:
    return tuple(
        ChangeAtLayer(
            layer=layer,
            difference_bits=interval.estimate[layer].item(),
            low=interval.low[layer].item(),
            high=interval.high[layer].item(),
            p=test.p[layer].item(),
            equivalence_low=same.low[layer].item(),
            equivalence_high=same.high[layer].item(),
            equivalent=bool(same.equivalent[layer]),
        )
        for layer in range(len(test.p))
    )
