"""What one check of the gate found: data, from which errors and certificates are both made."""

from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor

from probes.unembedding import GateError

_NOT_LOADED = "; this model is not read faithfully and is not loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison of what is read from a model with what the model computes."""

    name: str
    """What was compared."""
    passed: bool
    difference: float | None = None
    """The largest difference found, as a share of the largest value compared with, at the layer
    where it is largest; None where no numbers are compared, or they are not finite."""
    allowed: float | None = None
    """The largest difference that passes; None where no numbers are compared."""
    layer: int | None = None
    """The layer of that difference; None where there is only one thing to compare."""
    fault: str = ""
    """What is wrong, and where; empty if the check has passed."""
    remedy: str = ""
    """What follows from a fault, or what to do about it."""

    @property
    def error(self) -> GateError:
        """The fault as the error with which a model is refused.

        >>> check = Check(name="one", passed=False, fault="one is two", remedy="; count again")
        >>> check.error
        GateError('one is two; count again')
        """
        return GateError(f"{self.fault}{self.remedy}")


def compared(
    name: str,
    fault: str,
    got: Float[Tensor, "item layer unit"],
    wanted: Float[Tensor, "item layer unit"],
    allowed: float,
    size_of: Float[Tensor, "item layer all_units"] | None = None,
) -> Check:
    """The check that two results are the same within `allowed`, layer by layer.

    A difference is measured by the largest value of its layer, since early layers can be a
    hundredth as large as late ones. `size_of` has the units that it is measured by where `wanted`
    holds some of them only.

    >>> wanted = torch.tensor([[[1.0, -2.0], [4.0, 0.0]]])
    >>> found = compared("it", "it differs", wanted + 1, wanted, allowed=0.1)
    >>> found.passed, found.layer, found.difference
    (False, 0, 0.5)
    >>> found.fault
    'it differs at layer 0: by 0.5 of the largest value, allowed 1e-01'
    """
    if got.shape != wanted.shape:
        told = f"{fault}: shape {tuple(got.shape)} instead of {tuple(wanted.shape)}"
        return Check(name=name, passed=False, allowed=allowed, fault=told, remedy=_NOT_LOADED)
    share = shares(got, wanted, wanted if size_of is None else size_of)
    worst = int(share.argmax())
    return judged(name, fault, float(share[worst]), allowed, worst if len(share) > 1 else None)


def shares(
    got: Float[Tensor, "item layer unit"],
    wanted: Float[Tensor, "item layer unit"],
    size_of: Float[Tensor, "item layer all_units"],
) -> Float[Tensor, " layer"]:
    """The largest difference of each layer, as a share of its largest value in `size_of`.

    What is not a number is infinitely far away.

    >>> one = torch.ones(1, 2, 1)
    >>> shares(one * torch.tensor([[[1.0], [torch.nan]]]), one, one).tolist()
    [0.0, inf]
    """
    difference = (got.float() - wanted.float()).abs().amax(dim=(0, 2))
    size = size_of.float().abs().amax(dim=(0, 2)).clamp(min=torch.finfo(torch.float32).tiny)
    return torch.nan_to_num(difference / size, nan=torch.inf)


def judged(
    name: str,
    fault: str,
    difference: float,
    allowed: float,
    at: int | None,
    along: str = "layer",
) -> Check:
    """The check whose largest difference is known; `along` is what it was looked for along.

    >>> judged("it", "it differs", 0.25, 0.0, at=7, along="row").fault
    'it differs at row 7: by 0.25 of the largest value, allowed 0e+00'
    >>> judged("it", "it differs", 0.0, 0.0, at=7, along="row").passed
    True
    """
    passed = difference <= allowed
    place = "" if at is None else f" at {along} {at}"
    return Check(
        name=name,
        passed=passed,
        difference=difference if isfinite(difference) else None,
        allowed=allowed,
        layer=at if along == "layer" else None,
        fault=""
        if passed
        else f"{fault}{place}: by {difference:.2g} of the largest value, allowed {allowed:.0e}",
        remedy="" if passed else _NOT_LOADED,
    )
