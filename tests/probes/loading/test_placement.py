"""In what form and where a model is put: devices, bits, attention, memory."""

from typing import Any

import pytest
import torch

from data_prep.errors import UserError
from probes import load_vlm
from probes.loading import memory
from probes.loading.checked.headers import held_weights
from probes.loading.load import require_room
from probes.loading.memory import require_memory, weight_bytes
from probes.loading.options import Loading

GIB = 2**30


def refusal(folder, **options) -> str:
    with pytest.raises(UserError) as refused:
        load_vlm(folder, **options)
    return str(refused.value)


def test_a_device_map_changes_nothing(model_folder, vlm, images, questions):
    mapped = load_vlm(model_folder, device_map="auto")
    torch.testing.assert_close(
        mapped.capture(images, questions), vlm.capture(images, questions), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_implementations_agree(model_folder, vlm, images, questions, attention):
    other = load_vlm(model_folder, attention=attention)
    torch.testing.assert_close(
        other.capture(images, questions), vlm.capture(images, questions), rtol=1e-3, atol=1e-4
    )


def test_attention_that_cannot_be_used(model_folder):
    for name in ("flash_attention_2", "no_such_thing"):
        assert "leave --attention out" in refusal(model_folder, attention=name)


def test_options_that_exclude_each_other(model_folder):
    assert "leave one out" in refusal(model_folder, device="cpu", device_map="auto")
    assert "add --dtype float16" in refusal(model_folder, quantize=8)


def test_quantization_without_its_library(model_folder, monkeypatch):
    monkeypatch.setattr("probes.loading.options.find_spec", lambda name: None)
    assert "'.[quantize]'" in refusal(model_folder, quantize=4)


@pytest.mark.parametrize(("bits", "dtype"), [(4, "float32"), (4, "bfloat16"), (8, "float16")])
def test_quantized_weights_pass_the_gate(wide_folder, images, questions, bits, dtype):
    pytest.importorskip("bitsandbytes")
    vlm = load_vlm(wide_folder, quantize=bits, dtype=dtype)
    block: Any = vlm.blocks[0]
    assert type(block.self_attn.q_proj).__name__ == f"Linear{bits}bit{'Lt' * (bits == 8)}"
    read = vlm.capture(images, questions).float()
    whole = load_vlm(wide_folder).capture(images, questions)
    difference = (read - whole).norm() / whole.norm()
    assert 1e-4 < difference < 0.3


def test_a_model_larger_than_the_memory(model_folder, monkeypatch):
    shapes = held_weights([model_folder / "model.safetensors"], "small").shapes
    whole = weight_bytes(shapes, 4, None)
    assert whole == 4 * sum(each.numel() for each in load_vlm(model_folder).model.parameters())
    monkeypatch.setattr(memory, "free_bytes", lambda device: 0.6 * whole)
    said = refusal(model_folder)
    assert "--dtype bfloat16" in said
    assert "--quantize 4" in said
    assert "--device-map auto" in said
    assert load_vlm(model_folder, dtype="bfloat16")
    monkeypatch.setattr(memory, "free_bytes", lambda device: 0.01 * whole)
    assert "take a smaller model" in refusal(model_folder)


def test_sizes_of_a_seven_billion_model():
    """What a T4 of 16 GB holds: the README's table rests on this count."""
    d, wide, n_vocab = 4096, 11008, 32064
    block = {"q": (d, d), "k": (d, d), "v": (d, d), "o": (d, d)}
    block |= {"up": (wide, d), "gate": (wide, d), "down": (d, wide)}
    shapes = {f"layers.{n}.{name}": shape for n in range(32) for name, shape in block.items()}
    shapes |= {"embed_tokens": (n_vocab, d), "lm_head": (n_vocab, d)}
    assert weight_bytes(shapes, 2, None) / GIB == pytest.approx(12.6, abs=0.1)
    assert weight_bytes(shapes, 2, 4) / GIB == pytest.approx(3.9, abs=0.1)
    assert weight_bytes(shapes, 2, 8) / GIB == pytest.approx(6.5, abs=0.1)


def test_weights_pass_through_the_host(model_folder, monkeypatch):
    """An accelerator with room does not help where the host has none for them on their way."""
    shapes = held_weights([model_folder / "model.safetensors"], "small").shapes
    whole = weight_bytes(shapes, 4, None)
    cuda = torch.device("cuda")
    monkeypatch.setattr(Loading, "target", cuda)
    free = {"cuda": 10 * whole, "cpu": 0.6 * whole}
    monkeypatch.setattr(memory, "free_bytes", lambda device: free[device.type])
    with pytest.raises(UserError, match="the host, through which they reach cuda, has") as refused:
        require_memory(shapes, "small", Loading())
    assert "--dtype bfloat16" in str(refused.value)
    assert "--device-map auto" in str(refused.value)
    require_memory(shapes, "small", Loading(dtype="bfloat16"))
    free["cuda"] = 0.6 * whole
    with pytest.raises(UserError, match=", cuda has"):
        require_memory(shapes, "small", Loading())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate"
                     " memory: you tried to allocate 8 bytes. Error code 12 (Cannot allocate)"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    ],
)  # fmt: skip
def test_a_lack_of_memory_while_reading(model_folder, monkeypatch, error):
    """No remedy of a damaged file: there is nothing to fetch again."""

    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr("transformers.AutoModelForImageTextToText.from_pretrained", fails)
    said = refusal(model_folder)
    assert "does not fit on cpu: use --dtype bfloat16" in said
    assert "again" not in said


def test_room_is_told_from_headers_alone(model_folder, monkeypatch):
    require_room(model_folder, Loading())
    require_room("somebody/not-here", Loading())
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1.0)
    with pytest.raises(UserError, match=r"has 0\.0 GiB free"):
        require_room(model_folder, Loading())


def test_a_file_of_weights_that_cannot_be_mapped(model_folder, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("unable to mmap 99 bytes from file <w>: Cannot allocate memory (12)")

    monkeypatch.setattr("probes.loading.checked.headers.safe_open", fails)
    said = refusal(model_folder)
    assert said.startswith("memory is not enough to open model.safetensors")
    assert "damaged" not in said
