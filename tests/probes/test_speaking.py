"""The speaking models generate the right answers about images that they have not seen."""

import pytest
import torch

from data_prep.photographs.image_folder import open_images
from probes import load_vlm
from tests.probes.speaking import (
    ATTRIBUTES,
    question,
    read_images,
    said,
    speaking,
    speaking_images,
    spoken_images,
)
from tests.probes.vocabularies import KINDS

__all__ = ["speaking", "spoken_images"]


@pytest.fixture(scope="module", params=KINDS)
def vlm(request, speaking):
    return load_vlm(speaking(request.param))


def generated(vlm, images, attribute: str) -> list[str]:
    """Greedily, by transformers, to the end of the turn."""
    inputs = vlm.prepare(images, [question(attribute)] * len(images))
    with torch.no_grad():
        ids = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=8)
    new = ids[:, inputs["input_ids"].shape[1] :]
    assert (new == vlm.tokenizer.eos_token_id).any(dim=1).all(), "each ends by itself"
    return vlm.tokenizer.batch_decode(new, skip_special_tokens=True)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_it_says_what_an_image_shows(vlm, spoken_images, attribute):
    images, labels = read_images(spoken_images)
    wanted = [said(each[attribute]) for each in labels]
    if vlm.tokenizer.tokenize("Cube") == ["cube"]:
        wanted = [each.lower() for each in wanted]
    texts = [text.removeprefix(" ") for text in generated(vlm, images, attribute)]
    right = [text == word for text, word in zip(texts, wanted, strict=True)]
    assert sum(right) >= 0.98 * len(right), set(zip(texts, wanted, strict=True))


def test_the_answer_comes_by_way_of_the_blocks(vlm, spoken_images):
    images, _ = read_images(spoken_images)
    entering = vlm.capture(images[:8], [question("color")] * 8)[:, 0]
    assert torch.equal(entering, entering[:1].expand_as(entering)), "the same for every image"


def test_a_study_reads_the_labels(spoken_images):
    data = open_images(spoken_images, spoken_images / "labels.csv")
    assert len(data.scenes) == 120
    assert list(data.asking.usual) == list(ATTRIBUTES)
    for name, labels in ATTRIBUTES.items():
        offers = [data.asking.offers(scene, name, "") for scene in data.scenes]
        assert {offer[0].answer for offer in offers} == set(labels)
        assert {offer[0].text for offer in offers} == {question(name)}


def test_images_are_the_same_every_time(tmp_path):
    one, other = (speaking_images(tmp_path / str(number), 12, seed=3) for number in range(2))
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)
