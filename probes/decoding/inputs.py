"""What the decoding methods ask of the logits and the numbers they are given.

A token that a model family masks, such as spare vocabulary, has the logit minus infinity.
"""

import math

import torch
from torch import Tensor

from data_prep.errors import UserError


def check_logits(name: str, logits: Tensor) -> None:
    """Raises UserError unless every row is a distribution over tokens in a wide number format.

    Half precision is refused, for differences of logits lose there what the methods look for.

    >>> check_logits("logits", torch.tensor([[0.5, -math.inf]]))  # the second token is masked
    """
    if logits.dtype not in (torch.float32, torch.float64):
        raise UserError(
            f"need {name} in float32 or float64, got {logits.dtype}: pass {name}.float()"
        )
    if not logits.shape[-1]:
        raise UserError(f"need {name} of at least 1 token, got none: pass the model's vocabulary")
    # The largest of a row with a NaN in it is a NaN.
    bad = int((~logits.amax(-1).isfinite()).sum())
    if bad:
        raise UserError(
            f"need {name} without NaN and plus infinity, and a token that is not masked in every "
            f"row, got {bad} rows where it is not so: look for an overflow in the forward pass"
        )


def check_alike(name: str, other: Tensor, logits: Tensor) -> None:
    """Raises UserError unless `other` has the logits' shape, number format and masked tokens.

    >>> check_alike("reference", torch.zeros(1, 2), torch.ones(1, 2))
    """
    if other.shape != logits.shape:
        raise UserError(
            f"need {name} of the logits' shape {tuple(logits.shape)}, got {tuple(other.shape)}: "
            f"pass logits of the same items over the same vocabulary"
        )
    check_logits(name, other)
    _check_format_and_mask(name, other, logits)


def check_layers(layers: Tensor, final: Tensor) -> None:
    """Raises UserError unless `layers` are logits [*batch, layer, vocab] that belong to `final`.

    >>> check_layers(torch.zeros(1, 3, 2), torch.ones(1, 2))  # three layers
    """
    if layers.ndim != final.ndim + 1 or layers.shape[:-2] + layers.shape[-1:] != final.shape:
        raise UserError(
            f"need layers of shape [*batch, layer, vocab] over the final logits' "
            f"{tuple(final.shape)}, got {tuple(layers.shape)}: pass the lens's logits of the same "
            f"items over the same vocabulary"
        )
    if not layers.shape[-2]:
        raise UserError("need at least 1 layer, got none: pass a range of layers that is not empty")
    check_logits("layers", layers)
    _check_format_and_mask("layers", layers, final.unsqueeze(-2))


def _check_format_and_mask(name: str, other: Tensor, logits: Tensor) -> None:
    if (other.dtype, other.device) != (logits.dtype, logits.device):
        raise UserError(
            f"need {name} in {logits.dtype} on {logits.device} as the logits are, got "
            f"{other.dtype} on {other.device}: pass {name}.to(logits)"
        )
    if not torch.equal(other.isneginf(), logits.isneginf().expand(other.shape)):
        raise UserError(
            f"need {name} to be minus infinity at the same tokens as the logits, got others: "
            f"mask the spare vocabulary in both"
        )


def check_strength(name: str, value: float) -> None:
    """Raises UserError unless the number is finite and at least 0.

    >>> check_strength("strength", 0.5)
    """
    if not 0 <= value < math.inf:
        raise UserError(f"need {name} of at least 0, got {value}: 0 leaves the logits as they are")


def check_share(name: str, value: float) -> None:
    """Raises UserError unless the number lies in 0..1.

    >>> check_share("cutoff", 0.1)
    """
    if not 0 <= value <= 1:
        raise UserError(f"need {name} within 0..1, got {value}: pass a share of probability")
