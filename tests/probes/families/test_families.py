"""Every family by one path: the real class and the real processor, from a folder, at the gate."""

import numpy as np
import pytest
import torch
from PIL import Image

from probes import load_vlm
from probes.positions import QuestionEnd
from tests.probes.families.small import FAMILIES

every_family = pytest.mark.parametrize("name", FAMILIES)
# PaliGemma's processor converts a tensor in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUESTIONS = ["What color is it?", "What shape is the large red thing behind the others?", "Size?"]


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Of several sizes, so that tiles and grids differ within a batch."""
    rng = np.random.default_rng(0)
    sizes = ((48, 64), (64, 48), (40, 96))
    return [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]


@every_family
def test_the_lens_at_the_last_layer_is_the_model(name, loaded, pictures):
    vlm = loaded(name)
    lens = vlm.unembed(vlm.capture(pictures, QUESTIONS)[:, -1])
    own = vlm.answer_logits(pictures, QUESTIONS)
    assert own.std() > 0.05
    torch.testing.assert_close(lens, own, rtol=1e-3, atol=1e-4)


@every_family
def test_a_batch_changes_nothing(name, loaded, pictures):
    vlm = loaded(name)
    pairs = zip(pictures, QUESTIONS, strict=True)
    alone = torch.cat([vlm.capture([image], [text]) for image, text in pairs])
    together = vlm.capture(pictures, QUESTIONS)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3 * float(alone.abs().max()))


@every_family
def test_bfloat16(name, folder_of, pictures):
    vlm = load_vlm(folder_of(name), dtype="bfloat16")
    residuals = vlm.capture(pictures, QUESTIONS)
    assert residuals.dtype == torch.bfloat16
    own = vlm.answer_logits(pictures, QUESTIONS)
    assert (vlm.unembed(residuals[:, -1]) - own).abs().max() < 0.1 * own.abs().max()


@every_family
def test_the_image_and_the_question_arrive(name, loaded, pictures):
    vlm = loaded(name)
    first = vlm.capture(pictures[:1], QUESTIONS[:1])
    assert not torch.equal(first, vlm.capture(pictures[1:2], QUESTIONS[:1]))
    assert not torch.equal(first, vlm.capture(pictures[:1], QUESTIONS[1:2]))
    assert QUESTIONS[0] in vlm.prompt(QUESTIONS[0])


@every_family
def test_the_end_of_the_question_is_found(name, loaded, pictures):
    vlm = loaded(name)
    inputs = vlm.prepare(pictures, QUESTIONS)
    position = QuestionEnd(questions=dict(zip("abc", QUESTIONS, strict=True)))
    ends = position.weights(vlm, inputs, ["a", "b", "c"]).argmax(-1)[:, 0]
    for row, end, question in zip(inputs["input_ids"], ends, QUESTIONS, strict=True):
        assert vlm.tokenizer.decode(row[: end + 1]).endswith(question)


def test_soft_cap_and_norm(loaded):
    """What PaliGemma 2 has beside the others: a lens without the cap is another one."""
    unembedding = loaded("paligemma2").unembedding
    assert (unembedding.soft_cap, unembedding.norm.kind) == (3.0, "rms_plus_one")
    assert loaded("paligemma").prompt("What?") == "<image>What?"


@pytest.mark.parametrize(
    ("name", "dropped"), [("gemma3", "token_type_ids"), ("mllama", "cross_attention_mask")]
)
def test_whatever_the_processor_returns_counts(name, dropped, loaded, pictures):
    """Why nothing that the processor returns is left out: the logits would be others."""
    vlm = loaded(name)
    inputs = vlm.prepare(pictures[:1], QUESTIONS[:1])
    with torch.no_grad():
        whole = vlm.model(**inputs).logits[:, -1]
        del inputs[dropped]
        if name == "gemma3":
            inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
        lacking = vlm.model(**inputs).logits[:, -1]
    assert (whole - lacking).abs().max() > 1e-3


def test_deepstack_is_in_the_stream(loaded, pictures):
    """Visual features are added after a block returns: the stream is what enters the next one."""
    vlm = loaded("qwen3_vl")
    inputs = vlm.prepare(pictures[:1], QUESTIONS[:1])
    returned, entered = [], []
    handles = [
        vlm.blocks[0].register_forward_hook(
            lambda _, __, out: returned.append(out[0] if isinstance(out, tuple) else out)
        ),
        vlm.blocks[1].register_forward_pre_hook(
            lambda _, args, kwargs: entered.append(args[0] if args else kwargs["hidden_states"]),
            with_kwargs=True,
        ),
    ]
    everywhere = torch.eye(inputs["input_ids"].shape[1])[None]
    buffer = vlm.new_buffer(len(everywhere[0]))
    vlm.residuals_into(inputs, buffer, everywhere)
    for handle in handles:
        handle.remove()
    shown = inputs["input_ids"][0] == vlm.model.config.image_token_id
    torch.testing.assert_close(buffer[:, 1], entered[0][0])
    assert (buffer[shown, 1] - returned[0][0, shown]).abs().max() > 1e-2
    torch.testing.assert_close(buffer[~shown, 1], returned[0][0, ~shown])
