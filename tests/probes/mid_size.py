"""A random LLaVA large enough that benchmarks measure the model and not the library around it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from tests.probes.families.sizes import template
from tests.probes.small_tokenizer import small_tokenizer

# Configurations are made of dictionaries here, which no type checker can follow.
hf: Any = transformers
SIDE, PATCH = 224, 14


def mid_size_llava(folder: Path) -> Path:
    """146 million parameters: 12 blocks of width 768, 256 image tokens, 32,000 words."""
    tokenizer = small_tokenizer({"image_token": "<image>"})
    torch.manual_seed(0)
    vision = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6}
    text = {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12}
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(
            **vision, num_attention_heads=6, image_size=SIDE, patch_size=PATCH
        ),
        text_config=hf.LlamaConfig(**text, num_attention_heads=12, vocab_size=32_000),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_seq_length=(SIDE // PATCH) ** 2,
        tie_word_embeddings=False,
    )
    hf.LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor = hf.LlavaProcessor(
        image_processor=hf.CLIPImageProcessorPil(
            size={"height": SIDE, "width": SIDE}, do_center_crop=False
        ),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    processor.save_pretrained(folder)
    return folder


def noise_images(n: int) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(n)
    ]
