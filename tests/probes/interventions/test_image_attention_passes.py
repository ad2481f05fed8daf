"""Attention to the image in passes of other kinds: forced tokens, caches, cuts, half precision."""

from contextlib import contextmanager

import pytest
import torch
from PIL import Image
from torch import nn

from data_prep.errors import UserError
from probes import load_vlm
from probes.answers.tree import ANSWER_NODE, Node
from probes.image_tokens import image_tokens
from probes.interventions.attention_cut import attention_cut
from probes.interventions.image_attention import (
    attention_to_image,
    image_attention_boosted,
    recorded_image_attention,
)
from probes.interventions.pass_on import Intervened
from tests.probes.families.small import save
from tests.probes.interventions.test_attention_cut import attending as attending_by
from tests.probes.interventions.test_image_attention import residuals

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
NODES = [
    ANSWER_NODE,
    Node(forced=(5,)),
    Node(forced=(5, 6)),
    Node(back=1),
    Node(back=1, forced=(7,)),
]


@contextmanager
def forced_by(vlm, way):
    before = vlm.__dict__.get("way")
    vlm.__dict__["way"] = way
    try:
        yield
    finally:
        del vlm.__dict__["way"]
        if before is not None:
            vlm.__dict__["way"] = before


def after_forced(vlm, inputs, way, strength, back):
    """The last residual at every node, and what was recorded on the way."""
    buffer = vlm.new_buffer(len(inputs["input_ids"]) * len(NODES), n_layers=1)
    boost = image_attention_boosted(vlm, inputs, strength=strength, blocks=(2, 4), back=back)
    with forced_by(vlm, way), boost, recorded_image_attention(vlm, inputs, back=back) as shares:
        vlm.residuals_at(inputs, NODES, buffer, layers=[vlm.n_layers])
    return buffer.view(-1, len(NODES), vlm.d_model), shares


# Gemma 3's caches forget what lies outside of the window, the image among it.
@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "gemma3"])
def test_forced_tokens_are_boosted_like_the_answer_position(name, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    one = vlm.prepare([Image.new("RGB", (40, 40), (90, 9, 90))], ["What color is it?"])
    # Without padding sdpa is given no mask.
    for some, back in ((inputs, 0), (one, 1)):
        (cached, shares), (passes, own) = (
            after_forced(vlm, some, way, 0.5, back) for way in ("cache", "passes")
        )
        torch.testing.assert_close(cached, passes, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(shares, own, rtol=1e-4, atol=1e-5)
        plain, _ = after_forced(vlm, some, "cache", 0.0, back)
        changed = (cached - plain).abs().amax((0, 2)) > 1e-3
        # Node 3 lies a token before the prompt's last one.
        assert changed.tolist() == [True, True, True, back == 1, True]


@pytest.mark.parametrize("name", ["llava", "qwen3_vl", "gemma3", "paligemma"])
def test_both_implementations_are_boosted_alike(name, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    found = []
    for implementation in ("eager", "sdpa"):
        with (
            attending_by(vlm, implementation),
            image_attention_boosted(vlm, inputs, strength=0.5, blocks=(1, 4)),
        ):
            found.append(residuals(vlm, inputs))
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["llava", "paligemma2"])
def test_half_precision(name, trial, tmp_path):
    """The shares are those of float32 up to what rounding did to queries and keys before."""
    wide = trial(name)
    vlm = load_vlm(save(name, tmp_path), dtype="bfloat16")
    inputs = {
        key: each.bfloat16() if each.is_floating_point() else each
        for key, each in wide.inputs.items()
    }
    plain = residuals(vlm, inputs)
    with recorded_image_attention(vlm, inputs) as shares:
        assert torch.equal(residuals(vlm, inputs), plain)
    assert shares.dtype == torch.float32
    wanted = attention_to_image(wide.vlm, wide.inputs)
    torch.testing.assert_close(shares[:, :2], wanted[:, :2], rtol=0, atol=0.03)
    with image_attention_boosted(vlm, inputs, strength=0.5, blocks=(1, 2)):
        boosted = residuals(vlm, inputs)
        assert (attention_to_image(vlm, inputs) > shares)[:, 0].all()
    assert boosted.dtype == torch.bfloat16
    assert torch.equal(boosted[:, 0], plain[:, 0])


def test_a_cut_image_has_no_share_and_a_pass_may_go_on_from_a_layer(trial):
    vlm, inputs = trial("llava").vlm, trial("llava").inputs
    image = image_tokens(vlm, inputs)
    with (
        attention_cut(vlm, inputs, keys=image, queries=~image, blocks=(2, 2)),
        recorded_image_attention(vlm, inputs) as shares,
    ):
        vlm.run(inputs)
    assert shares[:, 1].tolist() == [0, 0, 0]
    assert (shares[:, [0, 2, 3]] > 0).all()
    begun = Intervened(vlm, inputs, tails=True)
    changed = begun.streams[1].clone()
    changed[:, -2:] += 1
    found = []
    for each in (begun, Intervened(vlm, inputs)):
        with image_attention_boosted(vlm, inputs, strength=0.5, blocks=(3, 4)):
            found.append(each.go_on(1, changed))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)
    assert (found[0] - begun.go_on(1, changed)).abs().max() > 1e-3


def test_blocks_without_self_attention(trial):
    """As of linear attention, which has no weights: no share is known, and no boost is possible."""
    vlm, inputs = trial("llava").vlm, trial("llava").inputs

    class Linear(nn.Module):
        def forward(self, stream, **_):
            return stream

    blocks = nn.ModuleList([vlm.blocks[0], Linear(), *vlm.blocks[2:]])
    decoder, own = vlm.model.get_decoder(), vlm.blocks
    vlm.blocks = decoder.layers = blocks
    try:
        shares = attention_to_image(vlm, inputs)
        assert shares.isnan().any(0).tolist() == [False, True, False, False]
        with (
            pytest.raises(UserError, match="block 2, a Linear, has none: choose other blocks"),
            image_attention_boosted(vlm, inputs, strength=0.5, blocks=(1, 4)),
        ):
            pass
        with image_attention_boosted(vlm, inputs, strength=0.5, blocks=(3, 4)):
            assert (attention_to_image(vlm, inputs) > shares)[:, 2].all()
    finally:
        vlm.blocks = decoder.layers = own
