"""What a probe asks of its data before it is fitted, and how it says no."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from data_prep.errors import UserError


def require_data(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    scenes: Sequence[str],
    answers: Sequence[str],
) -> None:
    """Refuse data on which no probe can be fitted.

    UserError unless residuals are finite, labels fit and scenes are enough for the answers.

    >>> residuals, answer = torch.zeros(2, 1, 1), np.array([0, 1])
    >>> require_data(residuals, answer, ["a", "b"], ["no", "yes"])
    >>> require_data(residuals, answer, ["a", "b"], ["yes"])
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: a probe needs at least 2 answers, got ['yes']: use more scenes
    """
    n_items = len(residuals)
    if len(answer) != n_items or len(scenes) != n_items:
        raise UserError(
            f"a probe needs one answer and one scene per residual, got {len(answer)} answers and "
            f"{len(scenes)} scenes for {n_items} residuals: pass columns of the same table"
        )
    if len(answers) < 2:
        raise UserError(f"a probe needs at least 2 answers, got {list(answers)}: use more scenes")
    if n_items and not 0 <= answer.min() <= answer.max() < len(answers):
        raise UserError(
            f"answers must be indices in 0..{len(answers) - 1}, got {answer.min()} to "
            f"{answer.max()}: index them into the answer set"
        )
    n_scenes = len(set(scenes))
    if n_scenes < len(answers):
        raise UserError(
            f"a probe needs at least as many scenes as answers ({len(answers)}), got {n_scenes}: "
            "use more scenes"
        )
    require_finite(residuals)


def require_finite(residuals: Float[Tensor, "item layer d_model"], *, first_layer: int = 0) -> None:
    """Refuse residuals with a NaN or an infinity: UserError that names the first item and layer,
    counted from `first_layer`.

    >>> require_finite(torch.tensor([[[1.0, 2.0]]]))
    >>> require_finite(torch.tensor([[[1.0, torch.nan]]]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: residuals must be finite, got nan for item number 0 at layer ...
    """
    if torch.isfinite(residuals.sum(dtype=torch.float32)):
        return
    bad = (~torch.isfinite(residuals)).nonzero()
    if len(bad):
        item, layer, unit = bad[0].tolist()
        raise UserError(
            f"residuals must be finite, got {residuals[item, layer, unit].item()} for item number "
            f"{item} at layer {first_layer + layer}: leave the item out or capture it in float32"
        )


def require_every_answer(
    answer: Int[ndarray, " item"], answers: Sequence[str], *, where: str
) -> None:
    """Refuse labels among which an answer does not occur: UserError that names the first one.

    >>> answers = ["no", "yes"]
    >>> require_every_answer(np.array([0, 1, 0]), answers, where="fold 0")
    >>> require_every_answer(np.array([0, 0, 0]), answers, where="fold 0")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: every answer must occur on both sides of the split, 'yes' ...
    """
    counts = np.bincount(answer, minlength=len(answers))
    for name, count in zip(answers, counts, strict=True):
        if not count:
            raise UserError(
                f"every answer must occur on both sides of the split, '{name}' does not in "
                f"{where} ({len(answer)} items): use more scenes, fewer folds, or leave the "
                "answer out"
            )


def require_apart(training: Sequence[str], held_out: Sequence[str]) -> None:
    """Refuse sides that share a scene, with a UserError: items of one scene are not independent.

    >>> require_apart(["a", "b"], ["c"])
    >>> require_apart(["a", "b"], ["b"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: training and held-out scenes must differ, 1 are in both, ...
    """
    both = sorted(set(training) & set(held_out))
    if both:
        raise UserError(
            f"training and held-out scenes must differ, {len(both)} are in both, first {both[0]}: "
            "split by scene, not by item"
        )
