"""Loading a vision-language model from a folder or the Hub: safely, pinned, and checked."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import logging as transformers_logging

from data_prep.errors import UserError
from probes.families import complete_processor
from probes.gate import check_gate
from probes.identity import folder_identity, source_of
from probes.still_images import still_image_processor
from probes.vlm import VLM

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_LOAD_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)


def load_vlm(
    name_or_path: str | os.PathLike[str],
    device: str = "cpu",
    dtype: str = "float32",
    revision: str | None = None,
) -> VLM:
    """Load "bundled", a model folder or a Hub id, and check it at the gate.

    Weights come from safetensors only and no code of the checkpoint's is run. `revision` (Hub
    only) is a branch, tag or commit; `vlm.revision` is the commit that it stood for, or, for a
    folder, a sha256 over its weights and configuration files.

    UserError for anything that is no usable model with image input; GateError if what would be
    read from it is not what it computes.
    """
    name = os.fspath(name_or_path)
    target = _device(device)
    if dtype not in DTYPES:
        raise UserError(f"unknown dtype {dtype!r}: choose from {', '.join(DTYPES)}")
    source = source_of(name)
    is_folder = _checked_source(source)
    if is_folder and revision is not None:
        raise UserError(f"a folder has no revisions, got revision {revision!r} for {source}")

    config = _config(source, revision)
    pinned = None if is_folder else getattr(config, "_commit_hash", None) or revision
    _require_image_input(config, source)
    processor = _processor(source, config, pinned)
    model = _model(source, pinned, DTYPES[dtype])
    try:
        model = model.to(target)  # pyright: ignore[reportArgumentType]
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{name} in {dtype} does not fit on {device}: use bfloat16, or another device"
        ) from error
    identity = folder_identity(Path(source)) if is_folder else pinned or "unknown"
    vlm = VLM(model=model, processor=processor, name=name, revision=identity)
    check_gate(vlm)
    return vlm


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    # torch names an unknown device by the first, one it was built without by the second or third.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"device {name!r} cannot be used here ({reason}): try cpu") from error
    return device


def _checked_source(source: str) -> bool:
    """True for a model folder, False for something that can be a Hub id."""
    folder = Path(source)
    if not folder.exists():
        if _HUB_ID.fullmatch(source):
            return False
        raise UserError(f"no model folder {source}: give an existing folder or a Hub id")
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{source} is no model folder (no config.json in it): give the folder that "
            "save_pretrained wrote"
        )
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{source} has no weights in safetensors (pickled weights can run code and are not "
            "read): save the model again with save_pretrained"
        )
    return True


def _config(source: str, revision: str | None) -> PretrainedConfig:
    try:
        return AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise UserError(
            f"cannot get the configuration of {source} ({_reason(error)}): is it the name of an "
            "existing folder? A Hub model must be public or you logged in (`hf auth login`); "
            f"without a network, fetch it elsewhere with `hf download {source} --local-dir FOLDER` "
            "and give the folder"
        ) from error
    except _LOAD_ERRORS as error:
        raise UserError(
            f"{source} has no configuration that this version of transformers knows without "
            f"running foreign code ({_reason(error)})"
        ) from error


def _require_image_input(config: PretrainedConfig, source: str) -> None:
    sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    if not sees or not hasattr(config, "vision_config"):
        raise UserError(
            f"{source} ({config.model_type}) is no vision-language model, it takes no image: "
            "choose one that transformers lists under image-text-to-text"
        )


def _processor(source: str, config: PretrainedConfig, revision: str | None) -> Any:
    try:
        processor = still_image_processor(source, config, revision)
    except _LOAD_ERRORS as error:
        raise UserError(
            f"cannot load the processor of {source} ({_reason(error)}): the folder needs "
            "processor_config.json and the tokenizer's files, as processor.save_pretrained writes"
        ) from error
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or getattr(processor, "image_processor", None) is None:
        raise UserError(f"the processor of {source} must have a tokenizer and an image processor")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise UserError(f"the tokenizer of {source} has no pad token and no eos token: set one")
        tokenizer.pad_token = tokenizer.eos_token
    complete_processor(processor, config)
    return processor


def _model(source: str, revision: str | None, dtype: torch.dtype) -> PreTrainedModel:
    try:
        with _quiet_unless_terminal():
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                source,
                revision=revision,
                dtype=dtype,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except (*_LOAD_ERRORS, RuntimeError) as error:
        raise UserError(
            f"cannot load the weights of {source} ({_reason(error)}): fetch or save it again"
        ) from error
    model, report = loaded
    for kind in ("missing_keys", "mismatched_keys"):
        if report[kind]:
            names = sorted(str(key) for key in report[kind])
            # They would be random, and every readout with them.
            raise UserError(
                f"the weights of {source} do not fill the model ({kind}: {len(names)}, first "
                f"{names[0]}): if head and embeddings are one matrix, set tie_word_embeddings in "
                "its config.json; otherwise save it again with all its weights"
            )
    return model


def _reason(error: Exception) -> str:
    """The first line of an error, without the pages of advice that some carry."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:200]}"


@contextmanager
def _quiet_unless_terminal() -> Iterator[None]:
    shown = transformers_logging.is_progress_bar_enabled()
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
