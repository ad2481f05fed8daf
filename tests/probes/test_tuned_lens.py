"""The tuned lens as an object: what it computes, and its own and the foreign format."""

import json
import os
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes import TunedLens
from probes.published_head import head_hash
from probes.translators.affine import Translators
from probes.unembedding import FinalNorm, NormKind, Unembedding

N_LAYERS, D_MODEL, N_VOCAB = 3, 6, 17


def unembedding_of(seed, *, kind: NormKind = "rms", soft_cap=None, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator).to(dtype)

    bias = draw(D_MODEL) if kind == "layer" else None
    norm = FinalNorm(kind=kind, weight=draw(D_MODEL), bias=bias, eps=1e-6)
    return Unembedding(
        norm=norm, head=draw(N_VOCAB, D_MODEL), bias=None, scale=1.0, soft_cap=soft_cap
    )


def lens_of(unembedding, translators):
    return TunedLens(
        unembedding=unembedding, translators=translators, model="model", revision="one"
    )


def trained(seed=0):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(N_LAYERS, D_MODEL, D_MODEL, generator=generator)
    return Translators(maps=maps, offsets=torch.randn(N_LAYERS, D_MODEL, generator=generator))


def any_lens(vlm):
    """A lens for this model, with translators that were not trained."""
    generator = torch.Generator().manual_seed(1)
    maps = torch.randn(vlm.n_layers, vlm.d_model, vlm.d_model, generator=generator)
    offsets = torch.randn(vlm.n_layers, vlm.d_model, generator=generator)
    return replace(TunedLens.logit_lens(vlm), translators=Translators(maps=maps, offsets=offsets))


@pytest.fixture
def vlm_lens(vlm):
    return any_lens(vlm)


@given(
    st.integers(0, 2**31),
    st.sampled_from(["rms", "rms_plus_one", "layer"]),
    st.sampled_from([None, 5.0]),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.integers(0, N_LAYERS),
)
def test_zero_translators_are_the_logit_lens(seed, kind, soft_cap, dtype, layer):
    unembedding = unembedding_of(seed, kind=kind, soft_cap=soft_cap, dtype=dtype)
    lens = lens_of(unembedding, Translators.zero(N_LAYERS, D_MODEL))
    generator = torch.Generator().manual_seed(seed)
    residual = (30 * torch.randn(2, 4, D_MODEL, generator=generator)).to(dtype)
    assert torch.equal(lens(residual, layer), unembedding.logits(residual))


def test_the_last_layer_is_the_models_own_answer(vlm, vlm_lens, images, questions, residuals):
    own = vlm.answer_logits(images, questions)
    torch.testing.assert_close(vlm_lens(residuals[:, -1], vlm.n_layers), own, atol=1e-3, rtol=1e-3)


def test_a_translator_is_applied_to_its_layer():
    unembedding, translators = unembedding_of(0), trained()
    residual = torch.randn(5, D_MODEL, generator=torch.Generator().manual_seed(2))
    wanted = residual + residual @ translators.maps[1].T + translators.offsets[1]
    got = lens_of(unembedding, translators)(residual, 1)
    torch.testing.assert_close(got, unembedding.logits(wanted))


def test_all_layers_at_once_are_the_layers_one_by_one():
    lens = lens_of(unembedding_of(0), trained())
    residuals = torch.randn(4, N_LAYERS + 1, D_MODEL, generator=torch.Generator().manual_seed(3))
    at_once = lens.translate(residuals)
    for layer in range(N_LAYERS + 1):
        assert torch.equal(at_once[:, layer], lens.translated(residuals[:, layer], layer))
    by_rows = lens.translators.apply(residuals).transpose(0, 1)
    torch.testing.assert_close(at_once[:, :-1], by_rows)


def test_what_was_saved_is_loaded_without_the_model(tmp_path, vlm, vlm_lens, residuals):
    vlm_lens.save(tmp_path / "lens")
    again = TunedLens.load(tmp_path / "lens")
    assert (again.model, again.revision) == (vlm.name, vlm.revision)
    assert torch.equal(again(residuals[:, 1], 1), vlm_lens(residuals[:, 1], 1))
    assert TunedLens.load(tmp_path / "lens", vlm).n_layers == vlm.n_layers


def test_the_foreign_format_is_a_round_trip(tmp_path, vlm, vlm_lens, residuals):
    vlm_lens.to_tuned_lens_format(tmp_path)
    assert set(os.listdir(tmp_path)) == {"params.pt", "config.json"}
    again = TunedLens.from_tuned_lens_format(tmp_path, vlm)
    for layer in range(vlm.n_layers + 1):
        assert torch.equal(again(residuals[:, layer], layer), vlm_lens(residuals[:, layer], layer))


def test_the_foreign_format_has_the_packages_keys(tmp_path, vlm, vlm_lens):
    vlm_lens.to_tuned_lens_format(tmp_path)
    state = torch.load(tmp_path / "params.pt", weights_only=True)
    assert set(state) == {f"{n}.{k}" for n in range(vlm.n_layers) for k in ("weight", "bias")}
    linear = torch.nn.Linear(vlm.d_model, vlm.d_model)
    linear.load_state_dict({"weight": state["1.weight"], "bias": state["1.bias"]})
    residual = torch.ones(vlm.d_model)
    torch.testing.assert_close(residual + linear(residual), vlm_lens.translated(residual, 1))
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["unembed_hash"] == head_hash(vlm.unembedding.head)
    assert (config["d_model"], config["num_hidden_layers"]) == (vlm.d_model, vlm.n_layers)


def test_a_foreign_lens_without_bias(tmp_path, vlm, vlm_lens):
    vlm_lens.to_tuned_lens_format(tmp_path)
    change_config(tmp_path, bias=False)
    state = torch.load(tmp_path / "params.pt", weights_only=True)
    torch.save({k: v for k, v in state.items() if k.endswith("weight")}, tmp_path / "params.pt")
    assert not TunedLens.from_tuned_lens_format(tmp_path, vlm).translators.offsets.any()


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"d_model": 7}, "width 7"),
        ({"num_hidden_layers": 9}, "layer count 9"),
        ({"unembed_hash": "0"}, "head hash 0"),
        ({"unembed_hash": None}, None),
        ({"unembed_hash": None, "base_model_revision": "two"}, "revision two"),
        ({"unembed_hash": None, "base_model_revision": None, "base_model_name_or_path": "x/y"},
         "name x/y"),
        ({"lens_type": "other"}, "lens of type 'other'"),
    ],
)  # fmt: skip
def test_a_foreign_lens_of_another_model_is_refused(tmp_path, vlm, vlm_lens, changes, what):
    vlm_lens.to_tuned_lens_format(tmp_path)
    change_config(tmp_path, **changes)
    if what is None:
        TunedLens.from_tuned_lens_format(tmp_path, vlm)
        return
    with pytest.raises(UserError, match=what):
        TunedLens.from_tuned_lens_format(tmp_path, vlm)


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ("was-run",)


def test_pickled_code_is_refused_and_not_run(tmp_path, vlm, vlm_lens, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vlm_lens.to_tuned_lens_format(tmp_path)
    torch.save({"0.weight": RunsCode()}, tmp_path / "params.pt")
    with pytest.raises(UserError, match="pickled code is not run"):
        TunedLens.from_tuned_lens_format(tmp_path, vlm)
    assert not (tmp_path / "was-run").exists()


def spoil(change):
    def spoiled(folder):
        state = torch.load(folder / "params.pt", weights_only=True)
        torch.save(change(state), folder / "params.pt")

    return spoiled


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (spoil(lambda s: {k: v for k, v in s.items() if k != "1.bias"}), "1.bias is missing"),
        (spoil(lambda s: s | {"1.bias": torch.zeros(3)}), r"1.bias is \(3,\)"),
        (spoil(lambda s: s | {"input.weight": torch.zeros(1)}), "input.weight"),
        (spoil(lambda s: s | {"2.bias": s["2.bias"] * float("nan")}), "not finite at layer 2"),
        (spoil(lambda s: list(s)), "must hold a state dict, got list"),
        (lambda f: (f / "params.pt").write_bytes(b"PK\x03\x04 cut off"), "cannot read|damaged"),
        (lambda f: (f / "params.pt").unlink(), "cannot read"),
        (spoil(lambda s: s | {"0.bias": torch.zeros(1).expand(2**40)}), "0.bias is"),
        (spoil(lambda s: s | {"0.bias": s["0.bias"].to_sparse()}), "dense tensors"),
        (lambda f: (f / "params.pt").write_bytes(b""), "cannot read"),
        (lambda f: (f / "config.json").write_text("{}"), "no usable config"),
        (lambda f: (f / "config.json").write_text("[" * 10**5), "nested too deep"),
        (lambda f: (f / "config.json").write_text('{"d_model": 1e999}'), "must be of type int"),
        (lambda f: (f / "config.json").write_bytes(b"\xff"), "no usable config"),
        (lambda f: (f / "config.json").unlink(), "no usable config"),
    ],
)
def test_a_damaged_foreign_lens_is_refused_in_one_line(tmp_path, vlm, vlm_lens, damage, message):
    vlm_lens.to_tuned_lens_format(tmp_path)
    damage(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        TunedLens.from_tuned_lens_format(tmp_path, vlm)
    assert "\n" not in str(caught.value)


def test_a_damaged_lens_is_refused(tmp_path, vlm_lens):
    vlm_lens.save(tmp_path)
    path = tmp_path / "translators.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="do not match their checksum"):
        TunedLens.load(tmp_path)
    with pytest.raises(UserError, match="no usable"):
        TunedLens.load(tmp_path / "nowhere")


def test_a_lens_of_another_model_is_refused(tmp_path, vlm, vlm_lens):
    replace(vlm_lens, revision="another").save(tmp_path)
    with pytest.raises(UserError, match=r"another model .*revision another"):
        TunedLens.load(tmp_path, vlm)


def test_wrong_widths_and_layers_are_refused():
    lens = lens_of(unembedding_of(0), trained())
    with pytest.raises(UserError, match="width 6, got residuals of width 5"):
        lens(torch.zeros(2, 5), 0)
    for layer in (-1, N_LAYERS + 1):
        with pytest.raises(UserError, match=f"layer must lie in 0..3, got {layer}"):
            lens(torch.zeros(2, D_MODEL), layer)
    with pytest.raises(UserError, match=r"layers 0..3, got residuals of 3 layers"):
        lens.translate(torch.zeros(2, 3, D_MODEL))
    with pytest.raises(UserError, match="made for another model"):
        lens_of(unembedding_of(0), Translators.zero(2, D_MODEL + 1))
