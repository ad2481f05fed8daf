"""The checkpoint format of the `tuned-lens` package (0.2): params.pt and config.json.

params.pt is a state dict with "<layer>.weight" [d_model, d_model] and "<layer>.bias" [d_model] of
the residual translators of layers 0..L-1; config.json names the model and hashes its head, which
`published_head` looks for in ours.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from probes.foreign_json import read_json_object
from probes.plain_tensors import read_plain_tensors
from probes.published_head import head_hash, rows_with_hash
from probes.translators.affine import Translators
from probes.unembedding import Unembedding

if TYPE_CHECKING:
    from probes.vlm import VLM

_PARAMS, _CONFIG = "params.pt", "config.json"
_LENS_TYPE = "linear_tuned_lens"
_ENTRIES = {"d_model": int, "num_hidden_layers": int, "base_model_name_or_path": str}


def write(
    folder: Path, translators: Translators, unembedding: Unembedding, *, model: str, revision: str
) -> None:
    """Put both files of a lens into an existing folder.

    >>> nothing = Translators.zero(vlm.n_layers, vlm.d_model)
    >>> write(folder, nothing, vlm.unembedding, model=vlm.name, revision=vlm.revision)
    >>> sorted(path.name for path in folder.glob("*.*"))
    ['config.json', 'params.pt']
    """
    layers = range(len(translators.maps))
    state = {f"{layer}.weight": translators.maps[layer].cpu().clone() for layer in layers}
    state |= {f"{layer}.bias": translators.offsets[layer].cpu().clone() for layer in layers}
    config = {
        "base_model_name_or_path": model,
        "base_model_revision": revision,
        "bias": True,
        "d_model": translators.maps.shape[1],
        "lens_type": _LENS_TYPE,
        "num_hidden_layers": len(layers),
        "unembed_hash": head_hash(unembedding.head),
    }
    stream = io.BytesIO()
    torch.save(state, stream)
    write_durably(folder / _PARAMS, stream.getvalue())
    write_durably(folder / _CONFIG, json.dumps(config, indent=1).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLens:
    """The translators of a folder."""

    translators: Translators
    notes: tuple[str, ...]
    """What the reader should know of the head that they were made for; empty if it is ours."""


def read(folder: Path, vlm: "VLM", *, allow_other_head: bool = False) -> PublishedLens:
    """The lens in a folder; UserError unless it is whole and was made for `vlm`.

    With `allow_other_head` only layers and width must fit.

    >>> nothing = Translators.zero(vlm.n_layers, vlm.d_model)
    >>> write(folder, nothing, vlm.unembedding, model=vlm.name, revision=vlm.revision)
    >>> found = read(folder, vlm)
    >>> tuple(found.translators.maps.shape), found.notes
    ((10, 192, 192), ())
    """
    config = _config(folder / _CONFIG)
    _require_shape(config, vlm, folder)
    notes = _notes(config, vlm, folder, allow_other_head=allow_other_head)
    return PublishedLens(translators=_translators(config, vlm, folder), notes=notes)


def _translators(config: dict[str, Any], vlm: "VLM", folder: Path) -> Translators:
    width, layers = vlm.d_model, range(vlm.n_layers)
    # Numbers of 8 bytes are the widest.
    state = read_plain_tensors(folder / _PARAMS, 8 * len(layers) * (width + 1) * width)
    has_bias = bool(config.get("bias", True))
    shapes = {f"{layer}.weight": (width, width) for layer in layers}
    if has_bias:
        shapes |= {f"{layer}.bias": (width,) for layer in layers}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if found != shapes:
        odd = sorted(name for name in {*found, *shapes} if found.get(name) != shapes.get(name))[0]
        raise UserError(
            f"{folder / _PARAMS} must hold one translator for each of {len(layers)} layers, but "
            f"{odd[:100]} is {found.get(odd, 'missing')}, not {shapes.get(odd, 'expected')}: it "
            "is of another model or lens type"
        )
    maps = torch.stack([state[f"{layer}.weight"].float() for layer in layers])
    offsets = (
        torch.stack([state[f"{layer}.bias"].float() for layer in layers])
        if has_bias
        else torch.zeros(len(layers), width)
    )
    for layer in layers:
        if not bool(torch.isfinite(maps[layer].sum() + offsets[layer].sum())):
            raise UserError(f"{folder / _PARAMS} is not finite at layer {layer}: fetch it again")
    return Translators(maps=maps, offsets=offsets)


def _config(path: Path) -> dict[str, Any]:
    try:
        config = read_json_object(path)
        for name, kind in _ENTRIES.items():
            # A boolean is an integer to Python.
            if not isinstance(config.get(name), kind) or isinstance(config[name], bool):
                got = repr(config.get(name))[:100]
                raise ValueError(f"{name} must be of type {kind.__name__}, got {got}")
    except (OSError, ValueError) as error:
        raise UserError(
            f"no usable config of a tuned lens at {path} ({error}): give the folder with "
            f"{_PARAMS} and {_CONFIG}"
        ) from error
    kind = config.get("lens_type", _LENS_TYPE)
    if kind != _LENS_TYPE:
        raise UserError(f"{path} is of a lens of type {kind!r}: only {_LENS_TYPE} can be read")
    return config


def _require_shape(config: dict[str, Any], vlm: "VLM", folder: Path) -> None:
    for what, theirs, ours in (
        ("width", config["d_model"], vlm.d_model),
        ("layer count", config["num_hidden_layers"], vlm.n_layers),
    ):
        if theirs != ours:
            raise UserError(
                f"{_other(config, folder)}, {what} {theirs}; {vlm.name} has {ours}): use the model "
                "it was made for"
            )


def _notes(
    config: dict[str, Any], vlm: "VLM", folder: Path, *, allow_other_head: bool
) -> tuple[str, ...]:
    """Empty for our head, or what is to be known of another; UserError unless that is allowed."""
    made_for, n_rows = config["base_model_name_or_path"], vlm.unembedding.n_vocab
    if config.get("unembed_hash"):
        found = rows_with_hash(vlm, config["unembed_hash"])
        if found == n_rows:
            return ()
        if found is not None:
            part = f"the first {found:,} of {n_rows:,} rows of the model's head"
            return (f"tuned lens of {made_for}, whose head is {part}",)
    what, theirs, ours = _identities(config, vlm)
    if theirs == ours:
        return ()
    if allow_other_head:
        return (f"tuned lens of another model ({made_for}, {what} {theirs}), read all the same",)
    raise UserError(
        f"{_other(config, folder)}, {what} {theirs}; {vlm.name} has {ours}): use the model it was "
        "made for, or read it all the same with --allow-other-head"
    )


def _identities(config: dict[str, Any], vlm: "VLM") -> tuple[str, str, str]:
    """What decides whether a lens is the model's, the lens's and ours.

    The head's hash if there is one, else the revision, else the name.
    """
    if config.get("unembed_hash"):
        head = vlm.unembedding.head
        ours = f"{head_hash(head)} over its {len(head):,} rows, and no part that was tried has it"
        return "head hash", str(config["unembed_hash"]), ours
    if config.get("base_model_revision"):
        return "revision", str(config["base_model_revision"]), vlm.revision
    return "name", str(config["base_model_name_or_path"]), vlm.name


def _other(config: dict[str, Any], folder: Path) -> str:
    return (
        f"the tuned lens in {folder} was made for another model "
        f"({config['base_model_name_or_path']}"
    )
