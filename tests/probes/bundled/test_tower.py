"""First stage: pixels as the processor gives them, labels that follow the mirror, learning."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPVisionConfig, CLIPVisionModel

from probes.bundled import tower as module
from probes.bundled.architecture import new_model, new_processor
from probes.bundled.language import all_features
from probes.bundled.scenes import read_training_scenes
from probes.bundled.schedule import Progress
from probes.bundled.tower import normalized, patch_features, train_tower


@pytest.fixture(scope="module")
def data(drawn):
    return read_training_scenes(drawn, "train")


def small_tower() -> CLIPVisionModel:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        image_size=128, patch_size=16,
    )  # fmt: skip
    return CLIPVisionModel(config)


def test_pixels_are_those_of_the_processor(words, data):
    pictures = [Image.fromarray(each) for each in data.images]
    want = new_processor(words).image_processor(pictures, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(normalized(torch.from_numpy(data.images)), want, rtol=0, atol=1e-5)


def test_features_are_those_that_llava_projects(words, data):
    model: Any = new_model(words, seed=0).eval()
    pixels = normalized(torch.from_numpy(data.images[:2]))
    with torch.no_grad():
        ours = model.model.multi_modal_projector(patch_features(model.model.vision_tower, pixels))
        theirs = model.get_image_features(pixel_values=pixels).pooler_output
    torch.testing.assert_close(ours, torch.stack(list(theirs)), rtol=1e-4, atol=1e-5)
    kept = all_features(model, data.images, batch=3)
    assert kept.shape == (8, 2, 64, 160)
    mirrored = normalized(torch.from_numpy(data.images[5:6, :, ::-1].copy()))
    with torch.no_grad():
        want = patch_features(model.model.vision_tower, mirrored)
    torch.testing.assert_close(kept[5:6, 1].float(), want, rtol=0.02, atol=0.02)


def test_mirrored_labels_lie_under_mirrored_pictures(data, monkeypatch):
    """Every batch mirrored: what the heads are asked must be the mirrored truth."""
    seen = []
    draws = torch.arange(4), True, torch.ones(4, 3, 1, 1)
    monkeypatch.setattr(module, "_batches", lambda *_: iter([draws]))

    def loss(self, features, labels, centres):
        seen.append((labels, centres))
        return self.centre(features).sum() * 0

    monkeypatch.setattr(module.PatchHeads, "loss", loss)
    rng = np.random.default_rng(0)
    train_tower(small_tower(), data, steps=1, rng=rng, progress=Progress("tower"))
    labels, centres = seen[0]
    want = data.patch_labels[:4].reshape(4, 8, 8, 4)[:, :, ::-1]
    assert (labels.numpy() == want.reshape(-1, 4)).all()
    assert (centres.numpy() == data.centres[:4].reshape(4, 8, 8)[:, :, ::-1].ravel()).all()


def test_a_tower_learns_what_lies_where(data, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 8)
    losses = []

    class Kept(Progress):
        def report(self, step: int, steps: int, **values: float) -> None:
            losses.append(values["loss"])

    rng = np.random.default_rng(0)
    train_tower(small_tower(), data, steps=60, rng=rng, progress=Kept("tower"))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
