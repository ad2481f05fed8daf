"""Does the image matter? Scores against those of other scenes' images, tested by relabelling.

Where the same question is asked about many scenes, asking it with another scene's image needs no
forward pass: item i with the image of scene j *is* item j, scored for i's answer. So the scores of
every item for every answer are enough both for the control, which is the mean over all swaps of
images, and for a permutation test with as many relabellings as one likes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from stats.arguments import answer_indices, enough_resamples, finite_array
from stats.relabelling import Relabelled, relabelling_p
from stats.scenes import Labels, codes, item_weights
from stats.swapped_images import scene_pseudo_values, swapped_scores

# A spread below this share of the scores' own size is rounding, not spread.
_NO_SPREAD = 1e-12

LEAST_SCENES = 5
"""The least number of scenes in a stratum. With fewer, a scene's own score and its part as the
image that stands in for the others' can hardly be told apart: with two scenes in each stratum
intervals at level .95 cover .86."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuffledLabelTest:
    """The effect against the shuffled control, with permutation p-values adjusted over layers.

    >>> scores, answers = np.zeros((10, 2, 1)), np.arange(10) % 2
    >>> rng = np.random.default_rng(0)
    >>> found = shuffled_label_test(scores, answers, ["a"] * 10, rng=rng, n_resamples=99)
    >>> found.scene_effect.shape, found.z.tolist(), found.p.tolist()  # The scores say nothing.
    ((10, 1), [0.0], [1.0])
    """

    effect: Float[ndarray, " layer"]
    """Mean over scenes of real minus shuffled, in the unit of the scores."""
    scene_effect: Float[ndarray, "scene layer"]
    """What each scene adds to the effect, by its own scores and as the image that stands in for
    others'; one row for each of `scenes`. The mean of the rows is `effect`, and they may be redrawn
    or tested as independent scenes. They are not real minus control, which would hold the control
    fixed."""
    scenes: Shaped[ndarray, " scene"]
    """The scene ids, sorted."""
    real: Float[ndarray, "item layer"]
    """Score of the item's own answer under its own image."""
    control: Float[ndarray, "item layer"]
    """Mean score of the item's own answer under the images of all other scenes of the stratum,
    which is what a random swap gives on average."""
    z: Float[ndarray, " layer"]
    """The observed statistic in exact permutation standard deviations; 0 where there is no
    spread."""
    p: Float[ndarray, " layer"]
    """One-sided p-values (real above shuffled), adjusted over layers by the maximum z; never 0."""
    omnibus_p: float
    """P-value for "the image matters at no layer": the smallest of `p`."""
    window_p: Float[ndarray, " window"]
    """One-sided p-value of each window of layers, for "the image does not matter over that window",
    by the mean of the standardised statistic over it. Each stands alone; never 0."""
    n_scenes: int
    """Number of scenes, the units that were permuted."""
    n_items: int
    """Number of items."""
    n_fixed: int
    """Number of items whose answer no relabelling can change, though other items of their stratum
    have another answer: which questions their scene was asked, and how many, gives the answer away.
    Where that is so for all items, the test says nothing (p = 1) however large the effect."""
    n_strata: int
    """Number of strata within which an image could be swapped."""
    n_resamples: int
    """Number of relabellings drawn."""


def shuffled_label_test(
    scores: Float[ndarray, "item answer layer"],
    answers: Int[ndarray, " item"],
    strata: Labels,
    *,
    rng: np.random.Generator,
    scenes: Labels | None = None,
    windows: Sequence[tuple[int, int]] = (),
    n_resamples: int = 10_000,
    progress: Callable[[int], object] | None = None,
) -> ShuffledLabelTest:
    """Compare each item's score with the one it has under other scenes' images, and test it.

    `scores[i, a, l]` is item i's score at layer l if its answer were a; `answers[i]` is the index
    of its own answer. `strata` names what was asked (the question text): items of one stratum
    differ in the image only. `scenes` names the image; without it every item is a scene of its own.

    Null: within a stratum the answers are exchangeable between scenes, given the scores (the
    readout says nothing about which answer goes with which image). Whatever a scene does to all
    its scores alike is allowed for. Items of one scene may depend on each other in scores and in
    answers, so a scene's answers move together: scenes are permuted among those with the same
    set of strata. Permuting the strata one by one would be anti-conservative.

    The statistic of a layer is the effect, standardised by its exact permutation moments
    (Hoeffding 1951, doi:10.1214/aoms/1177729545), so that layers of unequal spread weigh alike in
    the maximum, and multiplying the scores of a layer changes nothing. A layer where relabelling
    changes nothing has z = 0. `windows` are pairs of a first and a last layer, both included, such
    as the plateau, over which the mean statistic is tested as well.

    Intervals come from `scene_effect`, the jackknife pseudo-values of the effect (see
    `stats.swapped_images.scene_pseudo_values` for the estimand, the weights and the source).

    Only scenes with the same strata change places. Where scenes of one answer are asked other
    questions, or more of them, than scenes of another, nothing is left to compare; `n_fixed` counts
    such items. `progress` is told, now and then, how many relabellings are done.

    Raises ValueError for a stratum with fewer than 5 scenes, for a scene whose set of strata no
    other scene shares, for answers outside of the answer axis and for scores that are not finite.
    Source: Pesarin & Salmaso (2010), Permutation Tests for Complex Data; the p-value: Phipson &
    Smyth (2010), doi:10.2202/1544-6115.1585.

    >>> answers = np.arange(40) % 2
    >>> scores = np.eye(2)[answers][:, :, None] * np.array([0.0, 1.0])  # Layer 1 sees the image.
    >>> found = shuffled_label_test(
    ...     scores, answers, ["What is it?"] * 40, rng=np.random.default_rng(0), n_resamples=999
    ... )
    >>> found.effect.round(2).tolist(), found.p.tolist()
    ([0.0, 0.51], [1.0, 0.001])
    """
    table = finite_array(scores, name="scores", axes=["item", "answer", "layer"])
    n_items, n_answers, _ = table.shape
    n_resamples = enough_resamples(n_resamples)
    labels = answer_indices(answers, n_items, n_answers)
    stratum = codes(strata, n_items, name="strata")
    scene_ids = np.arange(n_items) if scenes is None else np.asarray(scenes)
    scene = codes(scene_ids, n_items, name="scenes")

    _require_scenes(stratum, scene, np.asarray(strata))
    contrast = table - swapped_scores(table, stratum, scene, np.asarray(strata))
    items = np.arange(n_items)
    real = table[items, labels]
    scene_effect = scene_pseudo_values(table, labels, stratum, scene)

    weight = item_weights(scene)
    groups = _exchangeable_scenes(scene, stratum, scene_ids)
    standard, rows = _standardised(contrast * weight[:, None, None], labels, groups)
    found = relabelling_p(
        standard,
        labels[rows],
        _exchanges(labels[rows], [group.shape for group in groups]),
        windows=windows,
        rng=rng,
        n_resamples=n_resamples,
        progress=progress,
    )
    return ShuffledLabelTest(
        effect=scene_effect.mean(axis=0),
        scene_effect=scene_effect,
        scenes=np.unique(scene_ids),
        real=real,
        control=real - contrast[items, labels],
        z=found.z,
        p=found.p,
        omnibus_p=float(found.p.min()),
        window_p=found.window_p,
        n_scenes=len(scene_effect),
        n_items=n_items,
        n_fixed=_n_fixed(labels, stratum, groups),
        n_strata=int(stratum.max()) + 1,
        n_resamples=n_resamples,
    )


def _require_scenes(
    stratum: Int[ndarray, " item"], scene: Int[ndarray, " item"], names: Shaped[ndarray, " item"]
) -> None:
    pairs = np.unique(np.column_stack([stratum, scene]), axis=0)
    sizes = np.bincount(pairs[:, 0])
    few = int(np.argmin(sizes))
    if sizes[few] < LEAST_SCENES:
        raise ValueError(
            f"`strata` needs at least {LEAST_SCENES} scenes each, got {sizes[few]} in "
            f"{names[np.argmax(stratum == few)]!r}: leave its items out, or score them with "
            "swapped images (`swapped_label_test`)"
        )


def _n_fixed(
    labels: Int[ndarray, " item"],
    stratum: Int[ndarray, " item"],
    groups: list[Int[ndarray, "_scene _slot"]],
) -> int:
    """Number of items whose place has one answer in all scenes of their group but not in the
    stratum."""
    n_fixed = 0
    for group in groups:
        for place in group.T:
            others = labels[stratum == stratum[place[0]]]
            if (labels[place] == labels[place[0]]).all() and (others != others[0]).any():
                n_fixed += len(place)
    return n_fixed


def _exchangeable_scenes(
    scene: Int[ndarray, " item"], stratum: Int[ndarray, " item"], ids: Shaped[ndarray, " item"]
) -> list[Int[ndarray, "_scene _slot"]]:
    """Item rows `[scene, slot]` of each group of scenes that were asked the same questions."""
    order = np.lexsort((stratum, scene))
    rows_by_questions: dict[tuple[int, ...], list[ndarray]] = {}
    for rows in np.split(order, np.cumsum(np.bincount(scene))[:-1]):
        rows_by_questions.setdefault(tuple(stratum[rows].tolist()), []).append(rows)
    groups = [np.stack(members) for members in rows_by_questions.values()]
    lonely = next((group for group in groups if len(group) < 2), None)
    if lonely is not None:
        raise ValueError(
            f"`scenes` must each share their set of strata with another scene, scene "
            f"{ids[lonely[0, 0]]!r} with its {lonely.shape[1]} items does not: keep one item per "
            "scene, or ask all scenes of a group the same questions"
        )
    return groups


def _standardised(
    contrast: Float[ndarray, "item answer layer"],
    labels: Int[ndarray, " item"],
    groups: list[Int[ndarray, "_scene _slot"]],
) -> tuple[Float[ndarray, "item answer layer"], Int[ndarray, " item"]]:
    """The contrasts, scaled such that their sum over relabelled items has mean 0 and variance 1.

    The second result holds the item of each row, since rows come group by group.
    """
    n_answers = contrast.shape[1]
    variance = np.zeros(contrast.shape[2])
    parts = []
    for group in groups:
        n_scenes = len(group)
        onehot = np.eye(n_answers)[labels[group]]
        share = onehot.mean(axis=0)
        part = contrast[group]
        part = part - part.mean(axis=0)
        part -= np.einsum("nkal,ka->nkl", part, share)[:, :, None]
        parts.append(part.reshape(-1, *contrast.shape[1:]))
        flat = part.reshape(n_scenes, -1, part.shape[-1])
        together = onehot.reshape(n_scenes, -1)
        pairs = together.T @ together
        # Hoeffding's sum over all pairs of scene and label, gathered by answer.
        spread = np.einsum("npl,npl->l", flat, np.einsum("pq,nql->npl", pairs, flat, optimize=True))
        variance += spread / (n_scenes - 1)
    size = np.square(contrast).sum(axis=(0, 1))
    alive = variance > _NO_SPREAD**2 * size
    scale = np.divide(1.0, np.sqrt(variance), out=np.zeros_like(variance), where=alive)
    return np.concatenate(parts) * scale, np.concatenate([group.ravel() for group in groups])


def _exchanges(labels: Int[ndarray, " item"], shapes: list[tuple[int, int]]) -> Relabelled:
    """Draws answers after scenes changed places within their group, several times at once.

    `shapes` are the numbers of scenes and of slots in each group, whose items follow each other.
    """
    slots = np.repeat([n_slots for _, n_slots in shapes], [n_scenes for n_scenes, _ in shapes])
    first_item = np.cumsum(slots) - slots
    scene = np.repeat(np.arange(len(slots)), slots)
    slot = np.arange(len(labels)) - first_item[scene]
    ends = np.cumsum([n_scenes for n_scenes, _ in shapes])
    alone = len(slots) == len(labels)

    def relabelled(stream: np.random.Generator, n_rows: int) -> Int[ndarray, "chunk item"]:
        places = np.tile(np.arange(len(slots)), (n_rows, 1))
        for first, last in pairwise([0, *ends]):
            own = places[:, first:last]
            stream.permuted(own, axis=1, out=own)
        return labels[places if alone else first_item[places][:, scene] + slot]

    return relabelled
