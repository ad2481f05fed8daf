"""Pickled weights and foreign code: refused, and read only where the user says so."""

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_prep.errors import UserError
from probes import load_vlm

CODE = """
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor


class ForeignConfig(LlavaConfig):
    model_type = "foreign"


class ForeignModel(LlavaForConditionalGeneration):
    config_class = ForeignConfig


class ForeignProcessor(LlavaProcessor):
    pass
"""


@pytest.fixture
def pickled(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


@pytest.fixture
def foreign(model_folder, tmp_path):
    """A checkpoint that is nothing without the code that comes with it."""
    folder = shutil.copytree(model_folder, tmp_path / "foreign")
    weights = load_file(folder / "model.safetensors")
    # transformers renames what its own families were saved with; foreign code comes as it is.
    weights["lm_head.weight"] = weights.pop("language_model.lm_head.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "foreign.py").write_text(CODE)
    places = {
        "AutoConfig": "foreign.ForeignConfig",
        "AutoModelForImageTextToText": "foreign.ForeignModel",
    }
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "foreign", "architectures": ["ForeignModel"], "auto_map": places}
    (folder / "config.json").write_text(json.dumps(config))
    processor = json.loads((folder / "processor_config.json").read_text())
    processor |= {"auto_map": {"AutoProcessor": "foreign.ForeignProcessor"}}
    (folder / "processor_config.json").write_text(json.dumps(processor))
    return folder


def test_pickled_weights_where_they_are_allowed(pickled, vlm, images, questions):
    with pytest.raises(UserError, match="allow them with --allow-pickle"):
        load_vlm(pickled)
    # What the option is for: weights that this test wrote, read by torch's own restricted reader.
    read = load_vlm(pickled, allow_pickle=True)
    assert torch.equal(read.capture(images, questions), vlm.capture(images, questions))
    assert read.revision != vlm.revision


class Malicious:
    def __reduce__(self):
        return (print, ("code was run",))


def test_allowed_pickles_still_run_no_code(pickled, capsys):
    torch.save({"weight": Malicious()}, pickled / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot load the weights"):
        # Hostile on purpose: that it is refused, and runs nothing, is what is tested.
        load_vlm(pickled, allow_pickle=True)
    assert "code was run" not in capsys.readouterr().out


def test_foreign_code_where_it_is_trusted(foreign, vlm, images, questions, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="allow it with --trust-remote-code"):
        load_vlm(foreign)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hf"))
    read = load_vlm(foreign, trust_remote_code=True)
    assert type(read.model).__name__ == "ForeignModel"
    assert torch.equal(read.capture(images, questions), vlm.capture(images, questions))


def test_a_tokenizer_without_the_image_token(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("<image>", "<picture>"))
    settings = folder / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace("<image>", "<picture>"))
    with pytest.raises(UserError, match=r"image token|chat template|processor"):
        load_vlm(folder)


@pytest.mark.parametrize("name", ["chat_template.jinja", "additional_chat_templates/other.jinja",
                                  "vocabulary.of.a.tokenizer"])  # fmt: skip
def test_what_is_no_file_is_named_and_not_waited_for(model_folder, tmp_path, name):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(UserError, match=f"files and folders only, got {name.split('/')[-1]}"):
        load_vlm(folder)
