"""Another family than LLaVA by the same path: soft cap, Gemma's norm, no chat template."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

from probes import load_vlm


@pytest.fixture
def paligemma(tokenizer, tmp_path):
    torch.manual_seed(0)
    vision = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    text = Gemma2Config(
        vocab_size=len(tokenizer) + 2000,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        initializer_range=0.3,
        final_logit_softcapping=3.0,
        pad_token_id=0,
    )
    config = PaliGemmaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=32,
    )
    model = PaliGemmaForConditionalGeneration(config)
    decoder: Any = model.get_decoder()
    torch.nn.init.uniform_(decoder.norm.weight, -0.5, 2)
    model.save_pretrained(tmp_path)
    images: Any = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    PaliGemmaProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(tmp_path)
    return tmp_path


# The library's own processor converts a tensor in a way that numpy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_paligemma_2(paligemma, images, questions):
    vlm = load_vlm(paligemma)
    assert (vlm.unembedding.soft_cap, vlm.unembedding.norm.kind) == (3.0, "rms_plus_one")
    assert vlm.prompt("What?") == "<image>What?"
    own = vlm.answer_logits(images, questions)
    assert own.abs().max() > 1.5
    lens = vlm.unembed(vlm.capture(images, questions)[:, -1])
    torch.testing.assert_close(lens, own, rtol=1e-4, atol=1e-4)
