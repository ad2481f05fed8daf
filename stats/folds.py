"""Scenes dealt into folds, so that nothing is judged by what was fitted on the same scene."""

import numpy as np
from jaxtyping import Int
from numpy import ndarray


def scene_folds(
    answers: Int[ndarray, " item"],
    scene: Int[ndarray, " item"],
    *,
    rng: np.random.Generator,
    folds: int,
) -> Int[ndarray, " scene"]:
    """The fold of each scene, 0 to `folds` - 1; each answer's scenes are spread over the folds.

    `answers` holds the index of each item's answer, and `scene` the rank of its scene among the
    sorted ids, so that the order of rows makes no difference. The answers are taken in turn, the
    rarest first. Each scene with that answer which has no fold yet goes into the fold with the
    fewest scenes of that answer; where several folds tie, into the smallest of them, and where
    these tie too, into one at random. So an answer of two scenes is in two folds. Source: iterative
    stratification, Sechidis, Tsoumakas & Vlahavas (2011), doi:10.1007/978-3-642-23808-6_10.

    Raises ValueError for fewer scenes than folds, for fewer than 2 folds and for an answer whose
    scenes are all in one fold: what is fitted on the other folds would never have seen it.

    >>> answers, scene = np.array([0, 1, 0, 1]), np.array([0, 1, 2, 3])
    >>> fold = scene_folds(answers, scene, rng=np.random.default_rng(0), folds=2)
    >>> sorted(fold[[0, 2]].tolist()), sorted(fold[[1, 3]].tolist())
    ([0, 1], [0, 1])
    """
    n_scenes = int(scene.max()) + 1
    if int(folds) != folds or folds < 2:
        raise ValueError(f"`folds` must be a whole number of at least 2, got {folds}: 5 is usual")
    if n_scenes < folds:
        raise ValueError(
            f"`scenes` must hold at least as many scenes as folds ({folds}), got {n_scenes}: add "
            "scenes, or lower `folds`"
        )
    holds = np.zeros((n_scenes, int(answers.max()) + 1), dtype=bool)
    holds[scene, answers] = True
    shuffled = rng.permutation(n_scenes)
    tie = rng.random((n_scenes, folds))
    chosen, sizes = [-1] * n_scenes, [0] * folds
    counts = holds.sum(axis=0)
    held_by = [[0] * folds for _ in counts]
    answers_of = [np.flatnonzero(row).tolist() for row in holds]
    ties = tie.tolist()
    for answer in np.argsort(counts, kind="stable").tolist():
        own = held_by[answer]
        for one in shuffled[holds[shuffled, answer]].tolist():
            if chosen[one] >= 0:
                continue
            ranks = zip(own, sizes, ties[one], range(folds), strict=True)
            *_, into = min(ranks)
            chosen[one] = into
            sizes[into] += 1
            for each in answers_of[one]:
                held_by[each][into] += 1
    fold, per_answer = np.array(chosen), np.array(held_by)
    alone = (per_answer > 0).sum(axis=1) == 1
    if alone.any():
        answer = int(np.argmax(alone))
        raise ValueError(
            f"`answers` must each occur in at least 2 folds, answer {answer} occurs in 1 "
            f"({counts[answer]} scenes): leave its items out, or add scenes with it"
        )
    return fold
