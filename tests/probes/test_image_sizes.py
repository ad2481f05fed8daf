"""A size that the processor refuses is found out with a plain image, once."""

from pathlib import Path

import pytest
from PIL import Image

from probes import load_vlm
from probes.image_sizes import size_fault
from tests.probes.families.small import save


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("qwen")
    save("qwen2_vl", folder / "model")
    return load_vlm(str(folder / "model"))


def test_a_strip_is_refused_and_other_sizes_are_not(qwen):
    assert size_fault(qwen, (96, 96)) is None
    fault = size_fault(qwen, (900, 3))
    assert fault is not None
    assert "aspect ratio" in fault
    # It is what the processor says of an image of any content.
    with pytest.raises(ValueError, match="aspect ratio"):
        qwen.processed([Image.effect_noise((900, 3), 50)], ["What is this?"])


def test_a_size_is_tried_once(qwen, monkeypatch):
    tried = []

    def processed(images, questions):
        tried.append(images[0].size)
        raise MemoryError

    monkeypatch.setattr(qwen, "processed", processed)
    faults = [size_fault(qwen, (50, 70)) for _ in range(3)]
    assert faults == ["it fails without a reason"] * 3
    assert tried == [(50, 70)]


def test_an_image_of_more_tokens_than_the_model_reads(qwen, monkeypatch):
    monkeypatch.setattr("probes.image_sizes.n_positions", lambda vlm: 3)
    fault = size_fault(qwen, (64, 64))
    assert fault is not None
    assert fault.endswith("the model reads 3 at most")
