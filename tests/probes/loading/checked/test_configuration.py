"""Configurations that are damaged, hostile, or of another model than the weights."""

import shutil

import pytest
import torch

from data_prep.errors import UserError
from probes.foreign_json import read_json_object
from probes.loading.checked.configuration import require_plausible
from tests.probes.loading.folders import edit, refusal


@pytest.fixture
def copied(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "null", "[" * 100_000, '{"a": ' + "9" * 400 + "}", "\udcff"],
)
@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "tokenizer_config.json"])
def test_files_that_are_no_json_object(copied, name, content):
    (copied / name).write_text(content, errors="surrogateescape")
    said = refusal(copied)
    assert name in said
    assert "fetch it again" in said


def test_a_file_without_an_end(tmp_path):
    (tmp_path / "large.json").write_bytes(b" " * 2000)
    with pytest.raises(ValueError, match="1,000 are read at most"):
        read_json_object(tmp_path / "large.json", most_bytes=1000)


def test_fewer_layers_than_the_weights_hold(copied):
    edit(copied / "config.json", text_config__num_hidden_layers=2)
    assert "hold tensors for which the model has no place (9, first" in refusal(copied)


def test_more_layers_than_the_weights_hold(copied):
    edit(copied / "config.json", text_config__num_hidden_layers=4)
    assert "missing_keys: 9" in refusal(copied)


@pytest.mark.parametrize("layers", [1500, 3_000_000, 10**15])
def test_layers_without_end_are_not_built(copied, layers):
    edit(copied / "config.json", text_config__num_hidden_layers=layers)
    said = refusal(copied)
    assert "is of another model" in said
    assert "tensors" in said


@pytest.mark.parametrize("size", [500_000, 2**30])
def test_a_width_that_the_weights_cannot_fill(copied, size):
    edit(copied / "config.json", text_config__intermediate_size=size)
    assert "config.json is of another model" in refusal(copied)


@pytest.mark.parametrize("value", [-1, 10**30, "wide", [3], {"a": 3}, 0, None, 1.5, True])
def test_widths_that_are_none(copied, value):
    edit(copied / "config.json", text_config__hidden_size=value)
    assert "Traceback" not in refusal(copied)


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
@pytest.mark.parametrize("value", [3, "text", [], None])
def test_parts_that_are_none(copied, part, value):
    edit(copied / "config.json", **{part: value})
    refusal(copied)


def test_weights_that_the_configuration_names_itself(copied):
    (copied / "model.safetensors").rename(copied / "other.safetensors")
    shutil.copy(copied / "other.safetensors", copied / "model.safetensors")
    edit(copied / "config.json", transformers_weights="other.safetensors")
    assert "transformers_weights" in refusal(copied)


@pytest.mark.parametrize("entry", ["num_additional_image_tokens", "image_processor__size__height"])
def test_pictures_larger_than_any_memory(copied, entry):
    edit(copied / "processor_config.json", **{entry: 10**9})
    assert f"has {entry.rpartition('__')[2]} 1000000000" in refusal(copied)


def test_large_but_true_numbers_pass():
    """The control: what published models have."""
    text = {"num_hidden_layers": 80, "max_position_embeddings": 10_485_760, "vocab_size": 262_208}
    vision = {"depth": 32, "vision_feature_layer": -2, "num_experts": 128}
    require_plausible({"text_config": text, "vision_config": vision}, 1200, "a model")
    with pytest.raises(UserError, match="from 0 to"):
        require_plausible({"hidden_size": -1}, 1200, "a model")


def test_the_watch_over_construction_ends_with_it(copied):
    edit(copied / "config.json", text_config__num_hidden_layers=1000)
    assert "asks for" in refusal(copied)
    torch.nn.Sequential(*[torch.nn.Identity() for _ in range(6000)])


@pytest.mark.parametrize("value", ["</s>", 1.5, [None], [[2]], 10**20, True, {}])
def test_ends_of_a_turn_that_are_no_tokens(copied, value):
    (copied / "generation_config.json").write_text("{}")
    edit(copied / "generation_config.json", eos_token_id=value)
    assert "as eos_token_id, got" in refusal(copied)


def test_kernels_from_the_hub_are_not_run(copied):
    edit(copied / "config.json", text_config__attn_implementation="somebody/kernels")
    assert "asks for foreign code" in refusal(copied)
