"""Files as released checkpoints have them, and prompts as their cards write them."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from probes import load_vlm
from tests.probes.families.small import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8))


@pytest.mark.parametrize("ending", ["", "Fast"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_layout_of_the_hub(name, ending, loaded, folder_of, tmp_path):
    """An image processor in a file of its own, under its plain or its torchvision name, beside
    one for videos that this machine cannot have."""
    folder = shutil.copytree(folder_of(name), tmp_path / name)
    processor = json.loads((folder / "processor_config.json").read_text())
    images = processor.pop("image_processor")
    images["image_processor_type"] = images["image_processor_type"].removesuffix("Pil") + ending
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    (folder / "processor_config.json").write_text(json.dumps(processor))
    (folder / "video_preprocessor_config.json").write_text(
        json.dumps({"video_processor_type": "Qwen2VLVideoProcessor"})
    )
    wanted, got = (
        vlm.prepare([PICTURE], ["What color?"]) for vlm in (loaded(name), load_vlm(folder))
    )
    assert wanted.keys() == got.keys()
    for key in wanted:
        assert torch.equal(wanted[key], got[key]), key


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("style", ["card", "one_word", "bare"])
def test_prompt_styles(name, style, loaded, folder_of):
    vlm = loaded(name) if style == "card" else load_vlm(folder_of(name), prompt_style=style)
    text = vlm.prompt("What color is it?")
    ids = vlm.prepare([PICTURE], ["What color is it?"])["input_ids"][0].tolist()
    assert text.count("What color is it?") == 1
    assert ("single word or phrase" in text) == (style == "one_word")
    has_roles = name not in ("paligemma", "paligemma2") and style != "bare"
    assert ("ASSISTANT:" in text) == has_roles
    assert ids.count(vlm.tokenizer.bos_token_id) <= 1


def test_a_template_that_begins_with_bos_gets_one(loaded):
    for name in ("idefics3", "gemma3", "mllama"):
        vlm = loaded(name)
        ids = vlm.prepare([PICTURE], ["What?"])["input_ids"][0].tolist()
        assert ids[0] == vlm.tokenizer.bos_token_id
        assert ids.count(ids[0]) == 1
