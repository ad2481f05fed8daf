"""Erasing a concept from residuals, so that no linear map can read it: LEACE.

Belrose et al. (2023), arXiv:2306.03819.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError

_NOTHING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eraser:
    """The affine map r(x) = x - W^+ P W (x - mean) that erases a concept; calculated in float64."""

    mean: Float[Tensor, " d_model"]
    projection: Float[Tensor, "d_model d_model"]
    """W^+ P W: what is taken off, of a row without its mean."""

    def __call__(self, rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_model"]:
        """Rows without the concept, in the format of the rows; UserError for another width."""
        if rows.shape[1] != len(self.mean):
            raise UserError(
                f"this eraser is for rows of width {len(self.mean)}, got {rows.shape[1]}: use "
                "residuals of the model that it was fitted on"
            )
        mean, projection = self.mean.to(rows.device), self.projection.to(rows.device)
        exact = rows.double()
        return (exact - (exact - mean) @ projection.T).to(rows.dtype)


def fit_eraser(features: Float[Tensor, "item d_model"], labels: Int[Tensor, " label"]) -> Eraser:
    """Fit the least change (in mean square) that takes all linear information on labels away.

    With W the pseudoinverse of the square root of the features' covariance and P the orthogonal
    projection onto the column space of W Sigma_xz, Sigma_xz the cross-covariance of features and
    one-hot labels (Theorem 4.3). Afterwards each class of the fitted items has the same mean, so
    that no linear probe does better on them than one that knows how frequent the classes are. On
    other items that holds as far as they have the same means; it takes more items than d_model.

    UserError for fewer than two classes, features that are not finite, or other numbers of items.

    >>> labels = torch.arange(40) % 2
    >>> features = torch.stack([3.0 * labels, torch.arange(40.0)], dim=1)
    >>> erased = fit_eraser(features, labels)(features)
    >>> means = [erased[labels == each].mean(0) for each in (0, 1)]
    >>> torch.allclose(*means, atol=1e-5)
    True
    """
    if len(features) != len(labels):
        raise UserError(
            f"each row needs one label, got {len(features)} rows and {len(labels)} labels: give "
            "the labels of these rows"
        )
    classes, index = labels.unique(return_inverse=True)
    if len(classes) < 2:
        raise UserError(
            f"a concept needs at least 2 classes, got {len(classes)} among {len(labels)} labels: "
            "there is nothing to erase"
        )
    exact = features.double()
    if not torch.isfinite(exact).all():
        raise UserError(
            "features must be finite, got NaN or an infinity: load the model in float32 or bfloat16"
        )
    mean = exact.mean(0)
    centred = exact - mean
    # Without the first class, which the others tell: with it, rounding would pass for a direction.
    one_hot = torch.nn.functional.one_hot(index).double()[:, 1:]
    both = centred.T @ (one_hot - one_hot.mean(0)) / len(exact)
    root, whitening = _root_and_inverse(centred.T @ centred / len(exact))
    left, sizes, _ = torch.linalg.svd(whitening @ both, full_matrices=False)
    # Whitened, a cross-covariance is about a correlation: what is smaller than this is rounding.
    basis = left[:, sizes > _NOTHING]
    return Eraser(mean=mean, projection=root @ basis @ (basis.T @ whitening))


def _root_and_inverse(
    covariance: Float[Tensor, "d_model d_model"],
) -> tuple[Float[Tensor, "d_model d_model"], Float[Tensor, "d_model d_model"]]:
    """The square root of a covariance, which is W^+, and its pseudoinverse W."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > values[-1].clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    scale = torch.where(kept, values, 1.0).sqrt()
    root = (vectors * torch.where(kept, scale, 0.0)) @ vectors.T
    return root, (vectors * torch.where(kept, 1 / scale, 0.0)) @ vectors.T
