"""The family whose image features are looked at from beside the sequence: Mllama."""

from typing import Any

import torch
import transformers

from tests.probes.families.sizes import PATCH, SIDE, TEXT, Family, template

# Configurations are made of dictionaries here, which no type checker can follow.
hf: Any = transformers


def mllama(tokenizer):
    vision = hf.MllamaVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_global_layers=1,
        attention_heads=2,
        vision_output_dim=96,
        image_size=SIDE,
        patch_size=PATCH,
        max_num_tiles=4,
        intermediate_layers_indices=[0, 1],
        initializer_range=0.2,
    )
    text = hf.MllamaTextConfig(
        # The image token has an embedding but no row in the head.
        vocab_size=len(tokenizer) - 1,
        cross_attention_layers=[1, 3],
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        **TEXT,
    )
    config = hf.MllamaConfig(
        vision_config=vision, text_config=text, image_token_index=len(tokenizer) - 1
    )
    processor = hf.MllamaProcessor(
        image_processor=hf.MllamaImageProcessorPil(
            size={"height": SIDE, "width": SIDE}, max_image_tiles=4
        ),
        tokenizer=tokenizer,
        chat_template=template("<|image|>", begin=True),
    )
    model = hf.MllamaForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if name.endswith("gate"):  # begins closed: the image would not arrive
            torch.nn.init.constant_(weight, 0.7)
    return model, processor


FAMILIES = {
    "mllama": Family(build=mllama, special_tokens={}, more_tokens=["<|python_tag|>", "<|image|>"])
}
