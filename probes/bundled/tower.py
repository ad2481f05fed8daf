"""First stage: the vision tower learns to say, patch by patch, what lies there.

Dense labels (size, color, material and shape of the object on each patch, and where the middles
of objects are) train a small tower in minutes; the questions alone, end to end, leave it on a
plateau. The heads that read the labels are thrown away afterwards.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import CLIPVisionModel

from data_prep.attributes import attribute
from data_prep.questions import PROPERTIES
from probes.bundled.scenes import TrainingScenes
from probes.bundled.schedule import Progress, one_cycle
from probes.native_products import quick_products

BATCH = 64
_PEAK_RATE = 2e-3
_MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
_STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


class PatchHeads(nn.Module):
    """One linear reader per property (its answers, and "none"), and one for the middles."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = [len(attribute(name).answers) + 1 for name in PROPERTIES]
        self.properties = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        self.centre = nn.Linear(width, 1)

    def loss(
        self, features: Float[Tensor, "patch channel"], labels: Tensor, centres: Tensor
    ) -> Tensor:
        """Mean cross-entropy in nats, summed over the readers. "None" is the first class."""
        total = nn.functional.binary_cross_entropy_with_logits(
            self.centre(features)[:, 0], centres.float()
        )
        for k, head in enumerate(self.properties):
            logits, truth = head(features), labels[:, k].long() + 1
            # Most patches show the ground: those with an object count three times.
            weight = torch.ones(logits.shape[1])
            weight[1:] = 3.0
            total = total + nn.functional.cross_entropy(logits, truth, weight=weight)
        return total


def normalized(images: Tensor) -> Float[Tensor, "image 3 height width"]:
    """What the processor does to pictures of the right size, for uint8 [image, h, w, 3]."""
    return (images.permute(0, 3, 1, 2).float() / 255 - _MEAN) / _STD


def patch_features(
    tower: CLIPVisionModel, pixels: Float[Tensor, "image 3 height width"]
) -> Float[Tensor, "image patch channel"]:
    """What LLaVA hands to the projector: the tower's last hidden state without the class token."""
    return tower(pixels, output_hidden_states=True).hidden_states[-1][:, 1:]


def train_tower(
    tower: CLIPVisionModel,
    scenes: TrainingScenes,
    *,
    steps: int,
    rng: np.random.Generator,
    progress: Progress,
) -> None:
    """Trains `tower` in place for `steps` batches of mirrored and tinted pictures."""
    heads = PatchHeads(tower.config.hidden_size)
    parameters = [*tower.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.02)
    images = torch.from_numpy(scenes.images)
    labels, centres = torch.from_numpy(scenes.patch_labels), torch.from_numpy(scenes.centres)
    for step, (index, mirror, tint) in enumerate(_batches(len(scenes), steps, rng)):
        optimizer.param_groups[0]["lr"] = _PEAK_RATE * one_cycle(step, steps)
        pixels, label, centre = images[index], labels[index], centres[index]
        if mirror:
            grid = int(label.shape[1] ** 0.5)
            pixels = pixels.flip(2)
            label = label.unflatten(1, (grid, grid)).flip(2).flatten(1, 2)
            centre = centre.unflatten(1, (grid, grid)).flip(2).flatten(1, 2)
        with quick_products(torch.device("cpu")):
            features = patch_features(tower, normalized(pixels) * tint)
            loss = heads.loss(features.flatten(0, 1), label.flatten(0, 1), centre.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        progress.report(step, steps, loss=loss.item())


def _batches(
    n_scenes: int, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, bool, Tensor]]:
    """Scene numbers, whether to mirror, and a faint tint that stands for other light."""
    for _ in range(steps):
        index = torch.from_numpy(rng.integers(n_scenes, size=BATCH))
        tint = torch.from_numpy(rng.uniform(0.95, 1.05, (BATCH, 3, 1, 1)).astype(np.float32))
        yield index, bool(rng.random() < 0.5), tint
