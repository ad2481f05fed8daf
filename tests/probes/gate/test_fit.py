"""What model and processor raise at the gate, and whether they fit each other."""

import pytest

from data_prep.errors import UserError
from probes.gate import check_gate
from probes.unembedding import GateError


def test_what_the_model_raises_is_one_line(view, monkeypatch):
    def fails(*args, **kwargs):
        raise AssertionError("tiles\nand a page of advice")

    monkeypatch.setattr(view.model.model, "get_image_features", fails)
    with pytest.raises(GateError, match="model and processor do not fit: tiles; take the conf"):
        check_gate(view)


def test_what_the_processor_raises_is_one_line(view, monkeypatch):
    monkeypatch.setattr(view.processor.image_processor, "image_mean", "grey")
    with pytest.raises(GateError, match="one image and one question, its processor fails: "):
        check_gate(view)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda view: setattr(view.processor, "num_additional_image_tokens", 2),
            "do not (fit|match)",
        ),
        (lambda view: setattr(view.model.config, "image_token_id", 5), "says image token 5"),
        (
            lambda view: setattr(
                view.processor.image_processor, "size", {"height": 24, "width": 24}
            ),
            "images of 24 by 24 pixels, the model's vision_config says 32 by 32",
        ),
    ],
)
def test_a_processor_and_a_model_that_do_not_fit(view, build_processor, change, said):
    view.processor = build_processor()
    view._prompts._processor = view.processor
    change(view)
    with pytest.raises(GateError, match=said) as refused:
        check_gate(view)
    assert "saved together" in str(refused.value)


def test_a_lack_of_memory_is_no_fault_of_the_model(view, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 99 bytes")

    monkeypatch.setattr(view.model.model, "get_image_features", fails)
    with pytest.raises(UserError, match=r"does not fit on cpu .* --dtype bfloat16") as refused:
        check_gate(view)
    assert not isinstance(refused.value, GateError)
