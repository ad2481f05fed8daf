"""Attention to the image: recorded as the model's own weights, boosted as a plain loop does it."""

import pytest
import torch
from PIL import Image
from torch import nn

from data_prep.errors import UserError
from probes import load_vlm
from probes.image_tokens import image_tokens
from probes.interventions.attention_calls import AttentionCall, attending
from probes.interventions.image_attention import (
    attention_to_image,
    image_attention_boosted,
    recorded_image_attention,
)
from probes.interventions.pass_on import Intervened
from probes.unembedding import GateError
from tests.probes.families.small import FAMILIES
from tests.probes.interventions.test_attention_cut import attending as attending_by

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
WITH_POSITIONS = [name for name in FAMILIES if name != "mllama"]
# PaliGemma 2 exists with eager attention only.
WITH_SDPA = [name for name in WITH_POSITIONS if name != "paligemma2"]


def residuals(vlm, inputs):
    buffer = vlm.new_buffer(len(inputs["input_ids"]))
    vlm.residuals_into(inputs, buffer)
    return buffer


def last_weights(vlm, inputs):
    """What transformers itself returns of eager attention: [item, block, head, key]."""
    with attending_by(vlm, "eager"):
        weights = vlm.run(inputs, output_attentions=True).attentions
    return torch.stack([each[:, :, -1] for each in weights], dim=1)


@pytest.mark.parametrize("name", WITH_POSITIONS)
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_shares_are_those_of_the_weights_that_eager_attention_returns(name, implementation, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    if name not in WITH_SDPA and implementation == "sdpa":
        pytest.skip("it exists with eager attention only")
    image = image_tokens(vlm, inputs)
    wanted = (last_weights(vlm, inputs) * image[:, None, None]).sum(-1).mean(2)
    with attending_by(vlm, implementation):
        plain = residuals(vlm, inputs)
        with recorded_image_attention(vlm, inputs) as shares:
            recorded = residuals(vlm, inputs)
    assert torch.equal(recorded, plain)
    torch.testing.assert_close(shares, wanted, rtol=0, atol=1e-5)
    assert shares.std() > 1e-4


@pytest.mark.parametrize("name", WITH_POSITIONS)
def test_a_boost_reaches_its_blocks_and_the_answer_position_alone(name, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    seen = []
    plain, before = Intervened(vlm, inputs), attention_to_image(vlm, inputs)
    boost = image_attention_boosted(vlm, inputs, strength=0.5, blocks=(2, 3))
    streams = vlm.streams(lambda _, stream: seen.append(stream))
    with boost, recorded_image_attention(vlm, inputs) as outer, streams:
        vlm.run(inputs)
    boost = image_attention_boosted(vlm, inputs, strength=0.5, blocks=(2, 3))
    with recorded_image_attention(vlm, inputs) as inner, boost:
        vlm.run(inputs)
    torch.testing.assert_close(inner, outer, rtol=0, atol=1e-6)
    assert torch.equal(inner[:, :1], before[:, :1])
    # In Gemma 3 the image may lie outside of a sliding window: no boost can bring it back.
    out_of_sight = before[:, 1] == 0
    assert torch.equal(inner[:, 1] > before[:, 1], ~out_of_sight)
    assert not out_of_sight.any() or name == "gemma3"
    # PaliGemma's prompt looks ahead: from the next block on, all of it sees the last token.
    spared = vlm.n_layers if not name.startswith("paligemma") else 2
    for layer, (own, boosted) in enumerate(zip(plain.streams, seen, strict=True)):
        assert torch.equal(own[:, :-1], boosted[:, :-1]) == (layer <= spared)
        assert torch.equal(own, boosted) == (layer < 2)
    assert torch.equal(residuals(vlm, inputs), torch.stack([s[:, -1] for s in plain.streams], 1))


@pytest.mark.parametrize("name", WITH_POSITIONS)
def test_strength_zero_is_the_plain_pass(name, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    plain = residuals(vlm, inputs)
    with image_attention_boosted(vlm, inputs, strength=0.0, blocks=(1, vlm.n_layers)):
        assert torch.equal(residuals(vlm, inputs), plain)


def attended_by_a_loop(attention, call, image, strength):
    """The last query of a LLaMA block, head by head and key by key, from its input on."""
    stream, (cos, sin) = call["hidden_states"], call["position_embeddings"]
    n_heads, width = attention.config.num_attention_heads, attention.head_dim

    def turned(rows):
        half = torch.cat([-rows[..., width // 2 :], rows[..., : width // 2]], -1)
        return rows * cos[0, :, None] + half * sin[0, :, None]

    keys = turned(attention.k_proj(stream[0]).unflatten(-1, (-1, width)))
    values = attention.v_proj(stream[0]).unflatten(-1, (-1, width))
    queries = turned(attention.q_proj(stream[0]).unflatten(-1, (-1, width)))[-1]
    heads = []
    for head in range(n_heads):
        group = head // (n_heads // keys.shape[1])
        scores = [float(queries[head] @ key) / width**0.5 for key in keys[:, group]]
        for place in range(len(scores)):
            if image[0, place]:
                scores[place] += strength * abs(scores[place])
        heads.append(torch.tensor(scores).softmax(0) @ values[:, group])
    return attention.o_proj(torch.cat(heads))


@pytest.fixture(scope="module")
def bundled():
    return load_vlm("bundled", device="cpu")


@pytest.mark.parametrize("strength", [0.2, 1.5, -0.3])
def test_the_boost_of_the_bundled_model_is_that_of_a_plain_loop(bundled, strength):
    inputs = bundled.prepare([Image.radial_gradient("L").convert("RGB")], ["What color is it?"])
    attention, calls = bundled.blocks[3].self_attn, []
    handle = attention.register_forward_hook(
        lambda _, args, kwargs, out: calls.append((kwargs, out[0])), with_kwargs=True
    )
    with image_attention_boosted(bundled, inputs, strength=strength, blocks=(2, 5)):
        bundled.run(inputs)
    handle.remove()
    (call, found), image = calls[0], image_tokens(bundled, inputs)
    with torch.inference_mode():
        wanted = attended_by_a_loop(attention, call, image, strength)
    torch.testing.assert_close(found[0, -1], wanted, rtol=1e-4, atol=1e-5)


def test_a_family_whose_scores_are_something_else_is_refused(trial, monkeypatch):
    vlm, inputs = trial("llava").vlm, trial("llava").inputs
    own = AttentionCall.scores
    monkeypatch.setattr(AttentionCall, "scores", lambda self, queries: 1.01 * own(self, queries))
    with (
        pytest.raises(GateError, match="cannot be boosted in block 2: its scores must be query"),
        image_attention_boosted(vlm, inputs, strength=0.5, blocks=(2, 2)),
    ):
        vlm.run(inputs)
    vlm.run(inputs)


def test_what_cannot_be_recorded_or_boosted(trial):
    vlm, inputs = trial("llava").vlm, trial("llava").inputs
    for blocks in ((0, 2), (3, 2), (1, 5)):
        with (
            pytest.raises(UserError, match=r"first..last among 1..4"),
            image_attention_boosted(vlm, inputs, strength=1.0, blocks=blocks),
        ):
            pass
    with (
        pytest.raises(UserError, match="must be finite, got nan"),
        image_attention_boosted(vlm, inputs, strength=float("nan"), blocks=(1, 2)),
    ):
        pass
    for back in (-1, inputs["input_ids"].shape[1]):
        with pytest.raises(UserError, match=f"tokens before the prompt's end, got {back}"):
            attention_to_image(vlm, inputs, back=back)
    one = {name: each[:1] for name, each in inputs.items()}
    for looking in (
        recorded_image_attention(vlm, inputs),
        image_attention_boosted(vlm, inputs, strength=1.0, blocks=(1, 2)),
    ):
        with pytest.raises(UserError, match="for 3 prompts, got 1 with"), looking:
            vlm.run(one)
    with (
        pytest.raises(UserError, match="through every block, got none: run the inputs"),
        recorded_image_attention(vlm, inputs),
    ):
        pass


def test_families_and_implementations_that_are_refused(trial, monkeypatch):
    beside = trial("mllama")
    with pytest.raises(UserError, match="has no image tokens in its sequence"):
        attention_to_image(beside.vlm, beside.inputs)
    with (
        pytest.raises(UserError, match="has no image tokens in its sequence"),
        image_attention_boosted(beside.vlm, beside.inputs, strength=1.0, blocks=(1, 1)),
    ):
        pass
    vlm = trial("llava").vlm
    with pytest.raises(UserError, match="the function that attends, and Identity does not"):
        attending(nn.ModuleDict({"self_attn": nn.Identity()}), 1)
    config = vlm.model.config.get_text_config()
    monkeypatch.setattr(config, "_attn_implementation_internal", "flash_attention_2")
    with pytest.raises(UserError, match=r"\(eager or sdpa\), got flash_attention_2"):
        attention_to_image(vlm, trial("llava").inputs)
