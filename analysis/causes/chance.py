"""Does the answer follow the image more than it would with random weights?

With two or three answers a model of random weights may well turn its answer with the image, and in
half of the cases to the right side. That its answer follows says something only if it does so more
than those of copies of the same architecture whose weights are drawn anew.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.causes.found import ByChance
from analysis.causes.parts import Measuring
from analysis.causes.patching import Asked, begun, plain_odds
from analysis.causes.swaps import Swap
from analysis.run.kept_arrays import kept
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from probes.linear_probe.baselines import randomly_initialised
from stats.rank_p import rank_p

PAIRS = 24


def copies_for(level: float) -> int:
    """The fewest copies among which a rank can be significant: 19 at a level of .95."""
    return math.ceil(1 / (1 - level) - 1e-9) - 1


def against_random(measuring: Measuring) -> ByChance | str:
    """The rank of the model among random copies of it, by how much more often its answer turns with
    the image than against it, on the first pairs; or why there is no copy."""
    asked = measuring.asked(measuring.attribute)
    swaps = measuring.swaps.main[: 2 * PAIRS : 2]
    level = measuring.opened.run.study.level

    def run(rows: slice) -> dict[str, ndarray]:
        study, key = measuring.opened.run.study, stream_key(measuring.attribute)
        found = []
        for number in range(rows.start, rows.stop):
            seed = int(study.rng(Stream.CAUSES_RANDOM, key, number).integers(2**31))
            copy = randomly_initialised(measuring.vlm, seed)
            found.append(turning(replace(asked, vlm=copy), swaps, measuring.batch_size))
        return {"turning": np.array(found)}

    try:
        file = measuring.folder / f"random-{copies_for(level)}.safetensors"
        what = f"causes {measuring.attribute}, random copies"
        copies = kept(file, copies_for(level), 1, run, names=["turning"], what=what)["turning"]
    except UserError as error:
        return str(error)
    own = turning(asked, swaps, measuring.batch_size)
    return ByChance(
        n_copies=len(copies),
        n_pairs=len(swaps),
        own=own,
        largest=float(copies.max()),
        p=rank_p(own, copies, level=level),
    )


def turning(asked: Asked, swaps: Sequence[Swap], batch_size: int) -> float:
    """By how much more often the preferred one of the two answers turns with the image than against
    it, as share of these swaps."""
    base: list[Float[ndarray, " some"]] = []
    source: list[Float[ndarray, " some"]] = []
    for start in range(0, len(swaps), batch_size):
        rows = slice(start, start + batch_size)
        own, other = plain_odds(begun(asked, swaps[rows], tails=False))
        base.append(own[0])
        source.append(other[0])
    before, after = np.concatenate(base), np.concatenate(source)
    right = (before < 0) & (after > 0)
    wrong = (before > 0) & (after < 0)
    return float(right.mean() - wrong.mean())
