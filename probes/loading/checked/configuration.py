"""The numbers in a model's configuration files, before classes are made from them.

Some classes make a list of as many entries as there are layers, whatever the number.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from probes.foreign_json import read_json_object

CONFIG = "config.json"
_OTHERS = (
    "config.*.json",
    "generation_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
)
_DEPTH = re.compile(r"(^|_)(layers?|depths?|blocks?|stages?)$")
_SIZE = re.compile(r"(_|^)(size|dim)$|^(num|n)_|^d_model$")
# The side of an image, or the tokens that it takes: more would fill any memory.
_PICTURE = re.compile(
    r"^(height|width|side|num_additional_image_tokens|image_seq_len(gth)?|num_image_tokens)$"
)
_MOST_LAYERS, _MOST_SIZE, _MOST_PICTURE = 1000, 2**31, 2**13


def require_readable(folder: Path, source: str) -> dict[str, Any]:
    """The content of config.json; UserError if it, or another configuration file, cannot be read.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> require_readable(BUNDLED_FOLDER, "bundled")["model_type"]
    'llava'
    """
    try:
        config = read_json_object(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot get the configuration of {source}, for its {CONFIG} cannot be read ({error}): "
            "fetch it again"
        ) from error
    _require_no_kernels(config, source)
    if "transformers_weights" in config:
        raise UserError(
            f"{CONFIG} of {source} names a file of weights by itself (transformers_weights), which "
            "is not read: rename the file to model.safetensors and remove the entry"
        )
    for path in sorted({path for pattern in _OTHERS for path in folder.glob(pattern)}):
        try:
            content = read_json_object(path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"cannot read {path.name} of {source} ({error}): fetch it again"
            ) from error
        if path.name == "generation_config.json":
            _require_tokens(content, path.name, source)
        for name, number in _numbers(content):
            if _PICTURE.search(name) and abs(number) > _MOST_PICTURE:
                raise _refused(path.name, source, name, number, f"at most {_MOST_PICTURE:,}")
    return config


def require_plausible(config: dict[str, Any], n_tensors: int, source: str) -> None:
    """UserError for sizes below zero or beyond reason, and for far more layers than tensors.

    >>> config = {"text_config": {"num_hidden_layers": 3_000_000}}
    >>> require_plausible(config, 104, "a model")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: config.json of a model has num_hidden_layers 3000000, it must be ...
    """
    # Of pickled weights nobody knows; a thousand layers are no danger.
    most = _MOST_LAYERS + 4 * n_tensors
    for name, number in _numbers(config):
        if _DEPTH.search(name) and number > most:
            rule = f"at most {most}, as the weights hold {n_tensors} tensors"
            raise _refused(CONFIG, source, name, number, rule)
        if _SIZE.search(name) and not 0 <= number < _MOST_SIZE:
            raise _refused(CONFIG, source, name, number, f"from 0 to {_MOST_SIZE:,}")


def _require_no_kernels(content: Any, source: str) -> None:
    """UserError for code from the Hub in place of an implementation that transformers has."""
    for each in content.values() if isinstance(content, dict) else ():
        _require_no_kernels(each, source)
    for name, value in content.items() if isinstance(content, dict) else ():
        if name.endswith("_implementation") and isinstance(value, str) and "/" in value:
            raise UserError(
                f"{CONFIG} of {source} asks for foreign code ({name} {value[:100]!r}), which is "
                "not run: remove the entry"
            )


def _require_tokens(content: dict[str, Any], file: str, source: str) -> None:
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        value = content.get(name)
        each = value if isinstance(value, list) else [] if value is None else [value]
        if not all(type(token) is int and -1 <= token < _MOST_SIZE for token in each):
            raise UserError(
                f"{file} of {source} must have the number of a token, or a list of them, as "
                f"{name}, got {value!r:.100}: fetch it again"
            )


def _refused(file: str, source: str, name: str, number: int | float, rule: str) -> UserError:
    return UserError(
        f"{file} of {source} has {name} {number}, it must be {rule}: it is of another model, fetch "
        "both again"
    )


def _numbers(content: Any, name: str = "") -> Iterator[tuple[str, int | float]]:
    """Every number with the name that it stands under, also those in lists."""
    if isinstance(content, dict):
        # Alone it is the side of an image; beside a longest_edge both can be numbers of pixels.
        alone = "shortest_edge" in content and "longest_edge" not in content
        for key, each in content.items():
            key = "side" if alone and key == "shortest_edge" else key
            yield from _numbers(each, key)
    elif isinstance(content, list):
        for each in content:
            yield from _numbers(each, name)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield name, content
