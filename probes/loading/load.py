"""Loading a vision-language model from a folder or the Hub: safely, pinned, and checked."""

import os
from pathlib import Path
from typing import Literal

from transformers import PretrainedConfig

from probes.gate import check_gate
from probes.loading.checked.configuration import require_plausible, require_readable
from probes.loading.checked.headers import HeldWeights, held_weights
from probes.loading.checked.trial import require_tame_texts
from probes.loading.checked.weight_files import weight_files
from probes.loading.hub import fetch_description, fetch_weights
from probes.loading.identity import BUNDLED_FOLDER, folder_identity, source_of
from probes.loading.memory import require_memory
from probes.loading.options import DeviceMap, Gate, Loading
from probes.loading.processor import read_processor
from probes.loading.source import is_model_folder, read_config, require_model_files
from probes.loading.weights import read_model
from probes.prompts import PromptStyle
from probes.vlm import VLM


def load_vlm(
    name_or_path: str | os.PathLike[str],
    *,
    device: str = "auto",
    device_map: DeviceMap | None = None,
    dtype: str = "float32",
    quantize: Literal[4, 8] | None = None,
    attention: str | None = None,
    revision: str | None = None,
    prompt_style: PromptStyle = "card",
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    gate: Gate = "full",
) -> VLM:
    """Load "bundled", a model folder or a Hub id, and check it at the gate.

    The options are those of `Loading`. Unless allowed, weights come from safetensors only and no
    code of the checkpoint's is run. `revision` (Hub only) is a branch, tag or commit;
    `vlm.revision` is the commit that it stood for, or, for a folder, a sha256 over its weights and
    configuration files.

    UserError for anything that is no usable model with image input, or does not fit; GateError if
    what would be read from it is not what it computes.

    >>> vlm = load_vlm("bundled", device="cpu")
    >>> vlm.n_layers, vlm.d_model, vlm.dtype
    (10, 192, torch.float32)
    """
    loading = Loading(
        device=device,
        device_map=device_map,
        dtype=dtype,
        quantize=quantize,
        attention=attention,
        revision=revision,
        prompt_style=prompt_style,
        trust_remote_code=trust_remote_code,
        allow_pickle=allow_pickle,
        gate=gate,
    )
    vlm = load_unchecked(name_or_path, loading)
    check_gate(vlm, gate)
    return vlm


def load_unchecked(name_or_path: str | os.PathLike[str], loading: Loading) -> VLM:
    """Load a model like `load_vlm`, but leave the gate to the caller, as for a certificate.

    UserError and GateError as of `load_vlm`.

    >>> load_unchecked("bundled", Loading(device="cpu")).n_layers
    10
    """
    name = os.fspath(name_or_path)
    source = source_of(name)
    is_folder = is_model_folder(source, loading)
    folder = Path(source) if is_folder else fetch_description(source, loading)
    held, config = _checked(folder, source, loading, is_folder=is_folder)
    processor = read_processor(folder, source, config, loading)
    require_memory(held.shapes, source, loading)
    model = read_model(folder, source, loading, held)
    return VLM(
        model=model,
        processor=processor,
        name=name,
        revision=folder_identity(folder) if is_folder else folder.name,
        prompt_style=loading.prompt_style,
    )


def require_room(name_or_path: str | os.PathLike[str], loading: Loading) -> None:
    """UserError for a model in a folder whose weights do not fit, told without reading them.

    Nothing is said of a Hub id, whose weights may not be here.

    >>> require_room("bundled", Loading(device="cpu"))  # says nothing
    """
    source = source_of(os.fspath(name_or_path))
    if not is_model_folder(source, loading):
        return
    files = weight_files(Path(source), source, allow_pickle=loading.allow_pickle)
    require_memory(held_weights(files, source).shapes, source, loading)


def _checked(
    folder: Path, source: str, loading: Loading, *, is_folder: bool
) -> tuple[HeldWeights, PretrainedConfig]:
    """What can be told of a model before its processor and its weights are read, all of it fit."""
    require_model_files(folder, source)
    written = require_readable(folder, source)
    if not is_folder:
        fetch_weights(source, folder, allow_pickle=loading.allow_pickle)
    held = held_weights(weight_files(folder, source, allow_pickle=loading.allow_pickle), source)
    require_plausible(written, held.n_tensors, source)
    config = read_config(folder, source, loading)
    if folder != BUNDLED_FOLDER:
        require_tame_texts(folder, source)
    return held, config
