"""Loading a vision-language model from a folder or the Hub: safely, pinned, and checked."""

import os
from pathlib import Path
from typing import Literal

from huggingface_hub import try_to_load_from_cache

from data_prep.errors import UserError
from probes.gate import check_gate
from probes.loading.identity import folder_identity, source_of
from probes.loading.memory import require_memory
from probes.loading.options import DeviceMap, Loading
from probes.loading.processor import read_processor
from probes.loading.source import is_model_folder, read_config
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
    )
    name = os.fspath(name_or_path)
    source = source_of(name)
    is_folder = is_model_folder(source, loading)
    config = read_config(source, loading)
    pinned = None if is_folder else _commit(source, revision)
    processor = read_processor(source, config, loading, pinned)
    require_memory(Path(source) if pinned is None else _cached(source, pinned).parent, loading)
    model = read_model(source, loading, pinned)
    identity = pinned or folder_identity(Path(source))
    vlm = VLM(
        model=model, processor=processor, name=name, revision=identity, prompt_style=prompt_style
    )
    check_gate(vlm)
    return vlm


def _commit(source: str, revision: str | None) -> str:
    """The commit of a Hub model whose configuration has just been read."""
    # Its folder in the cache is named after it; the configuration itself does not always say.
    return _cached(source, revision).parent.name


def _cached(source: str, revision: str | None) -> Path:
    cached = try_to_load_from_cache(source, "config.json", revision=revision)
    if not isinstance(cached, str):
        raise UserError(
            f"cannot tell which commit of {source} was read, for it is not in the Hub's cache: "
            "fetch it with `hf download` and give its folder"
        )
    return Path(cached)
