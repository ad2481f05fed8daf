"""A model wide enough for blocks of quantized weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration


@pytest.fixture(scope="session")
def wide_folder(tokenizer, build_processor, tmp_path_factory) -> Path:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=32, patch_size=8),
        text_config=LlamaConfig(vocab_size=len(tokenizer), initializer_range=0.05, **sizes),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_seq_length=16,
        tie_word_embeddings=False,
    )
    folder = tmp_path_factory.mktemp("wide")
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    build_processor().save_pretrained(folder)
    return folder
