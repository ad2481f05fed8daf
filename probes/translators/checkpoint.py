"""A refinement's state on disk, so that a killed one goes on from its last look."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import require_whole_file, sealed_safetensors
from data_prep.files.unfinished import remove_unfinished
from probes.translators.recipe import Recipe
from probes.translators.refinement import State
from probes.translators.rows import ResidualRows
from probes.unembedding import Unembedding

_FORMAT = 2
_ABOUT = "about"
_TENSORS = ("change", "momentum", "best", "best_validation", "best_step", "last_validation")


def identity_of(
    train: ResidualRows,
    validation: ResidualRows,
    unembedding: Unembedding,
    recipe: Recipe,
    seed: int,
) -> str:
    """Hash of everything that a refinement follows from.

    >>> rows = ResidualRows.of(torch.ones(1, 2, vlm.d_model), ["a"])
    >>> one, other = (identity_of(rows, rows, vlm.unembedding, Recipe(), seed) for seed in (0, 1))
    >>> one == other, one == identity_of(rows, rows, vlm.unembedding, Recipe(), 0)
    (False, True)
    """
    head = unembedding.head.detach()
    content = {
        "format": _FORMAT,
        "recipe": recipe.declared(unembedding.n_vocab),
        "seed": seed,
        "train": train.digest(),
        "validation": validation.digest(),
        "head": hashlib.sha256(
            head[:: max(1, len(head) // 64)].cpu().float().contiguous().numpy().tobytes()
        ).hexdigest(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_checkpoint(path: Path, state: State, identity: str) -> None:
    """Put the state at `path`, whole or not at all.

    >>> tensors = {name: torch.zeros(1, 2, 3) for name in ("change", "momentum", "best")}
    >>> tensors |= {name: torch.zeros(1) for name in ("best_validation", "last_validation")}
    >>> state = State(step=5, falls=[True], best_step=torch.tensor([5]), **tensors)
    >>> write_checkpoint(folder / "state", state, "this training")
    >>> (folder / "state").exists()
    True
    """
    tensors = {name: getattr(state, name).cpu().contiguous() for name in _TENSORS}
    about = {
        "identity": identity,
        "step": state.step,
        "falls": state.falls,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, sealed_safetensors(save(tensors), {_ABOUT: json.dumps(about)}))


def read_checkpoint(path: Path, identity: str, device: torch.device) -> State | None:
    """The state at `path`, or None if there is none.

    UserError if it is damaged or of other data.

    >>> tensors = {name: torch.zeros(1, 2, 3) for name in ("change", "momentum", "best")}
    >>> tensors |= {name: torch.zeros(1) for name in ("best_validation", "last_validation")}
    >>> path, device = folder / "state", torch.device("cpu")
    >>> state = State(step=5, falls=[True], best_step=torch.tensor([5]), **tensors)
    >>> write_checkpoint(path, state, "this training")
    >>> read_checkpoint(path, "this training", device).step
    5
    >>> read_checkpoint(folder / "another", "this training", device) is None
    True
    """
    remove_unfinished(path.parent)
    if not path.exists():
        return None
    try:
        require_whole_file(path)
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[_ABOUT])
            # Copied: where in memory a number lies decides about roundings, and in the file that
            # depends on the length of its header.
            tensors = {name: file.get_tensor(name).clone() for name in _TENSORS}
        found, step = about["identity"], int(about["step"])
        falls = [bool(fell) for fell in about["falls"]]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and train again") from error
    if found != identity:
        raise UserError(
            f"{path} is of a training with another recipe, model, data or seed: delete it to "
            "start anew, or choose another folder"
        )
    # Divergences stay on the CPU, in float64.
    for name in ("change", "momentum", "best"):
        tensors[name] = tensors[name].to(device)
    return State(step=step, falls=falls, **tensors)
