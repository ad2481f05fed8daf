"""Muon's step: the momentum with all its singular values made (nearly) one.

Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks"; the step is
steepest descent under the spectral norm (Bernstein & Newhouse 2024, arXiv:2409.20325).
"""

import torch
from jaxtyping import Float
from torch import Tensor

# The odd quintic a x + b x^3 + c x^5 of the first reference: five applications bring every
# singular value in (about) [0.003, 1] to within [0.7, 1.2].
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


def orthogonalised(matrix: Float[Tensor, "layer out in"]) -> Float[Tensor, "layer out in"]:
    """U V' of each layer's matrix U S V', nearly: its singular values become about 1.

    A zero matrix stays zero.

    >>> matrix = torch.tensor([[[3.0, 0.0], [0.0, 0.5]]])
    >>> torch.linalg.svdvals(orthogonalised(matrix)).round(decimals=1)
    tensor([[1.0000, 0.7000]])
    """
    x = (
        matrix
        / matrix.flatten(1).norm(dim=1).clamp(min=torch.finfo(matrix.dtype).tiny)[:, None, None]
    )
    wide = x.shape[1] > x.shape[2]
    x = x.mT if wide else x
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.mT if wide else x
