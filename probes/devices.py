"""The devices that can be asked for by name, and whether one of them works here."""

import torch

from data_prep.errors import UserError

# Only these are known to compute: meta, for one, has shapes without numbers.
_COMPUTING = ("cpu", "cuda", "mps", "xpu")


def working_device(name: str) -> torch.device:
    """The device of this name, known to work; "auto" is CUDA where there is one, else the CPU.

    UserError for one that cannot be used here.

    >>> working_device("cpu")
    device(type='cpu')
    >>> working_device("meta")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: device 'meta' cannot be used here: choose auto, or one of cpu, ...
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in _COMPUTING:
        raise UserError(
            f"device {name!r} cannot be used here: choose auto, or one of "
            f"{', '.join(_COMPUTING)} (cuda:1 for the second of several)"
        )
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    # torch says RuntimeError for a device that is not there, and AssertionError or
    # NotImplementedError (its own, of our user's choice) for one that it was built without.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"device {name!r} cannot be used here ({reason}): try cpu") from error
    return device
