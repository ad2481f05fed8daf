"""Features of words, pixels and the vision encoder, and the model without its training."""

import numpy as np
import pytest
import torch
from PIL import Image

from data_prep.errors import UserError
from probes.linear_probe.baselines import (
    image_features,
    pixel_features,
    randomly_initialised,
    word_features,
)


def test_words_are_told_apart_and_nothing_else():
    found = word_features(["What color is it?", "What size is it?", "what COLOR is it"])
    np.testing.assert_array_equal(found[0], found[2])
    assert np.abs(found[0] - found[1]).sum() == 2


def test_pixels_are_means_over_patches():
    image = Image.new("RGB", (32, 32), (255, 0, 51))
    found = pixel_features([image, Image.new("L", (8, 8))])
    assert found.shape == (2, 16 * 16 * 3)
    np.testing.assert_allclose(found[0, :3], [1, 0, 0.2], rtol=1e-6)
    assert not found[1].any()


def test_image_features_are_what_the_model_itself_computes(vlm, images):
    encoder, projector = image_features(vlm, images[:3], "What color is it?")
    pixels = vlm.prepare(images[:3], ["?"] * 3)["pixel_values"]
    with torch.no_grad():
        model = vlm.model.model
        hidden = model.vision_tower(pixels, output_hidden_states=True).hidden_states[-1][:, 1:]
        wanted = model.multi_modal_projector(hidden)
    torch.testing.assert_close(encoder, hidden.mean(1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(projector, wanted.mean(1), atol=1e-5, rtol=1e-4)


def test_image_features_do_not_depend_on_the_question(vlm, images):
    one, other = (image_features(vlm, images[:2], text)[1] for text in ("Size?", "How many are?"))
    torch.testing.assert_close(one, other)


def test_a_model_without_a_known_projector_is_refused(vlm, images, monkeypatch):
    monkeypatch.setattr("probes.linear_probe.baselines._PROJECTORS", ("bridge",))
    with pytest.raises(UserError, match="has no projector under one of the names bridge"):
        image_features(vlm, images[:1], "?")


def test_the_random_copy_shares_no_weights_and_is_the_same_every_time(vlm, images, questions):
    before = torch.random.get_rng_state()
    copies = [randomly_initialised(vlm) for _ in range(2)]
    torch.testing.assert_close(torch.random.get_rng_state(), before)
    read = [copy.capture(images, questions) for copy in copies]
    torch.testing.assert_close(read[0], read[1])
    assert read[0].shape == vlm.capture(images, questions).shape
    assert not torch.allclose(read[0], vlm.capture(images, questions))
    assert copies[0].revision != vlm.revision
