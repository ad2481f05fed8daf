"""What load_vlm takes, what it refuses, and with which remedy."""

import json
import shutil
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from data_prep.errors import UserError
from probes import load_vlm
from probes.families import soft_cap
from probes.loading.identity import folder_identity
from probes.unembedding import GateError

HEAD = "language_model.lm_head.weight"


@pytest.fixture
def copied(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder, change):
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def test_reads_what_was_saved(vlm):
    assert (vlm.n_layers, vlm.d_model) == (3, 48)
    assert vlm.processor.image_processor.backend == "pil"
    assert soft_cap(vlm.model.config) is None


def test_the_revision_of_a_folder_changes_with_its_weights(vlm, copied):
    assert load_vlm(copied).revision == vlm.revision
    change_weights(copied, lambda weights: weights[HEAD].mul_(1.5))
    assert load_vlm(copied).revision != vlm.revision


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_passes_the_gate(model_folder, images, questions, dtype):
    vlm = load_vlm(model_folder, dtype=dtype)
    captured = vlm.capture(images, questions)
    assert captured.dtype == getattr(torch, dtype)
    own = vlm.answer_logits(images, questions)
    assert (vlm.unembed(captured[:, -1]) - own).abs().max() < 0.02 * own.abs().max()


def test_tied_weights_pass(build_model, build_processor, tmp_path):
    build_model(tied=True).save_pretrained(tmp_path)
    build_processor().save_pretrained(tmp_path)
    vlm = load_vlm(tmp_path)
    embeddings: Any = vlm.model.get_input_embeddings()
    assert vlm.unembedding.head.data_ptr() == embeddings.weight.data_ptr()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("runs/no/such/folder", "no model folder"),
        ("./none", "no model folder"),
        ("somebody/some-model", "without a network, fetch it elsewhere"),
    ],
)
def test_a_model_that_is_not_there(name, message):
    with pytest.raises(UserError, match=message):
        load_vlm(name)


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(UserError, match=r"no config\.json"):
        load_vlm(tmp_path)


def test_unknown_dtype_and_device(model_folder):
    with pytest.raises(UserError, match="choose from float32"):
        load_vlm(model_folder, dtype="float8")
    with pytest.raises(UserError, match="cannot be used here"):
        load_vlm(model_folder, device="toaster")
    with pytest.raises(UserError, match="no revisions"):
        load_vlm(model_folder, revision="main")


def test_a_model_without_image_input(tmp_path):
    config = LlamaConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=16,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="takes no image"):
        load_vlm(tmp_path)


def test_a_head_that_is_missing_is_not_made_up(copied):
    change_weights(copied, lambda weights: weights.pop(HEAD))
    with pytest.raises(UserError, match=r"missing_keys: 1, first lm_head.weight"):
        load_vlm(copied)


def test_weights_that_do_not_fit(copied):
    change_weights(copied, lambda w: w.update({HEAD: w[HEAD][:-1].clone()}))
    with pytest.raises(UserError, match="cannot load the weights"):
        load_vlm(copied)


def test_pickled_weights_are_not_read(copied):
    (copied / "model.safetensors").unlink()
    torch.save({}, copied / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled weights can run code"):
        load_vlm(copied)


def test_truncated_weights(copied):
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match="cannot load the weights"):
        load_vlm(copied)


def test_broken_or_foreign_configuration(copied):
    change_config(copied, model_type="no_such_family", auto_map={"AutoConfig": "code.Config"})
    with pytest.raises(UserError, match="without running foreign code"):
        load_vlm(copied)
    (copied / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot get the configuration"):
        load_vlm(copied)


def test_a_folder_without_its_processor(copied):
    for path in copied.glob("*"):
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    with pytest.raises(UserError, match="cannot load the processor"):
        load_vlm(copied)


@pytest.mark.parametrize(
    "damage",
    [
        {"model_type": None},
        {"model_type": 7},
        {"text_config": "llama"},
        {"text_config": {"model_type": "no_such_decoder"}},
        {"vision_config": {"model_type": "clip_vision_model", "hidden_size": "wide"}},
    ],
)
def test_a_damaged_configuration_is_no_reason_to_trust_code(copied, damage):
    change_config(copied, **damage)
    with pytest.raises(UserError, match=r"config.json of .* is damaged or of another") as refused:
        load_vlm(copied)
    assert "--trust-remote-code" not in str(refused.value)
    assert "fetch or save it again" in str(refused.value)


def test_trusted_code_that_is_not_there(copied):
    change_config(copied, model_type="no_such_family")
    with pytest.raises(UserError, match="cannot be made, by this version") as refused:
        # Trust is given, and there is no code to run: its option must not be the remedy again.
        load_vlm(copied, trust_remote_code=True)
    assert "--trust-remote-code" not in str(refused.value)


def test_a_configuration_that_lies_about_tying(copied):
    text = json.loads((copied / "config.json").read_text())["text_config"]
    change_config(copied, text_config=text | {"tie_word_embeddings": True})
    with pytest.raises(GateError, match="not tied"):
        load_vlm(copied)


def test_without_a_template_the_familys_default_serves(build_processor, copied):
    for path in copied.glob("chat_template*"):
        path.unlink()
    build_processor(template=None).save_pretrained(copied)
    assert load_vlm(copied).prompt("What?") == "USER: <image>\nWhat? ASSISTANT:"


def test_a_template_that_drops_the_image_is_refused(build_processor, copied):
    build_processor(template="{{ messages[0].content[-1].text }}").save_pretrained(copied)
    with pytest.raises(UserError, match="chat template does not render"):
        load_vlm(copied)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("beside", [True, False])
def test_an_adapter_is_not_passed_over(copied, name, beside):
    if not beside:
        for each in ("config.json", "model.safetensors"):
            (copied / each).unlink()
    (copied / name).write_text("{}")
    with pytest.raises(UserError, match=rf"holds an adapter \({name}\).*merge_and_unload"):
        load_vlm(copied)


def test_weights_that_are_left_over(copied):
    change_weights(copied, lambda weights: weights.update(lora_A=torch.ones(2)))
    with pytest.raises(
        UserError, match=r"hold tensors for which the model has no place \(1, first"
    ):
        load_vlm(copied)


def test_tables_of_older_versions_are_no_weights(copied, vlm):
    table = "language_model.model.layers.0.self_attn.rotary_emb.inv_freq"
    places = "vision_tower.vision_model.embeddings.position_ids"
    change_weights(
        copied, lambda w: w.update({table: torch.ones(6), places: torch.arange(17)[None]})
    )
    assert load_vlm(copied).n_layers == vlm.n_layers


@pytest.mark.parametrize("layers", [2, 4])
def test_libraries_say_nothing_before_we_do(copied, layers, capfd):
    text = json.loads((copied / "config.json").read_text())["text_config"]
    change_config(copied, text_config=text | {"num_hidden_layers": layers})
    with pytest.raises(UserError, match="the weights of"):
        load_vlm(copied)
    assert capfd.readouterr() == ("", "")


def test_the_identity_holds_templates_in_a_folder_within(copied, vlm):
    (copied / "additional_chat_templates").mkdir()
    (copied / "additional_chat_templates" / "tools.jinja").write_text("{{ messages }}")
    assert folder_identity(copied) != vlm.revision
