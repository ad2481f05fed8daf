"""A linear decoder of numbers per layer, cross-fitted by scene: ridge regression.

Hoerl & Kennard (1970), Technometrics 12:55. The penalty is chosen on the training scenes alone, by
the exact leave-one-out error (Golub, Heath & Wahba 1979, Technometrics 21:215).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from sklearn.linear_model import RidgeCV
from torch import Tensor

from data_prep.errors import UserError
from data_prep.splits import scene_folds
from probes.linear_probe.labels import require_finite
from probes.linear_probe.standardised import moments, standardised

PENALTIES = tuple(10.0**power for power in range(-1, 7))
"""Penalties of the ridge on standardised features, from weak to strong."""
_LEAST_TRAINING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutNumbers:
    """What decoders say of scenes that they were not fitted on, in the unit of the numbers."""

    predicted: Float[ndarray, "item layer"]
    mean: Float[ndarray, " item"]
    """Mean number of the scenes that the item's decoder was fitted on: the baseline."""


def cross_fitted_ridge(
    residuals: Float[Tensor, "item layer d_model"],
    numbers: Float[ndarray, " item"],
    *,
    scenes: Sequence[str],
    folds: Int[ndarray, " item"] | None = None,
) -> HeldOutNumbers:
    """Fit one decoder per layer and fold on all other folds, and read the fold with it.

    There are five folds by scene unless they are given. UserError for too few scenes to fit on,
    numbers that do not vary there, and residuals that are not finite.

    >>> numbers, scenes = np.arange(40.0), [str(item) for item in range(40)]
    >>> residuals = torch.from_numpy(numbers).float().view(40, 1, 1)  # a layer that tells them
    >>> found = cross_fitted_ridge(residuals, numbers, scenes=scenes)
    >>> np.abs(found.predicted[:, 0] - numbers).max().item() < 0.5
    True
    """
    require_finite(residuals)
    folds = scene_folds(scenes) if folds is None else folds
    predicted = np.empty(residuals.shape[:2])
    mean = np.empty(len(numbers))
    for fold in sorted(set(folds.tolist())):
        training, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(training) < _LEAST_TRAINING or np.ptp(numbers[training]) == 0:
            raise UserError(
                f"a decoder needs at least {_LEAST_TRAINING} images with differing numbers to be "
                f"fitted on, got {len(training)} with {len(set(numbers[training].tolist()))} "
                "numbers: use more images"
            )
        centre, spread = numbers[training].mean(), numbers[training].std()
        mean[held_out] = centre
        own = residuals[torch.from_numpy(training)]
        scale = moments(own)
        features = standardised(own, *scale).double().numpy()
        shown = standardised(residuals[torch.from_numpy(held_out)], *scale).double().numpy()
        for layer in range(residuals.shape[1]):
            decoder = RidgeCV(alphas=PENALTIES)
            decoder.fit(features[layer], (numbers[training] - centre) / spread)
            predicted[held_out, layer] = centre + spread * decoder.predict(shown[layer])
    return HeldOutNumbers(predicted=predicted, mean=mean)
