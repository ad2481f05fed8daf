"""Questions hold text: no marks that steer the model, and no more than it can read."""

from types import SimpleNamespace

import pytest
import torch
from tokenizers import normalizers

from data_prep.errors import UserError
from probes.control_tokens import PlainText, control_tokens
from probes.readable_tokens import require_readable_tokens
from probes.vlm import VLM
from tests.probes.families.small import build
from tests.probes.small_tokenizer import small_tokenizer


@pytest.fixture(scope="module")
def qwen() -> VLM:
    model, processor = build("qwen2_vl")
    return VLM(model=model, processor=processor, name="qwen", revision="none")


@pytest.mark.parametrize("mark", ["<|video_pad|>", "<|vision_start|>", "<|image_pad|>"])
def test_marks_of_the_processor_and_the_tokenizer(qwen, mark):
    with pytest.raises(UserError, match=r"must not hold the (control|image) token"):
        qwen.prompt(f"What {mark} is it?")
    with pytest.raises(UserError, match="must not hold"):
        qwen.tokens_after(f"What {mark} is it?")


def test_every_special_token_is_refused_and_plain_text_is_not(vlm):
    marks = control_tokens(vlm.processor)
    assert {"<s>", "</s>", "<image>"} <= marks
    for mark in marks:
        with pytest.raises(UserError, match="must not hold"):
            vlm.prompt(f"Is {mark} it?")
    for question in ("Is 3 < 4 and 5 > 4?", "<red>?", "</b>", "\u4ec0\u4e48?", "|s|", "s > /s"):
        assert question in vlm.prompt(question)


def test_other_spellings_that_a_tokenizer_takes_for_a_mark():
    tokenizer = small_tokenizer({"image_token": "<image>"})
    tokenizer.add_tokens(["<|stop|>"], special_tokens=False)
    backend = tokenizer.backend_tokenizer
    backend.normalizer = normalizers.Lowercase()
    processor = SimpleNamespace(tokenizer=tokenizer, video_token="<video>")
    plain = PlainText(processor)
    plain.require("What is <|STOP|>?")  # no special token: text, as of a tool's call
    with pytest.raises(UserError, match="'<video>'"):
        plain.require("What is <video>?")


def test_more_tokens_than_positions(vlm, images):
    question = "What is it? " * 300
    with pytest.raises(UserError, match=r"tokens with its image, the model has 256 positions"):
        vlm.capture(images[:1], [question])
    with pytest.raises(UserError, match="256 positions"):
        vlm.prepare_without_image([question])


def test_tokens_beyond_the_embeddings(vlm):
    require_readable_tokens(vlm, torch.zeros(1, 256, dtype=torch.long))
    beyond = torch.tensor([[len(vlm.unembedding.head)]])
    with pytest.raises(UserError, match="take the tokenizer that belongs to the model"):
        require_readable_tokens(vlm, beyond)


def test_a_template_that_fails_on_one_question(build_processor, build_model):
    loops = "{% if 'red' in messages[0].content[-1].text %}{{ 1 // 0 }}{% endif %}"
    writes = "{% if 'blue' in messages[0].content[-1].text %}{{ 'a' * 40000 }}{% endif %}"
    twice = "{% if 'two' in messages[0].content[-1].text %}<image>{% endif %}"
    text = "<image>{{ messages[0].content[-1].text }}"
    processor = build_processor(template=loops + writes + twice + text)
    view = VLM(model=build_model(), processor=processor, name="random", revision="none")
    assert view.prompt("Is it green?") == "<image>Is it green?"
    with pytest.raises(UserError, match="cannot render the question 'Is it red"):
        view.prompt("Is it red?")
    with pytest.raises(UserError, match=r"got 1 images and 40,0\d\d signs"):
        view.prompt("Is it blue?")
    with pytest.raises(UserError, match="got 2 images"):
        view.prompt("Are there two?")


def test_a_template_that_trims_the_question(build_processor, build_model):
    processor = build_processor(template="<image>{{ messages[0].content[-1].text | trim }}\nA")
    view = VLM(model=build_model(), processor=processor, name="random", revision="none")
    assert view.tokens_after(" What? ") == view.tokens_after("What?") != []
