"""Several labellings of the same items, each read by probes of its own, fitted together."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from probes.linear_probe.probe import CHOOSING_TOLERANCE, INVERSE_PENALTIES, chosen_penalties
from probes.linear_probe.solver import fit_path
from probes.linear_probe.standardised import layer_blocks, moments, standardised


def read_labellings(
    residuals: Float[Tensor, "item layer d_model"],
    labels: Int[ndarray, "labelling item"],
    folds: Int[ndarray, " item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
) -> Float[ndarray, "labelling item layer answer"]:
    """log2 p of each labelling's answers, as `cross_fit` on `folds` would read them one by one.

    UserError where an answer of some labelling is missing on a training side.

    >>> task = np.arange(80) % 2
    >>> residuals = torch.from_numpy(task).float().view(80, 1, 1)  # one layer that tells the task
    >>> labels, folds = np.stack([task, 1 - task]), np.arange(80) // 16
    >>> scenes, answers = [str(item) for item in range(80)], ["no", "yes"]
    >>> found = read_labellings(residuals, labels, folds, scenes=scenes, answers=answers)
    >>> (found.argmax(-1)[:, :, 0] == labels).mean(1).tolist()
    [1.0, 1.0]
    """
    n_items, n_layers, _ = residuals.shape
    grid = torch.tensor(sorted(inverse_penalties), dtype=torch.float32)
    rows = torch.from_numpy(labels.astype(np.int64)).to(residuals.device)
    read = np.empty((len(labels), n_items, n_layers, len(answers)), dtype=np.float32)
    for fold in range(int(folds.max()) + 1):
        training = torch.from_numpy(np.flatnonzero(folds != fold))
        held_out = torch.from_numpy(np.flatnonzero(folds == fold))
        known: list[str] = np.asarray(scenes)[training.numpy()].tolist()
        parts = []
        for layers in layer_blocks(residuals):
            block = residuals[:, layers]
            seen = block[training]
            chosen = chosen_penalties(
                seen, rows[:, training], scenes=known, answers=answers, grid=grid
            )
            parts.append(_read(seen, rows[:, training], chosen, block[held_out], len(answers)))
        read[:, held_out.numpy()] = torch.cat(parts, dim=2).cpu().numpy()
    return read


def _read(
    seen: Float[Tensor, "item layer d_model"],
    labels: Int[Tensor, "labelling item"],
    inverse_penalties: Float[Tensor, "layer labelling"],
    unseen: Float[Tensor, "held layer d_model"],
    n_answers: int,
) -> Float[Tensor, "labelling held layer answer"]:
    """log2 p of unseen items by the probes of all labellings."""
    mean, deviation = moments(seen)
    fit = fit_path(
        standardised(seen, mean, deviation),
        labels,
        n_answers=n_answers,
        inverse_penalties=inverse_penalties,
        tolerance=CHOOSING_TOLERANCE,
    )
    features = standardised(unseen, mean, deviation)
    logits = features[:, None] @ fit.weight.mT + fit.bias[:, :, None]
    return (logits.log_softmax(-1) / np.log(2)).permute(1, 2, 0, 3)
