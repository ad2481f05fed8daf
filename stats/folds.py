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

    `scene` codes each item's scene by its rank among the sorted ids, so the order of rows is moot.
    The answers are taken from the rarest on, and each of their scenes that has no fold yet goes
    into the fold with the fewest scenes of that answer, of equals the smallest, of equals one at
    random: an answer of two scenes is then in two folds. Source: iterative stratification,
    Sechidis, Tsoumakas & Vlahavas (2011), doi:10.1007/978-3-642-23808-6_10.

    Raises ValueError for fewer scenes than folds, fewer than 2 folds, and an answer whose scenes
    are all in one fold, since where it is judged it would have never been seen.
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
    fold = np.full(n_scenes, -1)
    size = np.zeros(folds, dtype=int)
    per_answer = np.zeros((holds.shape[1], folds), dtype=int)
    counts = holds.sum(axis=0)
    for answer in np.argsort(counts, kind="stable"):
        for one in shuffled[holds[shuffled, answer] & (fold[shuffled] < 0)]:
            fold[one] = np.lexsort((tie[one], size, per_answer[answer]))[0]
            size[fold[one]] += 1
            per_answer[holds[one], fold[one]] += 1
    alone = (per_answer > 0).sum(axis=1) == 1
    if alone.any():
        answer = int(np.argmax(alone))
        raise ValueError(
            f"`answers` must each occur in at least 2 folds, answer {answer} occurs in 1 "
            f"({counts[answer]} scenes): leave its items out, or add scenes with it"
        )
    return fold
