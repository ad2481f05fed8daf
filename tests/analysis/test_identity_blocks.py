"""Blocks that add nothing, put before the rise, move every layer and set by their number.

From `load_vlm` to results.json: on the bundled LLaVA, and on a small Qwen2-VL whose output map is
made to say what its last layer holds, since none that was trained is small enough.
"""

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

import probes.bundled
from data_prep.attributes import Attribute
from probes import load_vlm
from tests.analysis.conftest import results_of
from tests.probes.families.small import save

BLOCKS = 2
COLORS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 60, 230)}
N_IMAGES = 24
QUESTION = "What color is the thing?"


def with_identity_blocks(model: Path, folder: Path) -> Path:
    """A copy of the model with two blocks before the first that write zeros to the stream."""
    loaded: Any = AutoModelForImageTextToText.from_pretrained(model)
    blocks = loaded.get_decoder().layers
    for _ in range(BLOCKS):
        block = copy.deepcopy(blocks[0])
        for written in (block.self_attn.o_proj, block.mlp.down_proj):
            torch.nn.init.zeros_(written.weight)
        blocks.insert(0, block)
    for place, block in enumerate(blocks):
        block.self_attn.layer_idx = place
    text = loaded.config.get_text_config()
    text.num_hidden_layers = len(blocks)
    if getattr(text, "layer_types", None):
        text.layer_types = [text.layer_types[0]] * BLOCKS + list(text.layer_types)
    shutil.copytree(model, folder)
    loaded.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bundled_llava() -> Path:
    return Path(probes.bundled.__file__).parent / "model"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Noisy images of three colors, a folder each."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, color in COLORS.items():
        (folder / name).mkdir()
        for number in range(N_IMAGES):
            pixels = np.clip(rng.normal(color, 60, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="module")
def qwen(tmp_path_factory, pictures) -> Path:
    """A random Qwen2-VL whose rows for the color words are fitted to its last residuals."""
    folder = save("qwen2_vl", tmp_path_factory.mktemp("qwen"))
    vlm = load_vlm(folder)
    files = sorted(pictures.rglob("*.png"))
    residuals = vlm.capture([Image.open(file) for file in files], [QUESTION] * len(files))
    model: Any = vlm.model
    features = model.get_decoder().norm(residuals[:, -1]).double()
    features = torch.cat([features, torch.ones(len(files), 1, dtype=torch.double)], dim=1)
    labels = [list(COLORS).index(file.parent.name) for file in files]
    target = torch.nn.functional.one_hot(torch.tensor(labels)).double() * 8
    ridge = features.T @ features + 0.1 * torch.eye(features.shape[1])
    rows = torch.linalg.solve(ridge, features.T @ target)[:-1].T.float()
    words = Attribute(name="label", answers=tuple(COLORS), words={c: (c,) for c in COLORS})
    head = model.get_output_embeddings().weight
    tree = vlm.answer_tree(QUESTION, words)
    assert tree.parting == ((),), "every spelling is one token"
    with torch.no_grad():
        for answer, row in enumerate(rows):
            head[list(tree.beginnings(answer))] = row
    model.save_pretrained(folder)
    return folder


def moved(found: dict, by: int) -> dict:
    """The layers, sets and intervals of a finding, `by` layers earlier than they are."""

    def earlier(value):
        return None if value is None else value - by

    half, layer = found["lambda_half"], found["layer"]
    return {
        "outcome": found["outcome"],
        "monotone": found["monotone"],
        "declines": found["declines"],
        "half": [half[end] - by for end in ("estimate", "low", "high")],
        "layer": [layer[end] - by for end in ("estimate", "low", "high")],
        **{
            name: [earlier(found[name][end]) for end in ("low", "high")]
            for name in ("fb_half", "fb_delta")
        },
        "first": earlier(found["lambda_first"]),
        "sustained": earlier(found["lambda_sustained"]),
        "plateau": [earlier(end) for end in found["plateau"]],
    }


def numbers(row: dict) -> list[float]:
    """Everything in a row of a layer but its number."""
    values = [value for name, value in row.items() if name != "layer"]
    flat = [list(each.values()) if isinstance(each, dict) else [each] for each in values]
    return [number for each in flat for number in each]


def require_moved(plain: dict, deeper: dict) -> None:
    """Every set, interval, layer and test, exactly; the added layers repeat the first."""
    assert plain["outcome"] == "emerged"
    assert plain["lambda_half"] is not None
    want, got = moved(plain, 0), moved(deeper, BLOCKS)
    for name, value in want.items():
        assert got[name] == pytest.approx(value, abs=1e-9), name
    for name in ("omnibus_p", "plateau_p"):
        assert deeper[name] == pytest.approx(plain[name], abs=1e-9)
    rows = plain["layers"][:1] * BLOCKS + plain["layers"]
    for before, after in zip(rows, deeper["layers"], strict=True):
        assert numbers(after) == pytest.approx(numbers(before), abs=1e-8)


def test_the_bundled_llava(emergence, bundled_llava, tmp_path):
    found = []
    for model, plateau in (
        (bundled_llava, ("9", "10")),
        (with_identity_blocks(bundled_llava, tmp_path / "deeper"), ("11", "12")),
    ):
        run = tmp_path / f"run-{plateau[0]}"
        ended = emergence(
            ["--model", model, "--attr", "material", "--scenes", "250", "--run", run,
             "--min-scenes-per-text", "5", "--n-resamples", "800", "--plateau", *plateau]
        )  # fmt: skip
        assert (ended.code, ended.err) == (0, "")
        found.append(results_of(run)["attributes"]["material"]["readouts"]["logit_lens"])
    require_moved(*found)


def test_a_small_qwen2_vl(emergence, qwen, pictures, tmp_path):
    found = []
    for model, plateau in (
        (qwen, ("4", "4")),
        (with_identity_blocks(qwen, tmp_path / "deeper"), ("6", "6")),
    ):
        run = tmp_path / f"run-{plateau[0]}"
        ended = emergence(
            ["--model", model, "--data", f"images:{pictures}", "--ask", f"label={QUESTION}",
             "--run", run, "--n-resamples", "800", "--plateau", *plateau]
        )  # fmt: skip
        assert (ended.code, ended.err) == (0, "")
        found.append(results_of(run)["attributes"]["label"]["readouts"]["logit_lens"])
    require_moved(*found)
