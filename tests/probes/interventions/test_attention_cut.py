"""Attention that is cut: weights, what no longer arrives, and what cannot be cut."""

from contextlib import contextmanager

import pytest
import torch
from PIL import Image

from data_prep.errors import UserError
from probes.answers.tree import ANSWER_NODE, Node
from probes.image_tokens import image_tokens
from probes.interventions import attention_cut as cutting
from probes.interventions.attention_cut import attention_cut
from probes.interventions.attention_masks import attention_of, can_look
from probes.interventions.cut_gate import check_cut
from probes.interventions.pass_on import Intervened
from probes.unembedding import GateError
from tests.probes.families.small import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
# PaliGemma 2 exists with eager attention only.
BOTH = [
    (name, implementation)
    for name in FAMILIES
    for implementation in ("eager", "sdpa")
    if (name, implementation) != ("paligemma2", "sdpa")
]
NODES = [
    ANSWER_NODE,
    Node(forced=(5,)),
    Node(forced=(5, 6)),
    Node(back=1),
    Node(back=1, forced=(7,)),
]


@contextmanager
def attending(vlm, implementation):
    before = vlm.model.config.get_text_config()._attn_implementation
    vlm.model.set_attn_implementation({"text_config": implementation})
    try:
        yield
    finally:
        vlm.model.set_attn_implementation({"text_config": before})


def parts(begun):
    """Image and text positions; of a family without image positions, two parts of the text."""
    there = begun.inputs["attention_mask"].bool()
    if begun.vlm.model.config.model_type == "mllama":
        place = there.flip(1).long().cumsum(1).flip(1)
        return there & (place > 4) & (place <= 8), there & (place <= 4)
    image = image_tokens(begun.vlm, begun.inputs)
    return image, there & ~image


def residuals(begun):
    buffer = begun.vlm.new_buffer(len(begun.last))
    begun.vlm.residuals_into(begun.inputs, buffer)
    return buffer


@pytest.mark.parametrize(("name", "implementation"), BOTH)
def test_what_is_cut_does_not_arrive(name, implementation, trial):
    """Whatever stands at the keys when the cut begins, the answer position never learns of it."""
    vlm, inputs = trial(name).vlm, trial(name).inputs
    with attending(vlm, implementation):
        begun = Intervened(vlm, inputs)
        keys, queries = parts(begun)
        first = max(begun.safe_from, 1) + 1
        plain = residuals(begun)
        start = begun.streams[first - 1]
        other = torch.where(keys[..., None], start.roll(1, 0) + 1, start)
        blocks = (first, vlm.n_layers)
        with attention_cut(vlm, begun.inputs, keys=keys, queries=queries, blocks=blocks):
            cut = residuals(begun)
            assert torch.equal(begun.go_on(first - 1, other), begun.go_on(first - 1, start))
        assert torch.equal(cut[:, :first], plain[:, :first])
        if name != "mllama":
            assert (cut - plain)[:, first:].abs().amax((0, 2)).min() > 1e-2
        assert not torch.equal(begun.go_on(first - 1, other), begun.go_on(first - 1, start))
        assert torch.equal(residuals(begun), plain)


@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "gemma3", "paligemma", "idefics3"])
def test_both_implementations_agree(name, trial):
    begun = trial(name)
    keys, queries = parts(begun)
    found = []
    for implementation in ("eager", "sdpa"):
        with (
            attending(begun.vlm, implementation),
            attention_cut(begun.vlm, begun.inputs, keys=keys, queries=queries, blocks=(2, 3)),
        ):
            found.append(residuals(begun))
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)


def test_a_cut_of_nothing_changes_nothing_much(trial):
    """The explicit mask stands for the one that the model does not write out."""
    begun = trial("llava")
    one = begun.vlm.prepare([_grey()], ["What color is it?"])
    none = torch.zeros_like(one["input_ids"], dtype=torch.bool)
    attention = attention_of(begun.vlm.blocks[0])
    assert attention is not None
    stream = torch.zeros(1, none.shape[1], begun.vlm.d_model)
    assert can_look(attention, (stream,), {"attention_mask": None})[0, 0].sum() == sum(
        range(none.shape[1] + 1)
    )
    plain, cut = begun.vlm.new_buffer(1), begun.vlm.new_buffer(1)
    begun.vlm.residuals_into(one, plain)
    with attention_cut(begun.vlm, one, keys=none, queries=none, blocks=(1, 4)):
        begun.vlm.residuals_into(one, cut)
    torch.testing.assert_close(cut, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "idefics3"])
def test_forced_tokens_are_cut_like_the_answer_position(name, trial):
    begun = trial(name)
    vlm = begun.vlm
    keys, queries = parts(begun)
    found, plain = [], begun.at_nodes(4, torch.clone, NODES)
    for way in ("cache", "passes"):
        vlm.__dict__["way"] = way
        with attention_cut(vlm, begun.inputs, keys=keys, queries=queries, blocks=(2, 4)):
            buffer = vlm.new_buffer(3 * len(NODES), n_layers=1)
            vlm.residuals_at(begun.inputs, NODES, buffer, layers=[vlm.n_layers])
            found.append(buffer.view(3, len(NODES), -1))
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)
    assert (found[0] - plain).abs().amax((0, 2)).min() > 1e-2


def test_what_cannot_be_cut(trial):
    begun = trial("llava")
    vlm, inputs = begun.vlm, begun.inputs
    keys, queries = parts(begun)
    for blocks in ((0, 2), (3, 2), (1, 5)):
        with (
            pytest.raises(UserError, match=r"first..last among 1..4"),
            attention_cut(vlm, inputs, keys=keys, queries=queries, blocks=blocks),
        ):
            pass
    with (
        pytest.raises(UserError, match="queries must have the shape of the prompts"),
        attention_cut(vlm, inputs, keys=keys, queries=queries[:, 1:], blocks=(1, 2)),
    ):
        pass
    there = inputs["attention_mask"].bool()
    with (
        pytest.raises(UserError, match="would have no key left"),
        attention_cut(vlm, inputs, keys=there, queries=queries, blocks=(1, 2)),
    ):
        vlm.run(inputs)
    with (
        pytest.raises(UserError, match="attention is cut for 3 prompts"),
        attention_cut(vlm, inputs, keys=keys, queries=queries, blocks=(1, 2)),
    ):
        vlm.run({name: each[:1] for name, each in inputs.items()})


def test_flash_attention_is_refused(trial, monkeypatch):
    begun = trial("llava")
    keys, queries = parts(begun)
    config = begun.vlm.model.config.get_text_config()
    monkeypatch.setattr(config, "_attn_implementation_internal", "flash_attention_2")
    with (
        pytest.raises(UserError, match=r"\(eager or sdpa\), got flash_attention_2"),
        attention_cut(begun.vlm, begun.inputs, keys=keys, queries=queries, blocks=(1, 2)),
    ):
        pass


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_a_cut_that_leaks_is_found(implementation, trial, monkeypatch):
    """A penalty on the scores that is large, but not large enough, leaves a weight."""
    vlm = trial("llava").vlm

    def weak(module, kwargs, looking, cut):
        base = torch.zeros(looking.shape).masked_fill(~looking, torch.finfo(torch.float32).min)
        return base - 20.0 * cut

    monkeypatch.setattr(cutting, "without", weak)
    with attending(vlm, implementation), pytest.raises(GateError, match="cannot be cut in block 1"):
        check_cut(vlm, cutting._cutting)


def _grey():
    return Image.new("RGB", (40, 40), (90, 90, 90))
