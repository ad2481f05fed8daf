"""Capture against the library's own outputs; padding; bad input."""

import pytest
import torch
from PIL import Image

from data_prep.errors import UserError


def untouched(vlm, image, question):
    with torch.no_grad():
        return vlm.model(**vlm.prepare([image], [question]), output_hidden_states=True)


def test_capture_is_the_librarys_hidden_states_below_the_last_layer(
    vlm, images, questions, residuals
):
    assert residuals.shape == (7, vlm.n_layers + 1, vlm.d_model)
    for item, (image, question) in enumerate(zip(images, questions, strict=True)):
        states = untouched(vlm, image, question).hidden_states
        wanted = torch.stack([state[0, -1] for state in states])
        torch.testing.assert_close(residuals[item, :-1], wanted[:-1], rtol=1e-4, atol=1e-4)


def test_the_last_residual_is_raw(vlm, images, questions, residuals):
    output = untouched(vlm, images[0], questions[0])
    raw = residuals[0, -1]
    torch.testing.assert_close(vlm.norm(raw), output.hidden_states[-1][0, -1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(raw, output.hidden_states[-1][0, -1], rtol=0.1)


def test_the_lens_at_the_last_layer_is_the_model(vlm, images, questions, residuals):
    own = vlm.answer_logits(images, questions)
    torch.testing.assert_close(vlm.unembed(residuals[:, -1]), own, rtol=1e-4, atol=1e-4)
    single = untouched(vlm, images[3], questions[3]).logits[0, -1]
    torch.testing.assert_close(own[3], single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_padding_and_batches_do_not_matter(vlm, images, questions, residuals, batch_size):
    again = vlm.capture(images, questions, batch_size=batch_size)
    torch.testing.assert_close(again, residuals, rtol=1e-4, atol=1e-4)


def test_capture_leaves_no_hook_and_no_other_answer(vlm, images, questions):
    before = vlm.answer_logits(images[:2], questions[:2])
    vlm.capture(images[:2], questions[:2])
    assert torch.equal(vlm.answer_logits(images[:2], questions[:2]), before)
    assert not any(module._forward_pre_hooks for module in [*vlm.blocks, vlm.norm])


def test_image_modes_do_not_matter(vlm, images, residuals, questions):
    with_alpha = images[0].convert("RGBA")
    again = vlm.capture([with_alpha], questions[:1])
    torch.testing.assert_close(again, residuals[:1], rtol=1e-4, atol=1e-4)


def test_the_prompt_is_the_templates_and_begins_once(vlm, images):
    assert vlm.prompt("What?") == "<s>USER: <image>\nWhat? ASSISTANT:"
    ids = vlm.prepare(images[:1], ["What?"])["input_ids"][0].tolist()
    assert ids.count(vlm.tokenizer.bos_token_id) == 1
    assert ids.count(vlm.model.config.image_token_id) == 16


def test_bad_input(vlm, images):
    with pytest.raises(UserError, match="one image per question"):
        vlm.capture(images[:2], ["What?"])
    with pytest.raises(UserError, match="must not hold the image token"):
        vlm.capture(images[:1], ["What <image>?"])


def test_not_a_number_is_named(vlm, images, questions):
    weight = vlm.blocks[1].mlp.down_proj.weight
    kept = weight[0, 0].item()
    weight[0, 0] = float("nan")
    try:
        with pytest.raises(UserError, match=r"got nan for item 0 at layer 2: load the model in"):
            vlm.capture(images, questions)
    finally:
        weight[0, 0] = kept


def test_a_grey_image_is_an_image(vlm):
    assert torch.isfinite(vlm.capture([Image.new("L", (50, 20))], ["What?"])).all()
