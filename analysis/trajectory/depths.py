"""When the lens settles on its final token, how sure it is at the end, and in which script it
begins."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from analysis.run.study import Study
from analysis.streams import Stream
from analysis.trajectory.estimates import intervals, one_interval, share_intervals
from analysis.trajectory.found import (
    AnswerStaysFirst,
    Change,
    LastLayers,
    MedianLayer,
    PredictionDepth,
    Script,
    Settled,
    Token,
)
from analysis.trajectory.readings import Trajectories
from stats import cluster_bootstrap, cluster_share, resampled_statistic, sign_flip_max_t
from stats.scenes import codes, scene_means

# Earlier streams of the stage are those of the curves; a number that is left out was a share's.
_SHOWN_SCRIPTS = 6


def lasting_from(holds: Bool[ndarray, "item layer"]) -> Int[ndarray, " item"]:
    """The first layer from which on a condition holds through the last layer; L + 1 if there is
    none."""
    n_layers = holds.shape[1]
    last_failure = np.where(~holds, np.arange(n_layers), -1).max(axis=1)
    return last_failure + 1


def estimate_depths(
    read: Trajectories, study: Study, *, key: int
) -> tuple[PredictionDepth, AnswerStaysFirst]:
    """Prediction depth, and the layer from which the right answer is the most probable token.

    The first is a mean over scenes (Baldock et al. 2021, arXiv:2106.09647): the layer from which
    the most probable token is the model's own in the end. The second is a median, since some
    items never come so far: these count as later than every layer, and a median or an end of its
    interval among them is None.
    """
    scenes = read.items["scene_id"].to_numpy()
    depth, first = {}, {}
    for condition, found in read.by_condition.items():
        top = found.token_ids[..., 0]
        depth[condition] = lasting_from(top == top[:, -1:]).astype(float)[:, None]
        first[condition] = lasting_from(read.right[condition].rank == 1)
    means = intervals(
        {name: values for name, values in depth.items() if name != "shuffled"},
        scenes,
        study,
        rng=study.rng(Stream.TRAJECTORY_DEPTH, key),
    )
    n_layers = read.by_condition["real"].entropy_bits.shape[1]
    never = share_intervals(
        {name: (values == n_layers).astype(float)[:, None] for name, values in first.items()},
        scenes,
        study,
    )
    settled = {
        name: Settled(
            median=_median(values, scenes, n_layers, study, key), never=never[name][0].interval
        )
        for name, values in first.items()
    }
    return (
        PredictionDepth(**{name: rows[0].interval for name, rows in means.items()}),
        AnswerStaysFirst(**settled),
    )


def _median(
    first: Int[ndarray, " item"], scenes: ndarray, n_layers: int, study: Study, key: int
) -> MedianLayer:
    """The median as one of the layers, and not a mean of two: "never" is later than all layers and
    has no distance from them."""

    def layer(value: float) -> int | None:
        return None if value >= n_layers else int(value)

    def middle(values: ndarray, share: float = 0.5) -> float:
        place = max(0, int(np.ceil(share * len(values) - 1e-9)) - 1)
        return float(np.partition(values, place)[place])

    scene = codes(scenes, len(scenes), name="scenes")
    order = np.argsort(scene, kind="stable")
    starts = np.flatnonzero(np.diff(scene[order], prepend=-1))
    by_scene = np.array([middle(own) for own in np.split(first[order], starts[1:])])
    drawn = resampled_statistic(
        middle,
        by_scene,
        rng=study.rng(Stream.TRAJECTORY_MEDIAN, key),
        n_resamples=study.n_resamples,
    )
    return MedianLayer(
        estimate=layer(middle(by_scene)),
        low=layer(middle(drawn, (1 - study.level) / 2)),
        high=layer(middle(drawn, (1 + study.level) / 2)),
    )


def estimate_last_layers(read: Trajectories, study: Study, *, key: int) -> LastLayers:
    """Probability of the most probable token at the last layers: with the norm applied once to
    each, and with it applied twice to the last.

    `once` and `twice` are the changes from the layer before to the last one, `remedy` is what
    applying the norm once gives back; p-values are two-sided, adjusted over the three.
    """
    top = read.by_condition["real"].probabilities[..., 0].astype(float)
    before, last, twice = top[:, -2], top[:, -1], read.normed_twice.astype(float)
    levels, changes = [before, last, twice], [last - before, twice - before, last - twice]
    scenes = read.items["scene_id"].to_numpy()
    table = np.stack([*levels, *changes], axis=1)
    found = cluster_bootstrap(
        table, scenes, rng=study.rng(Stream.TRAJECTORY_NORMS, key), n_resamples=study.n_resamples,
        level=study.level,
    )  # fmt: skip
    scene = codes(scenes, len(scenes), name="scenes")
    test = sign_flip_max_t(
        scene_means(table[:, len(levels) :], scene),
        rng=study.rng(Stream.TRAJECTORY_NORM_TESTS, key),
        n_resamples=study.n_resamples,
        tail="two-sided",
    )
    rows = [one_interval(found, place) for place in range(table.shape[1])]
    before_last, at_last, normed_twice = rows[: len(levels)]
    once, changed_twice, remedy = (
        Change(estimate=row.estimate, low=row.low, high=row.high, p=p)
        for row, p in zip(rows[len(levels) :], test.p.tolist(), strict=True)
    )
    return LastLayers(
        before_last=before_last,
        last=at_last,
        last_normed_twice=normed_twice,
        once=once,
        twice=changed_twice,
        remedy=remedy,
    )


def estimate_scripts(read: Trajectories, study: Study) -> tuple[Script, ...]:
    """By layer, the share of scenes whose most probable token is in each script.

    The scripts that are most frequent over all layers have their own shares, the others a common
    one.
    """
    scripts = np.array(read.scripts())
    names, counts = np.unique(scripts, return_counts=True)
    shown = [str(name) for name in names[np.argsort(-counts, kind="stable")][:_SHOWN_SCRIPTS]]
    values = {name: (scripts == name).astype(float) for name in shown}
    if len(names) > len(shown):
        values["others"] = (~np.isin(scripts, shown)).astype(float)
    rows = share_intervals(values, read.items["scene_id"].to_numpy(), study)
    return tuple(Script(script=name, layers=layers) for name, layers in rows.items())


def estimate_tokens(read: Trajectories, study: Study) -> tuple[Token, ...]:
    """The tokens with the highest mean probability: the mean over layers with its interval, and the
    mean by layer."""
    values: Float[ndarray, "item layer token"] = read.frequent_probability.astype(float)
    scenes = read.items["scene_id"].to_numpy()
    found = cluster_share(np.clip(values.mean(axis=1), 0, 1), scenes, level=study.level)
    scene = codes(scenes, len(scenes), name="scenes")
    by_layer = [scene_means(values[..., t], scene).mean(axis=0) for t in range(values.shape[2])]
    texts = read.texts.of(read.frequent.tolist())
    return tuple(
        Token(
            id=int(read.frequent[place]),
            text=texts[place],
            mean=one_interval(found, place),
            layers=tuple(by_layer[place].tolist()),
        )
        for place in range(len(texts))
    )
