"""Processors for still images alone, of families whose own processor also reads videos.

A video processor needs torchvision, which a still image does not. Leaving it out gives the same
inputs on every machine, with torchvision and without.
"""

import inspect
from functools import cache
from typing import Any

from transformers import AutoProcessor, PretrainedConfig, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING


def still_image_processor(
    folder: str,
    config: PretrainedConfig,
    *,
    trust_remote_code: bool = False,
) -> Any:
    """The processor in a folder, without its part for videos if it has one.

    Raises what transformers raises for files that are missing or no processor.

    >>> from probes.loading.identity import source_of
    >>> found = still_image_processor(source_of("bundled"), vlm.model.config)
    >>> type(found).__name__
    'LlavaProcessor'
    """
    kind: Any = PROCESSOR_MAPPING.get(type(config), AutoProcessor)
    if "video_processor" in inspect.signature(kind.__init__).parameters:
        kind = without_videos(kind)
    return kind.from_pretrained(
        folder,
        trust_remote_code=trust_remote_code,
        # Named, because the default would give other pixels where torchvision is installed.
        backend="pil",
    )


@cache
def without_videos(kind: type[ProcessorMixin]) -> type[ProcessorMixin]:
    """The same kind of processor, without its part for videos.

    >>> from transformers import Qwen2VLProcessor
    >>> without_videos(Qwen2VLProcessor).get_attributes()
    ['image_processor', 'tokenizer']
    """

    # `__init__` stays as it is: transformers reads the names that it accepts from its code.
    class StillImages(kind):  # pyright: ignore[reportGeneralTypeIssues]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in super().get_attributes() if "video" not in name]

        @classmethod
        def from_args_and_dict(cls, args: list, processor_dict: dict[str, Any], **kwargs: Any):
            kept = {
                name: each for name, each in processor_dict.items() if name != "video_processor"
            }
            # Its place among the arguments is the third in every family.
            return super().from_args_and_dict([*args, None], kept, **kwargs)

        # SmolVLM's own asks its video processor for defaults.
        apply_chat_template = ProcessorMixin.apply_chat_template

    StillImages.__name__ = kind.__name__
    return StillImages
