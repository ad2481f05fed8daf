"""A trial in the middle of changed passes is made on the model as it is."""

from contextlib import ExitStack
from copy import copy

import pytest
import torch
from PIL import Image

from probes.answers.tree import ANSWER_NODE, Node
from probes.image_tokens import image_tokens
from probes.interventions.attention_cut import attention_cut
from probes.interventions.edit import Edit, edited
from probes.interventions.image_attention import image_attention_boosted, recorded_image_attention
from probes.untouched import is_untouched, untouched

NODES = (ANSWER_NODE, Node(forced=(5,)))


@pytest.fixture
def inputs(vlm):
    images = [Image.new("RGB", (96, 96), color) for color in ("red", "gray", "navy")]
    return vlm.prepare(images, ["What is this?", "What color is it?", "And the other?"])


def changing(vlm, inputs, kind):
    image = image_tokens(vlm, inputs)
    return {
        "edited": lambda: edited(vlm, [Edit(layer=1, change=torch.zeros_like)]),
        "cut": lambda: attention_cut(
            vlm, inputs, keys=image, queries=~image & inputs["attention_mask"].bool(),
            blocks=(1, vlm.n_layers),
        ),
        "boosted": lambda: image_attention_boosted(
            vlm, inputs, strength=0.5, blocks=(1, vlm.n_layers)
        ),
        "recorded": lambda: recorded_image_attention(vlm, inputs),
    }[kind]()  # fmt: skip


def read(vlm, inputs, kind):
    buffer = vlm.new_buffer(len(inputs["input_ids"]) * len(NODES))
    with changing(vlm, inputs, kind) as left:
        vlm.residuals_at(inputs, NODES, buffer)
    return buffer, left


@pytest.mark.parametrize("kind", ["edited", "cut", "boosted", "recorded"])
def test_how_forced_tokens_are_read_is_found_out_on_the_model_as_it_is(vlm, inputs, kind):
    known = vlm.way
    buffer, left = read(vlm, inputs, kind)
    del vlm.way
    again, left_again = read(vlm, inputs, kind)
    assert vlm.way == known
    assert torch.equal(again, buffer)
    if kind == "recorded":
        assert torch.equal(left_again, left)
    else:  # it is changed all the same
        plain = vlm.new_buffer(len(buffer))
        vlm.residuals_at(inputs, NODES, plain)
        assert not torch.equal(buffer, plain)


def test_only_this_model_is_left_alone_and_only_as_long_as_asked(vlm):
    with ExitStack() as inner:
        inner.enter_context(untouched(vlm))
        with untouched(vlm):
            assert is_untouched(vlm)
        assert is_untouched(vlm)
        assert not is_untouched(copy(vlm))
    assert not is_untouched(vlm)
    with pytest.raises(KeyError), untouched(vlm):
        raise KeyError
    assert not is_untouched(vlm)
