"""Families that show an image as tiles beside the whole: LLaVA-NeXT, LLaVA-OneVision, InternVL."""

from typing import Any

import transformers

from probes.loading.still_images import without_videos
from tests.probes.families.sizes import PATCH, SIDE, TEXT, TOWER, Family, template, token_id

# Configurations are made of dictionaries here, which no type checker can follow.
hf: Any = transformers

_PINPOINTS = [[32, 64], [64, 32], [64, 64], [96, 96]]


def llava_next(tokenizer):
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(**TOWER),
        text_config=hf.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_index=token_id(tokenizer, "<image>"),
        vision_feature_layer=-1,
        image_seq_length=(SIDE // PATCH) ** 2,
        image_grid_pinpoints=_PINPOINTS,
    )
    images = hf.LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE},
        crop_size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=_PINPOINTS,
    )
    processor = hf.LlavaNextProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    return hf.LlavaNextForConditionalGeneration(config), processor


def llava_onevision(tokenizer):
    config = hf.LlavaOnevisionConfig(
        vision_config=hf.SiglipVisionConfig(**TOWER, vision_use_head=False),
        text_config=hf.Qwen2Config(vocab_size=len(tokenizer), tie_word_embeddings=True, **TEXT),
        image_token_index=token_id(tokenizer, "<image>"),
        video_token_index=token_id(tokenizer, "<video>"),
        image_grid_pinpoints=_PINPOINTS,
        # Larger than 2 x 2 tiles are interpolated down, as in a released model beyond 3 x 3.
        vision_aspect_ratio="anyres_max_4",
        tie_word_embeddings=True,
    )
    images = hf.LlavaOnevisionImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=_PINPOINTS
    )
    processor = without_videos(hf.LlavaOnevisionProcessor)(
        images,
        tokenizer,
        num_image_tokens=(SIDE // PATCH) ** 2,
        vision_feature_select_strategy="full",
        vision_aspect_ratio="anyres_max_4",
        chat_template=template("<image>"),
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


def internvl(tokenizer):
    config = hf.InternVLConfig(
        vision_config=hf.InternVLVisionConfig(
            **TOWER | {"image_size": [SIDE, SIDE], "patch_size": [PATCH, PATCH]}
        ),
        text_config=hf.Qwen2Config(vocab_size=len(tokenizer), **TEXT),
        image_token_id=token_id(tokenizer, "<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    processor = without_videos(hf.InternVLProcessor)(
        hf.GotOcr2ImageProcessorPil(
            size={"height": SIDE, "width": SIDE}, crop_to_patches=True, max_patches=6
        ),
        tokenizer,
        image_seq_length=4,
        chat_template=template("<IMG_CONTEXT>"),
    )
    return hf.InternVLForConditionalGeneration(config), processor


_INTERNVL_TOKENS = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
FAMILIES = {
    "llava_next": Family(build=llava_next),
    "llava_onevision": Family(
        build=llava_onevision,
        special_tokens={"image_token": "<image>", "video_token": "<video>"},
    ),
    "internvl": Family(build=internvl, special_tokens=_INTERNVL_TOKENS),
}
