"""Is the effect there at all, and at which layers? Sign flips with the maximum over layers.

If real and control are exchangeable within a scene, the sign of a scene's whole row is a coin
toss. Flipping rows keeps the correlation between layers, so the largest statistic over layers has
its true null distribution and each layer's p-value holds for all of them together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import enough_resamples, enough_scenes, finite_array
from stats.exact_sums import grid_unit, on_exact_grid, unit_scale
from stats.scenes import canonical_order
from stats.streams import chunk_streams

Tail = Literal["greater", "two-sided"]

# In cache with its product; large enough that the calls for each chunk do not count.
_SIGNS_PER_CHUNK = 2**17
_LEAST_ROWS = 32
_TIE = 100 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class SignFlipTest:
    """Family-wise adjusted p-values of the mean effect, one per layer (or other test).

    >>> effect = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> found = sign_flip_max_t(effect, rng=np.random.default_rng(0))
    >>> found.exact, found.n_resamples, found.p.tolist(), found.t.round(2).tolist()
    (True, 8, [0.125, 1.0], [3.46, 0.0])
    """

    p: Float[ndarray, " *test"]
    """P-values, adjusted over all tests together; never 0."""
    omnibus_p: float
    """P-value for "no effect anywhere": the smallest of `p`."""
    t: Float[ndarray, " *test"]
    """Observed t statistic; 0 where every value is 0, infinite where all are equal and not 0."""
    mean: Float[ndarray, " *test"]
    """Mean over scenes, in the unit of the effect."""
    tail: Tail
    """Which deviations count as extreme: "greater" those above 0, "two-sided" both."""
    step_down: bool
    """Whether each test was compared with the maximum over itself and the weaker tests only
    (Westfall and Young)."""
    exact: bool
    """Whether all flips were enumerated instead of drawn."""
    n_scenes: int
    """Number of scenes, whose signs were flipped."""
    n_resamples: int
    """Number of flips drawn, or enumerated."""


def sign_flip_max_t(
    effect: Float[ndarray, "scene *test"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    tail: Tail = "greater",
    step_down: bool = False,
) -> SignFlipTest:
    """Test the mean effect at every layer, adjusted for the number of layers by the maximum t.

    Null: each scene's row of effects is as likely as its negative (real and control exchangeable
    within the scene). Scenes are independent. `effect` is `[scene, layer]`; further axes
    (attribute, model, control) join the same family and share the flips.

    p = (1 + flips as extreme) / (1 + flips); where all 2^n flips are no more than `n_resamples`
    they are enumerated and p is the exact share. Values within 100 eps of the observed count as
    ties. "greater" takes the signed maximum, "two-sided" the maximum of |t|. A layer whose
    effects are all 0 has t = 0; one whose effects are all equal (and not 0) has the largest
    possible statistic, and an honest p-value. Neither the order of scenes nor the unit of a layer's
    effects makes a difference, from 1e-300 to 1e300. With `step_down` each layer is compared with
    the maximum over itself and the weaker ones only, which finds more.

    Raises ValueError for fewer than 2 scenes or values that are not finite. Source: Nichols &
    Holmes (2002), Hum. Brain Mapp. 15:1; Westfall & Young (1993), Resampling-Based Multiple
    Testing; the p-value: Phipson & Smyth (2010), doi:10.2202/1544-6115.1585.

    >>> effect = np.random.default_rng(0).normal([0.0, 1.0], 1.0, (50, 2))
    >>> found = sign_flip_max_t(effect, rng=np.random.default_rng(1), n_resamples=999)
    >>> (found.p <= 0.05).tolist(), found.omnibus_p
    ([False, True], 0.001)
    """
    table = finite_array(effect, name="effect", axes=["scene"], open_ended=True)
    n_scenes, tests = len(table), table.shape[1:]
    enough_scenes(n_scenes, name="effect")
    n_resamples = enough_resamples(n_resamples)
    if tail not in get_args(Tail):
        raise ValueError(f"`tail` must be one of {list(get_args(Tail))}, got {tail!r}: choose one")
    scenes, exponent = unit_scale(canonical_order(table.reshape(n_scenes, -1)))
    exact = 2**n_scenes <= n_resamples
    flips = 2**n_scenes if exact else n_resamples

    # Flips leave the sum of squares alone, so t rises with the sum divided by this length: no
    # variance need be computed per flip.
    length = np.sqrt(n_scenes * np.square(scenes).sum(axis=0))
    standard = np.divide(scenes, length, out=np.zeros_like(scenes), where=length > 0)
    values = on_exact_grid(standard, total_weight=n_scenes)
    total = values.sum(axis=0)
    observed = np.abs(total) if tail == "two-sided" else total
    tie = _TIE * np.abs(observed) + n_scenes * grid_unit(standard, total_weight=n_scenes)
    order = np.argsort(observed)
    counts = _counts(
        values[:, order],
        (observed - tie)[order],
        flip_chunks(n_scenes, flips, exact=exact, rng=rng),
        tail=tail,
        step_down=step_down,
    )
    p = counts / flips if exact else (1 + counts) / (1 + flips)
    if step_down:  # A weaker test is never found before a stronger one.
        p = np.maximum.accumulate(p[::-1])[::-1]
    adjusted = np.empty_like(p)
    adjusted[order] = p
    return SignFlipTest(
        p=adjusted.reshape(tests),
        omnibus_p=float(adjusted.min()),
        t=t_statistic(scenes).reshape(tests),
        mean=np.ldexp(scenes.mean(axis=0), exponent).reshape(tests),
        tail=tail,
        step_down=step_down,
        exact=exact,
        n_scenes=n_scenes,
        n_resamples=flips,
    )


def t_statistic(scenes: Float[ndarray, "scene test"]) -> Float[ndarray, " test"]:
    """One-sample t statistic of each column, over scenes.

    It is 0 where every value is 0, and infinite where all values are equal and not 0.

    >>> t_statistic(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])).round(3).tolist()
    [3.464, 0.0]
    """
    scenes, _ = unit_scale(scenes)
    mean = scenes.mean(axis=0)
    error = scenes.std(axis=0, ddof=1) / np.sqrt(len(scenes))
    constant = np.ptp(scenes, axis=0) == 0
    limit = np.where(scenes[0] == 0, 0.0, np.copysign(np.inf, scenes[0]))
    return np.where(constant, limit, mean / np.where(constant | (error == 0), 1.0, error))


def flip_chunks(
    n_scenes: int, n_flips: int, *, exact: bool, rng: np.random.Generator
) -> Iterator[Float[ndarray, "chunk scene"]]:
    """Flips of the scenes' signs, one per row: 1 where a scene keeps its sign and 0 elsewhere.

    They come chunk by chunk, `n_flips` in all: with `exact` they are enumerated, otherwise each
    sign is a random bit.

    >>> rng = np.random.default_rng(0)
    >>> [chunk.tolist() for chunk in flip_chunks(2, 4, exact=True, rng=rng)]
    [[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]]
    """
    rows = max(_LEAST_ROWS, _SIGNS_PER_CHUNK // n_scenes)
    starts = range(0, n_flips, rows)
    if exact:
        for start in starts:
            codes = np.arange(start, min(start + rows, n_flips))
            yield (codes[:, None] >> np.arange(n_scenes) & 1).astype(float)
        return
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        n_signs = min(rows, n_flips - start) * n_scenes
        packed = np.frombuffer(stream.bytes(-(-n_signs // 8)), dtype=np.uint8)
        yield np.unpackbits(packed, count=n_signs).reshape(-1, n_scenes).astype(float)


def _counts(
    ranked: Float[ndarray, "scene test"],
    threshold: Float[ndarray, " test"],
    flips: Iterator[Float[ndarray, "chunk scene"]],
    *,
    tail: Tail,
    step_down: bool,
) -> Int[ndarray, " test"]:
    """How many flips have a largest statistic that reaches each test's threshold.

    The tests are in rising order of their thresholds.
    """
    # Kept scenes twice, less the total, is kept minus flipped; tests lead, so that the largest of
    # them is taken along whole rows of flips.
    twice = np.ascontiguousarray(2 * ranked.T)
    total = ranked.sum(axis=0)[:, None]
    counts = np.zeros(len(threshold), dtype=np.int64)
    largest = []
    for kept in flips:
        null = twice @ kept.T
        null -= total
        if tail == "two-sided":
            np.abs(null, out=null)
        if step_down:
            np.maximum.accumulate(null, axis=0, out=null)
            counts += (null >= threshold[:, None]).sum(axis=1)
        else:
            largest.append(null.max(axis=0))
    if not step_down:
        rivals = np.sort(np.concatenate(largest))
        counts += len(rivals) - np.searchsorted(rivals, threshold, side="left")
    return counts
