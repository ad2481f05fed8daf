"""Families that write sub-images with their row and column into the text: Idefics 3, SmolVLM."""

from typing import Any

import transformers

from probes.loading.still_images import without_videos
from tests.probes.families.sizes import SIDE, TEXT, TOWER, Family, template, token_id

# Configurations are made of dictionaries here, which no type checker can follow.
hf: Any = transformers


def idefics3(tokenizer):
    config = hf.Idefics3Config(**_config(tokenizer, hf.Idefics3VisionConfig(**TOWER)))
    processor = hf.Idefics3Processor(
        image_processor=hf.Idefics3ImageProcessorPil(**_sizes()),
        tokenizer=tokenizer,
        image_seq_len=4,
        chat_template=template("<image>", begin=True),
    )
    return hf.Idefics3ForConditionalGeneration(config), processor


def smolvlm(tokenizer):
    config = hf.SmolVLMConfig(**_config(tokenizer, hf.SmolVLMVisionConfig(**TOWER)))
    processor = without_videos(hf.SmolVLMProcessor)(
        hf.SmolVLMImageProcessorPil(**_sizes()),
        tokenizer,
        None,
        image_seq_len=4,
        chat_template=template("<image>"),
    )
    return hf.SmolVLMForConditionalGeneration(config), processor


def _config(tokenizer, vision):
    return {
        "vision_config": vision,
        "text_config": hf.LlamaConfig(vocab_size=len(tokenizer), pad_token_id=0, **TEXT),
        "image_token_id": token_id(tokenizer, "<image>"),
        # 4 x 4 patches of a sub-image are merged to 2 x 2 tokens.
        "scale_factor": 2,
    }


def _sizes():
    return {"size": {"longest_edge": 2 * SIDE}, "max_image_size": {"longest_edge": SIDE}}


_ROWS_AND_COLUMNS = [f"<row_{i}_col_{j}>" for i in range(1, 7) for j in range(1, 7)]
_MARKS = ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *_ROWS_AND_COLUMNS]
FAMILIES = {
    "idefics3": Family(build=idefics3, more_tokens=_MARKS),
    "smolvlm": Family(build=smolvlm, more_tokens=[*_MARKS, "<video>"]),
}
