"""What a model's name stands for, and its configuration."""

import re
from pathlib import Path

from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from data_prep.errors import UserError, lacks_memory
from data_prep.files.bounded import no_file_in
from probes.foreign_json import read_json_object
from probes.loading.checked.configuration import CONFIG
from probes.loading.options import Loading
from probes.loading.remarks import reason, without_remarks

_ADAPTER = "adapter_config.json"
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
    require_model_files(folder, source)
    return True


def require_model_files(folder: Path, source: str) -> None:
    """UserError for a folder without a model, or with more than one.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> require_model_files(BUNDLED_FOLDER, "bundled")  # says nothing
    """
    adapters = sorted(path.name for path in (*folder.glob("adapter_model*"), folder / _ADAPTER)
                      if path.exists())  # fmt: skip
    if adapters:
        raise UserError(
            f"{source} holds an adapter ({adapters[0]}), which changes the model and is not "
            "applied here: merge it first, with merge_and_unload() of peft and save_pretrained of "
            "the result into a folder of its own, or remove the adapter's files to measure the "
            "model without it"
        )
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"{source} is no model folder (no {CONFIG} in it): give the folder that "
            "save_pretrained wrote"
        )
    if (foreign := no_file_in(folder)) is not None:
        raise UserError(
            f"{source} must hold files and folders only, got {foreign.name}, which is neither: "
            "remove it"
        )


def read_config(folder: Path, source: str, loading: Loading) -> PretrainedConfig:
    """The configuration of the model in a folder, one with image input. UserError if there is none.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> read_config(BUNDLED_FOLDER, "bundled", Loading()).model_type
    'llava'
    """
    try:
        with without_remarks():
            config = AutoConfig.from_pretrained(
                str(folder), trust_remote_code=loading.trust_remote_code
            )
    except Exception as error:  # for files from elsewhere, any
        if lacks_memory(error):
            raise
        raise _unusable(folder, source, loading, error) from error
    _require_image_input(config, source)
    return config


def _unusable(folder: Path, source: str, loading: Loading, error: Exception) -> UserError:
    """What is wrong with a configuration that the library refuses: foreign, damaged, or too new."""
    try:
        written = read_json_object(folder / CONFIG)
    except (OSError, ValueError):
        written = {}
    kind = written.get("model_type")
    foreign = "auto_map" in written or (isinstance(kind, str) and kind not in CONFIG_MAPPING)
    if not foreign:
        return UserError(
            f"{CONFIG} of {source} is damaged or of another version of transformers "
            f"({reason(error)}): fetch or save it again"
        )
    if loading.trust_remote_code:
        return UserError(
            f"the configuration of {source} cannot be made, by this version of transformers or by "
            f"the code that comes with it ({reason(error)}): fetch it again, or take the version "
            "of transformers that it was written for"
        )
    return UserError(
        f"{source} has no configuration that this version of transformers knows without "
        f"running foreign code ({reason(error)}): if it comes with code that you trust, "
        "allow it with --trust-remote-code"
    )


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
