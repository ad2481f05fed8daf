"""What a model's name stands for, and its configuration."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from huggingface_hub.errors import StrictDataclassError
from huggingface_hub.utils import logging as hub_logging
from safetensors import SafetensorError
from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from data_prep.errors import UserError
from probes.loading.options import Loading

LOAD_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    SafetensorError,
    UnpicklingError,
    StrictDataclassError,
)
"""What transformers raises for files that are missing, damaged or of another kind."""
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def is_model_folder(source: str, loading: Loading) -> bool:
    """Whether a name is a model folder, and not a Hub id; UserError for what can be neither.

    >>> from probes.loading.identity import source_of
    >>> is_model_folder(source_of("bundled"), Loading())
    True
    >>> is_model_folder("llava-hf/llava-1.5-7b-hf", Loading())
    False
    >>> is_model_folder("./no/such/folder", Loading())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: no model folder ./no/such/folder: give an existing folder or ...
    """
    folder = Path(source)
    if not folder.exists():
        if _HUB_ID.fullmatch(source):
            return False
        raise UserError(f"no model folder {source}: give an existing folder or a Hub id")
    if loading.revision is not None:
        raise UserError(
            f"a folder has no revisions, got revision {loading.revision!r} for {source}"
        )
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{source} is no model folder (no config.json in it): give the folder that "
            "save_pretrained wrote"
        )
    if not any(folder.glob("*.safetensors")) and not loading.allow_pickle:
        raise UserError(
            f"{source} has no weights in safetensors (pickled weights can run code and are not "
            "read): save the model again with save_pretrained, or allow them with --allow-pickle "
            "(they are then read without running code)"
        )
    return True


def read_config(source: str, loading: Loading) -> PretrainedConfig:
    """The configuration of a model with image input. UserError if there is none.

    >>> from probes.loading.identity import source_of
    >>> read_config(source_of("bundled"), Loading()).model_type
    'llava'
    """
    try:
        with _one_complaint():
            config = AutoConfig.from_pretrained(
                source, revision=loading.revision, trust_remote_code=loading.trust_remote_code
            )
    except OSError as error:
        raise UserError(
            f"cannot get the configuration of {source} ({reason(error)}): is it the name of an "
            "existing folder? A Hub model must be public or you logged in (`hf auth login`, and "
            "for a gated one its terms accepted on its page); without a network, fetch it "
            f"elsewhere with `hf download {source} --local-dir FOLDER` and give the folder"
        ) from error
    except LOAD_ERRORS as error:
        raise UserError(
            f"{source} has no configuration that this version of transformers knows without "
            f"running foreign code ({reason(error)}): if it comes with code that you trust, "
            "allow it with --trust-remote-code"
        ) from error
    _require_image_input(config, source)
    return config


@contextmanager
def _one_complaint() -> Iterator[None]:
    """While it lasts, the Hub's library does not log failed requests: the error says it all."""
    before = hub_logging.get_verbosity()
    hub_logging.set_verbosity_error()
    try:
        yield
    finally:
        hub_logging.set_verbosity(before)


def _require_image_input(config: PretrainedConfig, source: str) -> None:
    # Foreign code says in auto_map which of its classes are which.
    foreign = "AutoModelForImageTextToText" in (getattr(config, "auto_map", None) or {})
    known = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and hasattr(
        config, "vision_config"
    )
    if not (known or foreign):
        raise UserError(
            f"{source} ({config.model_type}) is no vision-language model, it takes no image: "
            "choose one that transformers lists under image-text-to-text"
        )


def reason(error: Exception) -> str:
    r"""The first line of an error, without the pages of advice that some carry.

    >>> reason(OSError("no file config.json\nHere follows a page of advice."))
    'OSError: no file config.json'
    """
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:200]}"
