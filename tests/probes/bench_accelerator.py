"""Models of the true shape of LLaVA-1.5-7B and Qwen2-VL-2B, random weights, bfloat16, on a GPU.

    python -m tests.probes.bench_accelerator [--models llava-1.5-7b] [--device cuda]

Items per second by batch size, as ratio to the headless forward pass alone, peak memory, and what
CLEVR's val split would take. Skipped with a word where there is no accelerator; `--device cpu
--blocks 2` tries the script without one.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from probes import VLM
from probes.loading.still_images import without_videos
from tests.probes.families.sizes import template, token_id
from tests.probes.small_tokenizer import small_tokenizer

hf: Any = transformers
REPEATS = 5
CLEVR_IMAGES, CLEVR_SIZE, ATTRIBUTES, CONDITIONS = 15_000, (480, 320), 4, 3
QUESTION = "What color is the large metal thing that is behind the small cylinder?"


def llava(blocks: int | None) -> tuple[Any, Any]:
    tokenizer = small_tokenizer({"image_token": "<image>"})
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=blocks or 24,
            num_attention_heads=16, image_size=336, patch_size=14,
        ),
        text_config=hf.LlamaConfig(
            hidden_size=4096, intermediate_size=11008, num_hidden_layers=blocks or 32,
            num_attention_heads=32, vocab_size=32064,
        ),
        image_token_index=token_id(tokenizer, "<image>"),
        tie_word_embeddings=False,
    )  # fmt: skip
    processor = hf.LlavaProcessor(
        image_processor=hf.CLIPImageProcessorPil(
            size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}
        ),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    return hf.LlavaForConditionalGeneration, (config, processor)


def qwen2_vl(blocks: int | None) -> tuple[Any, Any]:
    names = ("image_token", "video_token", "vision_start_token", "vision_end_token")
    marks = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    tokens: dict[str, str] = dict(zip(names, marks, strict=True))
    tokenizer = small_tokenizer(tokens)
    rope = {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6}
    config = hf.Qwen2VLConfig(
        vision_config={"depth": blocks or 32, "embed_dim": 1280, "hidden_size": 1536},
        text_config={
            "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": blocks or 28,
            "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151936,
            "rope_parameters": rope, "bos_token_id": 1, "eos_token_id": 2,
        },
        tie_word_embeddings=True,
        **{f"{name}_id": token_id(tokenizer, mark) for name, mark in tokens.items()},
    )  # fmt: skip
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    processor = without_videos(hf.Qwen2VLProcessor)(
        hf.Qwen2VLImageProcessorPil(), tokenizer, chat_template=template(image)
    )
    return hf.Qwen2VLForConditionalGeneration, (config, processor)


MODELS = {"llava-1.5-7b": llava, "qwen2-vl-2b": qwen2_vl}


def build(name: str, blocks: int | None, device: str) -> VLM:
    kind, (config, processor) = MODELS[name](blocks)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = kind(config)
    torch.set_default_dtype(torch.float32)
    return VLM(model=model.to(device, torch.bfloat16), processor=processor, name=name, revision="")


def seconds(work: Callable[[], object]) -> float:
    """The least of some runs, the device waited for."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)


def measure(vlm: VLM, batch: int) -> tuple[float, float, float]:
    """Items per second of a capture and of the bare pass, and peak memory in GiB (CUDA)."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (batch, *CLEVR_SIZE[::-1], 3), dtype=np.uint8)
    inputs = vlm.prepare([Image.fromarray(each) for each in pixels], [QUESTION] * batch)
    buffer = vlm.new_buffer(batch)

    def bare() -> None:
        with torch.inference_mode():
            vlm.model.base_model(**inputs, use_cache=False, return_dict=True)

    vlm.residuals_into(inputs, buffer)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    captured = seconds(lambda: vlm.residuals_into(inputs, buffer))
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
    return batch / captured, batch / seconds(bare), peak


def run(name: str, options: argparse.Namespace) -> None:
    vlm, best, batch = build(name, options.blocks, options.device), 0.0, 1
    while batch <= options.most:
        try:
            captured, bare, peak = measure(vlm, batch)
        except torch.OutOfMemoryError:
            print(f"{name}: a batch of {batch} does not fit")
            break
        best = max(best, captured)
        print(f"{name}: batch {batch}: {captured:.1f} items/s, {captured / bare:.2f} of the bare "
              f"forward pass, peak {peak:.1f} GiB", flush=True)  # fmt: skip
        batch *= 2
    passes = CLEVR_IMAGES * ATTRIBUTES
    print(f"{name}: CLEVR val, {ATTRIBUTES} attributes: {passes / best / 3600:.1f} h (shuffled and "
          f"blank images need no passes of their own but for one per question), "
          f"{CONDITIONS * passes / best / 3600:.1f} h if every condition were run")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--blocks", type=int)
    parser.add_argument("--most", type=int, default=64)
    chosen = parser.parse_args()
    if chosen.device.startswith("cuda") and not torch.cuda.is_available():
        print("no accelerator here: skipped")
    else:
        for each in chosen.models:
            run(each, chosen)
