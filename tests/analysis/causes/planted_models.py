"""Models in which one known block carries the image to the answer position, and what to show them.

In all other blocks attention writes nothing, so that nothing moves between positions there; MLPs
stay as they are. The head's rows for the answers are fitted to the last residuals.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import probes.bundled
from data_prep.attributes import Attribute
from probes import load_vlm
from tests.probes.families.small import save

COLORS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 60, 230)}
QUESTION = "What color is the thing?"
BUNDLED = Path(probes.bundled.__file__).parent / "model"


def write_pictures(
    folder: Path,
    *,
    colors: Mapping[str, tuple[int, int, int]] = COLORS,
    n_images: int = 16,
    seed: int = 0,
    noise: float = 60,
) -> Path:
    """Noisy pictures of a few colors, a folder each."""
    rng = np.random.default_rng(seed)
    for name, color in colors.items():
        (folder / name).mkdir(parents=True)
        for number in range(n_images):
            pixels = np.clip(rng.normal(color, noise, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")
    return folder


def with_one_mover(model: Path, folder: Path, block: int, pictures: Path) -> Path:
    """A copy of the model of which only block `block` (1 to L) moves anything between positions,
    and that names the colors of the pictures."""
    vlm = load_vlm(model, dtype="float32")
    loaded: Any = vlm.model
    for number, each in enumerate(loaded.get_decoder().layers, 1):
        if number != block:
            torch.nn.init.zeros_(each.self_attn.o_proj.weight)
    fit_answers(vlm, pictures)
    shutil.copytree(model, folder)
    loaded.save_pretrained(folder)
    return folder


def fit_answers(vlm: Any, pictures: Path, *, names: tuple[str, ...] = tuple(COLORS)) -> None:
    """Fits the head's rows for the names of folders to the last residuals of their pictures."""
    files = [file for file in sorted(pictures.rglob("*.png")) if file.parent.name in names]
    residuals = vlm.capture([Image.open(file) for file in files], [QUESTION] * len(files))
    features = vlm.model.get_decoder().norm(residuals[:, -1]).double()
    features = torch.cat([features, torch.ones(len(files), 1, dtype=torch.double)], dim=1)
    labels = torch.tensor([names.index(file.parent.name) for file in files])
    target = torch.nn.functional.one_hot(labels).double() * 8
    ridge = features.T @ features + 0.1 * torch.eye(features.shape[1])
    rows = torch.linalg.solve(ridge, features.T @ target)[:-1].T.float()
    words = Attribute(name="label", answers=names, words={each: (each,) for each in names})
    tree = vlm.answer_tree(QUESTION, words)
    assert tree.parting == ((),), "every spelling is one token"
    head = vlm.model.get_output_embeddings().weight
    with torch.no_grad():
        for answer, row in enumerate(rows):
            head[list(tree.beginnings(answer))] = row


def answering(folder: Path, family: str, pictures: Path) -> Path:
    """A random model of a family, all blocks as they are, that names the colors of the pictures."""
    vlm = load_vlm(save(family, folder))
    fit_answers(vlm, pictures)
    model: Any = vlm.model
    model.save_pretrained(folder)
    return folder
