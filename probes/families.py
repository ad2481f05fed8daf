"""Everything that differs between families of vision-language models, in one place.

The rest of the package knows a model only through `get_decoder()`, `get_output_embeddings()`
and its processor. An architecture that is not named here is served by the defaults if the gate
lets it pass.
"""

from dataclasses import dataclass
from typing import Any, Literal

from transformers import PretrainedConfig

ImageLayout = Literal["grids", "merged patches", "packed tiles", "beside", "unknown"]
"""How image tokens follow from patches. "grids": tile by tile, row by row, squares of patches
merged or not; "merged patches": the same for one grid of any shape, whose patches come in squares;
"packed tiles": the whole image, then tiles put together, each line ended by a token; "beside": the
image is looked at by cross attention and has no tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the architecture itself does not say."""

    default_prompt: str = "USER: {image}\n{question} ASSISTANT:"
    """The prompt of checkpoints without a chat template, by default in LLaVA-1.5's form."""
    dropped_inputs: frozenset[str] = frozenset()
    """Outputs of the processor that are no input of the forward pass."""
    image_layout: ImageLayout = "unknown"
    ending: str = ""
    """What the processor itself writes after the question."""


_GRIDS = Family(image_layout="grids")
_MERGED = Family(image_layout="merged patches")
_PACKED = Family(image_layout="packed tiles")
_FAMILIES = {
    "llava": _GRIDS,
    "llava_next": _PACKED,
    "llava_onevision": _PACKED,
    "qwen2_vl": _MERGED,
    "qwen2_5_vl": _MERGED,
    "qwen3_vl": _MERGED,
    "idefics3": _GRIDS,
    "smolvlm": _GRIDS,
    "gemma3": _GRIDS,
    "internvl": _GRIDS,
    "paligemma": Family(
        default_prompt="{image}{question}",
        dropped_inputs=frozenset({"labels"}),
        image_layout="grids",
        ending="\n",
    ),
    "mllama": Family(image_layout="beside"),
}


def family_of(config: PretrainedConfig) -> Family:
    """The family of a model by its `model_type`; the default (LLaVA's form) if it is unknown.

    >>> from transformers import LlamaConfig, LlavaConfig
    >>> family_of(LlavaConfig()).image_layout, family_of(LlamaConfig()).image_layout
    ('grids', 'unknown')
    """
    return _FAMILIES.get(config.model_type, Family())


def soft_cap(config: PretrainedConfig) -> float | None:
    """The cap on the final logits (Gemma 2, PaliGemma 2), None if there is none.

    >>> from transformers import Gemma2Config, LlamaConfig
    >>> soft_cap(Gemma2Config()), soft_cap(LlamaConfig())
    (30.0, None)
    """
    return getattr(config.get_text_config(), "final_logit_softcapping", None)


def logit_scale(config: PretrainedConfig) -> float:
    """The factor on the final logits: Cohere multiplies, Granite divides, the others neither.

    >>> from transformers import CohereConfig, GraniteConfig, LlamaConfig
    >>> cohere, granite = CohereConfig(logit_scale=0.25), GraniteConfig(logits_scaling=8)
    >>> logit_scale(cohere), logit_scale(granite), logit_scale(LlamaConfig())
    (0.25, 0.125, 1.0)
    """
    text = config.get_text_config()
    multiplied = getattr(text, "logit_scale", None)
    divided = getattr(text, "logits_scaling", None)
    return float(multiplied or 1) / float(divided or 1)


def head_is_tied(config: PretrainedConfig) -> bool:
    """Whether the configuration says that head and embeddings are one matrix.

    >>> from transformers import LlamaConfig
    >>> [head_is_tied(LlamaConfig(tie_word_embeddings=tied)) for tied in (True, False)]
    [True, False]
    """
    # A checkpoint may say so at either level, and the two need not agree.
    text = config.get_text_config()
    return bool(getattr(config, "tie_word_embeddings", False)) or bool(
        getattr(text, "tie_word_embeddings", False)
    )


def image_placeholder(processor: Any) -> str:
    """What stands for the image in a prompt before the processor expands it.

    >>> from types import SimpleNamespace
    >>> image_placeholder(SimpleNamespace(boi_token="<start_of_image>", image_token="<image>"))
    '<start_of_image>'
    >>> image_placeholder(vlm.processor)
    '<image>'
    """
    # Gemma 3 writes a begin-of-image token, which its processor expands around the image tokens.
    begin = getattr(processor, "boi_token", None)
    return begin or getattr(processor, "image_token", "<image>")


def complete_processor(processor: Any, config: PretrainedConfig) -> None:
    """Fill in what early LLaVA checkpoints left to the model to know.

    >>> from types import SimpleNamespace
    >>> early = SimpleNamespace()
    >>> complete_processor(early, vlm.model.config)
    >>> early.patch_size, early.vision_feature_select_strategy
    (16, 'default')
    """
    if config.model_type in ("llava", "llava_next"):
        if getattr(processor, "patch_size", None) is None:
            processor.patch_size = config.vision_config.patch_size
        if getattr(processor, "vision_feature_select_strategy", None) is None:
            processor.vision_feature_select_strategy = config.vision_feature_select_strategy
