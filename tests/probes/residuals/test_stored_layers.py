"""A store of some layers, or in another dtype than the model's."""

from dataclasses import replace

import pytest
import torch

from data_prep.errors import UserError
from probes import load_vlm
from probes.positions import ImageMean
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.passes import row_ids_of
from probes.residuals.store import ResidualStore
from probes.translators import ResidualRows
from probes.unembedding import GateError

LAYERS = (0, 2, 3)


@pytest.fixture
def passes(questions):
    return [(f"item-{i}", str(i % 7), questions[i % 5]) for i in range(10)]


@pytest.fixture
def stored(vlm, passes, images, tmp_path):
    def store(view=vlm, **how) -> ResidualStore:
        position = how.pop("position", ImageMean())
        spec = store_spec(
            view, passes, study_hash="s", position=position, shard_size=4, batch_size=3, **how
        )
        made = ResidualStore.open_or_create(
            tmp_path / str(len(list(tmp_path.iterdir()))), spec, row_ids_of(passes, position)
        )
        capture_to_store(view, passes, lambda key: images[int(key)], made, position=position)
        return ResidualStore.open(made.folder)

    return store


@pytest.mark.parametrize("layers", [LAYERS, (3,), (0,), (1, 2)])
def test_chosen_layers_are_those_of_all(stored, layers):
    some, whole = stored(layers=layers), stored()
    assert some.spec.layers == layers
    assert torch.equal(some.read(), whole.read()[:, list(layers)])


def test_only_what_is_read_is_hooked(vlm, images, questions, monkeypatch):
    hooked = []
    for place, module in enumerate([*vlm.blocks, vlm.norm]):
        inner = module.register_forward_pre_hook
        monkeypatch.setattr(
            module,
            "register_forward_pre_hook",
            lambda *a, p=place, f=inner, **k: hooked.append(p) or f(*a, **k),
        )
    buffer = vlm.new_buffer(7, n_layers=2)
    vlm.residuals_into(vlm.prepare(images, questions), buffer, None, (1, 3))
    assert hooked == [1, 3]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((0, 4), "layers must be among 0 to 3, got 4"),
        ((-1,), "layers must be among 0 to 3, got -1"),
        ((2, 1), r"rising, each once, got \[2, 1\]: sort them"),
        ((1, 1), r"rising, each once, got \[1, 1\]"),
        ((), "at least one"),
    ],
)
def test_layers_that_are_not_there(vlm, passes, images, questions, tmp_path, layers, message):
    spec = store_spec(vlm, passes, study_hash="s", layers=layers)
    with pytest.raises(UserError, match=message):
        ResidualStore.open_or_create(tmp_path / "r", spec, row_ids_of(passes))
    inputs, buffer = vlm.prepare(images, questions), vlm.new_buffer(7)
    with pytest.raises(UserError, match=message):
        vlm.residuals_into(inputs, buffer, None, layers)


def test_hooked_layers_must_come_in_order(model_folder, images, questions):
    view = load_vlm(model_folder)
    view.blocks = list(view.blocks)[::-1]
    inputs = view.prepare(images, questions)
    with pytest.raises(GateError, match=r"once each and in order, got \[2, 0\], not \[0, 2\]"):
        view.residuals_into(inputs, view.new_buffer(7, n_layers=2), None, (0, 2))
    view.residuals_into(inputs, view.new_buffer(7, n_layers=1), None, (1,))


def test_half_the_bytes_of_a_full_model(stored, vlm):
    half, full = stored(dtype="bfloat16"), stored()
    assert (half.spec.dtype, half.spec.model_dtype) == ("bfloat16", "float32")
    assert (full.spec.dtype, full.spec.model_dtype) == ("float32", None)
    assert torch.equal(half.read(), full.read().bfloat16())
    with pytest.raises(UserError, match=r"another model_dtype \(float32, now None\)"):
        half.require(replace(half.spec, model_dtype=None))


def test_what_overflows_in_the_store_is_named(stored, vlm, monkeypatch):
    inner = vlm.residuals_into

    def large(inputs, buffer, *how):
        inner(inputs, buffer, *how)
        buffer[0, 1] *= 1e6

    monkeypatch.setattr(vlm, "residuals_into", large)
    with pytest.raises(UserError, match="for item item-2 at layer 2"):
        stored(dtype="float16", layers=LAYERS)
    with pytest.raises(UserError, match="unknown residual dtype 'float8'"):
        stored(dtype="float8")


def test_a_lens_is_not_trained_on_some_layers(stored):
    store = stored(layers=LAYERS)
    with pytest.raises(UserError, match=r"holds layers \[0, 2, 3\] only"):
        ResidualRows.of_store(store, {store.row_ids[0]: "scene"})


def test_means_are_those_in_float32(model_folder, images, questions):
    """Of a model in bfloat16, widened item by item: as if the whole stream had been."""
    view = load_vlm(model_folder, dtype="bfloat16")
    inputs = view.prepare(images, questions)
    weights = torch.rand(7, 3, inputs["input_ids"].shape[1])
    weights /= weights.sum(-1, keepdim=True)
    streams = []
    handles = [
        module.register_forward_pre_hook(
            lambda _, args, kwargs: streams.append(args[0] if args else kwargs["hidden_states"]),
            with_kwargs=True,
        )
        for module in [*view.blocks, view.norm]
    ]
    buffer = view.new_buffer(21)
    view.residuals_into(inputs, buffer, weights)
    for handle in handles:
        handle.remove()
    wanted = torch.stack([(weights @ each.float()).flatten(0, 1) for each in streams], dim=1)
    torch.testing.assert_close(buffer, wanted.bfloat16(), rtol=2**-7, atol=1e-6)
