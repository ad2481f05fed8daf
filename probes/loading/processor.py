"""The processor of a checkpoint, with what the rest relies on."""

from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from data_prep.errors import UserError, lacks_memory
from probes.families import complete_processor, image_placeholder
from probes.loading.options import Loading
from probes.loading.remarks import reason, without_remarks
from probes.loading.still_images import still_image_processor


def read_processor(folder: Path, source: str, config: PretrainedConfig, loading: Loading) -> Any:
    """The tokenizer and image processor of a model, able to pad and to mark an image.

    UserError if they cannot.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> found = read_processor(BUNDLED_FOLDER, "bundled", vlm.model.config, Loading())
    >>> type(found).__name__, found.tokenizer.pad_token, found.image_token
    ('LlavaProcessor', '<pad>', '<image>')
    """
    try:
        with without_remarks():
            processor = still_image_processor(
                str(folder), config, trust_remote_code=loading.trust_remote_code
            )
    except Exception as error:  # for files from elsewhere, any
        if lacks_memory(error):
            raise
        raise UserError(
            f"cannot load the processor of {source} ({reason(error)}): the folder needs "
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
    _require_image_token(processor, source)
    return processor


def _require_image_token(processor: Any, source: str) -> None:
    placeholder = image_placeholder(processor)
    tokens = processor.tokenizer.tokenize(placeholder)
    if tokens != [placeholder]:
        raise UserError(
            f"the tokenizer of {source} must know the image token {placeholder!r} as one token, "
            f"got {tokens}: take the tokenizer that belongs to the model"
        )
