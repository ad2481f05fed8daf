"""Small random LLaVA models of the real classes, saved to and loaded from a folder."""

import os

# Before huggingface_hub is imported: nothing in the tests asks the network.
os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from probes import VLM, load_vlm
from tests.probes.small_tokenizer import small_tokenizer

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}USER: {% for part in message.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% endfor %} ASSISTANT:"
)
IMAGE_SIZE, PATCH_SIZE = 32, 8


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer({"image_token": "<image>"})


@pytest.fixture(scope="session")
def build_model(tokenizer) -> Callable[..., LlavaForConditionalGeneration]:
    """A LLaVA with weights large enough that faults show; norms are not the identity."""

    def build(*, tied: bool = False, seed: int = 0) -> LlavaForConditionalGeneration:
        torch.manual_seed(seed)
        vision = CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=IMAGE_SIZE,
            patch_size=PATCH_SIZE,
        )
        text = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=tied,
            initializer_range=0.2,
        )
        config = LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            vision_feature_layer=-1,
            image_seq_length=(IMAGE_SIZE // PATCH_SIZE) ** 2,
            tie_word_embeddings=tied,
        )
        model = LlavaForConditionalGeneration(config).eval()
        decoder: Any = model.get_decoder()
        torch.nn.init.uniform_(decoder.norm.weight, 0.3, 3)
        return model

    return build


@pytest.fixture(scope="session")
def build_processor(tokenizer) -> Callable[..., LlavaProcessor]:
    def build(*, template: str | None = TEMPLATE) -> LlavaProcessor:
        return LlavaProcessor(
            image_processor=CLIPImageProcessorPil(
                size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}, do_center_crop=False
            ),
            tokenizer=tokenizer,
            patch_size=PATCH_SIZE,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
            chat_template=template,
        )

    return build


@pytest.fixture(scope="session")
def model_folder(build_model, build_processor, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("llava")
    build_model().save_pretrained(folder)
    build_processor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vlm(model_folder) -> VLM:
    return load_vlm(model_folder)


@pytest.fixture(scope="session")
def images() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8))
        for _ in range(7)
    ]


@pytest.fixture(scope="session")
def questions() -> list[str]:
    """Of several lengths, so that batches need padding."""
    return [
        "What color is it?",
        "What shape is the large red thing?",
        "Size?",
        "What material is the small gray cylinder behind all others?",
        "What color is it?",
        "How many?",
        "Is there a sphere?",
    ]


@pytest.fixture(scope="session")
def residuals(vlm, images, questions) -> torch.Tensor:
    return vlm.capture(images, questions)
