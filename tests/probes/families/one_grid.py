"""Families that show an image as one grid of patches: LLaVA, the Qwens, PaliGemma, Gemma 3."""

from typing import Any

import torch
import transformers

from probes.loading.still_images import without_videos
from tests.probes.families.sizes import PATCH, SIDE, TEXT, TOWER, Family, template, token_id

# Configurations are made of dictionaries here, which no type checker can follow.
hf: Any = transformers

_QWEN_TOKENS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}


def llava(tokenizer):
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**TOWER),
        text_config=hf.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_index=token_id(tokenizer, "<image>"),
        vision_feature_layer=-1,
        image_seq_length=(SIDE // PATCH) ** 2,
        tie_word_embeddings=False,
    )
    processor = hf.LlavaProcessor(
        # The released one: the shorter side to the size of the tower, the longer side cropped.
        image_processor=hf.CLIPImageProcessorPil(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
        ),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    return hf.LlavaForConditionalGeneration(config), processor


def qwen2_vl(tokenizer):
    config = hf.Qwen2VLConfig(
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, **_qwen_tower()},
        text_config=_qwen_text(tokenizer, [2, 3, 3]),
        tie_word_embeddings=True,
        **_qwen_ids(tokenizer),
    )
    return hf.Qwen2VLForConditionalGeneration(config), _qwen(hf.Qwen2VLProcessor, tokenizer)


def qwen2_5_vl(tokenizer):
    tower = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32}
    config = hf.Qwen2_5_VLConfig(
        # One block attends within windows, the other to all.
        vision_config={
            **tower, "window_size": 32, "fullatt_block_indexes": [1], **_qwen_tower(),
        },
        text_config=_qwen_text(tokenizer, [2, 3, 3]),
        **_qwen_ids(tokenizer),
    )  # fmt: skip
    processor = _qwen(hf.Qwen2_5_VLProcessor, tokenizer)
    return hf.Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl(tokenizer):
    tower = {"depth": 3, "hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32}
    config = hf.Qwen3VLConfig(
        # DeepStack: features of these two blocks are added after the first layers of the text.
        vision_config={
            **tower, "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64,
            **_qwen_tower(),
        },
        text_config={**_qwen_text(tokenizer, [4, 2, 2]), "head_dim": 16},
        **_qwen_ids(tokenizer),
    )  # fmt: skip
    return hf.Qwen3VLForConditionalGeneration(config), _qwen(hf.Qwen3VLProcessor, tokenizer)


def _qwen_tower() -> dict[str, Any]:
    return {"num_heads": 2, "patch_size": PATCH, "initializer_range": 0.2}


def _qwen_text(tokenizer, section: list[int]) -> dict[str, Any]:
    rope = {"rope_type": "default", "mrope_section": section, "rope_theta": 10_000.0}
    ends = {"bos_token_id": 1, "eos_token_id": 2}
    return {"vocab_size": len(tokenizer), "rope_parameters": rope, **ends, **TEXT}


def _qwen_ids(tokenizer) -> dict[str, int]:
    return {f"{name}_id": token_id(tokenizer, token) for name, token in _QWEN_TOKENS.items()}


def _qwen(kind: type, tokenizer):
    images = hf.Qwen2VLImageProcessorPil(
        patch_size=PATCH, merge_size=2, size={"shortest_edge": 32**2, "longest_edge": 96**2}
    )
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    return without_videos(kind)(images, tokenizer, chat_template=template(image))


def paligemma(tokenizer):
    return _paligemma(tokenizer, hf.GemmaConfig(**_gemma_text(len(tokenizer) + 2000)))


def paligemma2(tokenizer):
    text = _gemma_text(len(tokenizer) + 2000)
    return _paligemma(tokenizer, hf.Gemma2Config(**text, final_logit_softcapping=3.0))


def _paligemma(tokenizer, text):
    config = hf.PaliGemmaConfig(
        vision_config=hf.SiglipVisionConfig(**TOWER),
        text_config=text,
        image_token_index=token_id(tokenizer, "<image>"),
        projection_dim=32,
    )
    images: Any = hf.SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    images.image_seq_length = (SIDE // PATCH) ** 2
    processor = hf.PaliGemmaProcessor(image_processor=images, tokenizer=tokenizer)
    return hf.PaliGemmaForConditionalGeneration(config), processor


def _gemma_text(n_vocab: int) -> dict[str, Any]:
    return {**TEXT, "vocab_size": n_vocab, "head_dim": 16, "pad_token_id": 0}


def gemma3(tokenizer):
    config = hf.Gemma3Config(
        vision_config=hf.SiglipVisionConfig(**TOWER),
        text_config=hf.Gemma3TextConfig(**_gemma_text(len(tokenizer)), sliding_window=16),
        # 4 x 4 patches are averaged to 2 x 2 tokens.
        mm_tokens_per_image=4,
        boi_token_index=token_id(tokenizer, "<start_of_image>"),
        eoi_token_index=token_id(tokenizer, "<end_of_image>"),
        image_token_index=token_id(tokenizer, "<image_soft_token>"),
    )
    processor = hf.Gemma3Processor(
        image_processor=hf.Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE}),
        tokenizer=tokenizer,
        image_seq_length=4,
        chat_template=template("<start_of_image>", begin=True),
    )
    model = hf.Gemma3ForConditionalGeneration(config)
    # Begins as zeros: the image would not arrive.
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.2)
    return model, processor


_GEMMA3_TOKENS = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}
FAMILIES = {
    "llava": Family(build=llava),
    "qwen2_vl": Family(build=qwen2_vl, special_tokens=_QWEN_TOKENS),
    "qwen2_5_vl": Family(build=qwen2_5_vl, special_tokens=_QWEN_TOKENS),
    "qwen3_vl": Family(build=qwen3_vl, special_tokens=_QWEN_TOKENS),
    "paligemma": Family(build=paligemma),
    "paligemma2": Family(build=paligemma2),
    "gemma3": Family(build=gemma3, special_tokens=_GEMMA3_TOKENS),
}
