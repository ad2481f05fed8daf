"""The weights of a checkpoint in its model: from safetensors, complete, on their device."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoModelForImageTextToText, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from data_prep.errors import UserError, lacks_memory
from probes.loading.checked.growth import no_larger_than
from probes.loading.checked.headers import HeldWeights
from probes.loading.options import Loading
from probes.loading.remarks import reason, without_remarks

# Tables that older versions of transformers saved, and the newer compute.
_COMPUTED = re.compile(r"(^|\.)(position_ids|inv_freq|masked_bias)$")


def read_model(folder: Path, source: str, loading: Loading, held: HeldWeights) -> PreTrainedModel:
    """The model in a folder with all its weights, on its device or devices.

    UserError unless the weights that are `held` there fill the model exactly.

    >>> from probes.loading.checked.headers import held_weights
    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> held = held_weights([BUNDLED_FOLDER / "model.safetensors"], "bundled")
    >>> model = read_model(BUNDLED_FOLDER, "bundled", Loading(device="cpu"), held)
    >>> type(model).__name__, model.num_parameters()
    ('LlavaForConditionalGeneration', 5974592)
    """
    try:
        with (
            _quiet_unless_terminal(),
            without_remarks(),
            no_larger_than(held, source),
        ):
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                str(folder),
                dtype=loading.torch_dtype,
                use_safetensors=not held.pickled,
                weights_only=True,
                trust_remote_code=loading.trust_remote_code,
                output_loading_info=True,
                **_placement(loading),
            )
    except UserError:
        raise
    except Exception as error:  # for files from elsewhere, any
        if lacks_memory(error):
            raise _too_large(source, loading) from error
        if loading.attention is not None and "ttention" in str(error):
            raise UserError(
                f"attention {loading.attention!r} cannot be used with {source} here "
                f"({reason(error)}): leave --attention out, or try sdpa or eager"
            ) from error
        other = "ignore_mismatched_sizes" in str(error)
        told = "tensors have other shapes than config.json asks for" if other else reason(error)
        raise UserError(
            f"cannot load the weights of {source} ({told}): fetch or save it again"
        ) from error
    model, report = loaded
    _require_complete(source, report)
    return _placed(source, model, loading)


def _placement(loading: Loading) -> dict[str, Any]:
    """Arguments that say in what form and where weights are put while they are read."""
    chosen: dict[str, Any] = {}
    if loading.attention is not None:
        chosen["attn_implementation"] = loading.attention
    if loading.device_map is not None:
        chosen["device_map"] = loading.device_map
    if loading.quantize is not None:
        # A quantized model cannot be moved afterwards.
        chosen.setdefault("device_map", {"": loading.target})
        chosen["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=loading.quantize == 4,
            load_in_8bit=loading.quantize == 8,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=loading.torch_dtype,
        )
    return chosen


def _require_complete(source: str, report: dict[str, Any]) -> None:
    for kind in ("missing_keys", "mismatched_keys"):
        if report[kind]:
            names = sorted(str(key) for key in report[kind])
            # They would be random, and every readout with them.
            raise UserError(
                f"the weights of {source} do not fill the model ({kind}: {len(names)}, first "
                f"{names[0]}): if head and embeddings are one matrix, set tie_word_embeddings in "
                "its config.json; otherwise save it again with all its weights"
            )
    left = sorted(str(key) for key in report["unexpected_keys"] if not _COMPUTED.search(str(key)))
    if left:
        raise UserError(
            f"the weights of {source} hold tensors for which the model has no place "
            f"({len(left)}, first {left[0]}): config.json is of another model, as one with fewer "
            "layers; take the one that was saved with these weights"
        )


def _placed(source: str, model: Any, loading: Loading) -> PreTrainedModel:
    if loading.device_map is None and loading.quantize is None:
        try:
            return model.to(loading.target)
        except Exception as error:  # of a device, by whatever class its own library raises
            if not lacks_memory(error):
                raise
            raise _too_large(source, loading) from error
    head = model.get_output_embeddings()
    if head is not None and head.weight.is_meta:
        raise UserError(
            f"the devices are too small for {source}, its head would be left on the disk: use "
            "--quantize 4, or devices with more memory"
        )
    return model


def _too_large(source: str, loading: Loading) -> UserError:
    where = "all devices together" if loading.device_map else str(loading.target)
    spread = "" if loading.device_map else ", or spread it over devices with --device-map auto"
    return UserError(
        f"{source} in {loading.dtype} does not fit on {where}: use --dtype bfloat16, "
        f"--quantize 4, a machine with more memory{spread}"
    )


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
