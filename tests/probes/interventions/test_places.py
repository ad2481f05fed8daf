"""Kinds of positions, and random ones elsewhere in the image."""

import numpy as np
import pytest
import torch
from PIL import Image

from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.interventions.places import elsewhere, places
from tests.probes.families.small import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
KINDS = ("image", "object", "rest", "question", "answer")
BOXES, SIZES = [[(20.0, 10.0, 44.0, 30.0)]] * 3, [(64, 48), (48, 64), (96, 40)]
WITH_BOXES = [name for name in FAMILIES if name != "mllama"]


@pytest.mark.parametrize("name", WITH_BOXES)
def test_every_token_is_of_one_kind(name, trial):
    begun = trial(name)
    found = places(begun.vlm, begun.inputs, KINDS, boxes=BOXES, image_sizes=SIZES)
    there = begun.inputs["attention_mask"].bool()
    parts = torch.stack([found[kind] for kind in ("object", "rest", "question", "answer")])
    assert torch.equal(parts.sum(0), there.long())
    assert torch.equal(found["image"], image_tokens(begun.vlm, begun.inputs))
    assert torch.equal(found["object"] | found["rest"], found["image"])
    assert found["object"].sum(1).min() > 0
    assert (found["answer"].sum(1) == 1).all()
    assert found["answer"][:, -1].all()


def test_an_image_beside_the_text(trial):
    begun = trial("mllama")
    found = places(begun.vlm, begun.inputs, ["question", "answer"])
    there = begun.inputs["attention_mask"].bool()
    assert torch.equal(found["question"] | found["answer"], there)
    with pytest.raises(UserError, match="has no image tokens in its sequence"):
        places(begun.vlm, begun.inputs, ["image"])


def test_which_tokens_show_an_object(loaded):
    """LLaVA's 4 x 4 tokens of an image of 32 x 32 pixels are 8 pixels wide."""
    vlm = loaded("llava")
    inputs = vlm.prepare([Image.new("RGB", (32, 32))], ["What?"])

    def shown(*boxes):
        own = [(float(a), float(b), float(c), float(d)) for a, b, c, d in boxes]
        found = places(vlm, inputs, ["object"], boxes=[own], image_sizes=[(32, 32)])["object"]
        return found[image_tokens(vlm, inputs)].nonzero()[:, 0].tolist()

    assert shown((9, 9, 11, 11)) == [5]  # a small object: all of the box lies there
    assert shown((0, 0, 16, 8.2)) == [0, 1]  # a sliver below: 1.2% of the box each
    assert shown((0, 0, 16, 9)) == [0, 1, 4, 5]  # 5.6% each
    assert shown((0, 0, 32, 29)) == list(range(16))  # 62% of each of the lowest tokens
    assert shown((9, 9, 11, 11), (25, 25, 31, 31)) == [5, 15]
    assert shown((-5, -5, 3, 3)) == [0]


def test_elsewhere_is_as_much_of_the_rest(loaded):
    rng = np.random.default_rng(0)
    image = torch.zeros(2, 20, dtype=torch.bool)
    image[:, 2:18] = True
    own = torch.zeros_like(image)
    own[0, 3:6], own[1, 4] = True, True
    drawn = torch.stack([elsewhere(own, image, rng) for _ in range(600)])
    assert (drawn.sum(2) == torch.tensor([3, 1])).all()
    assert not (drawn & (own | ~image)).any()
    often = drawn.double().mean(0)
    assert often[0][image[0] & ~own[0]].std() < 0.03
    assert not torch.equal(drawn[0], drawn[1])


def test_bad_input(trial):
    begun = trial("llava")
    vlm, inputs = begun.vlm, begun.inputs
    with pytest.raises(UserError, match="one of image, object, rest, question, answer, got 'sky'"):
        places(vlm, inputs, ["sky"])
    with pytest.raises(UserError, match="boxes and a size for each of 3 images, got 0 and 0"):
        places(vlm, inputs, ["object"])
    with pytest.raises(UserError, match="must lie in its image"):
        places(vlm, inputs, ["object"], boxes=[[(70.0, 0.0, 90.0, 9.0)]] * 3, image_sizes=SIZES)
    with pytest.raises(UserError, match="no token shows the object of item 0"):
        places(vlm, inputs, ["object"], boxes=[[]] * 3, image_sizes=SIZES)
    image = torch.ones(1, 3, dtype=torch.bool)
    own = torch.tensor([[True, True, False]])
    with pytest.raises(UserError, match="as many tokens as show the object, 2, got 1"):
        elsewhere(own, image, np.random.default_rng(0))
