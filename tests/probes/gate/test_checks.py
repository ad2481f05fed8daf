"""The gate lets a faithful view pass and names the part of an unfaithful one."""

from dataclasses import replace

import pytest
import torch

from probes.gate import check_gate
from probes.unembedding import FinalNorm, GateError, detach_unembedding
from probes.vlm import VLM


class NormTwice(FinalNorm):
    def __call__(self, residual):
        return super().__call__(super().__call__(residual))


class CachedStatistics(FinalNorm):
    """The scale of the last layer for every layer."""

    def __call__(self, residual):
        wide = residual.float()
        last = wide[..., -1:, :].square().mean(-1, keepdim=True)
        return self.weight * wide * torch.rsqrt(last + self.eps)


def with_norm(unembedding, kind):
    norm = unembedding.norm
    return replace(
        unembedding, norm=kind(kind=norm.kind, weight=norm.weight, bias=None, eps=norm.eps)
    )


def test_a_faithful_view_passes(view):
    check_gate(view)


def test_norm_applied_twice(view):
    view.unembedding = with_norm(view.unembedding, NormTwice)
    with pytest.raises(GateError, match=r"final norm of the raw last residual differs.* by 0"):
        check_gate(view)


def test_statistics_of_the_last_layer(view):
    view.unembedding = with_norm(view.unembedding, CachedStatistics)
    with pytest.raises(GateError, match="not normed with their own statistics at layer 0"):
        check_gate(view)


@pytest.mark.parametrize("change", [{"soft_cap": 1.0}, {"scale": 0.5}])
def test_cap_and_scale(view, change):
    view.unembedding = replace(view.unembedding, **change)
    with pytest.raises(GateError, match="head, logit scale or soft cap differ"):
        check_gate(view)


def test_padding_that_is_seen(view):
    """A model that ignores the attention mask reads the padding too."""
    decoder = view.model.get_decoder()
    inner = decoder.forward

    def deaf(*args, attention_mask=None, **kwargs):
        return inner(*args, attention_mask=None, **kwargs)

    decoder.forward = deaf
    with pytest.raises(GateError, match="padded batch differ from those of its items alone"):
        check_gate(view)


def test_blocks_in_another_order_than_they_run(view):
    view.blocks = list(view.blocks)[::-1]
    with pytest.raises(GateError, match="once each and in order"):
        check_gate(view)


def test_a_layer_that_is_read_after_a_change(view):
    """A hook that came before ours and adds something: the plain pass does not have it."""
    captured = view.residuals_into

    def shifted(inputs, buffer, weights, layers):
        captured(inputs, buffer, weights, layers)
        buffer[:, 1] += 1

    view.residuals_into = shifted
    with pytest.raises(GateError, match="untouched forward pass at layer 1"):
        check_gate(view)


def test_an_image_that_does_not_arrive(view):
    torch.nn.init.zeros_(view.model.model.multi_modal_projector.linear_2.weight)
    with pytest.raises(GateError, match="the image does not reach it"):
        check_gate(view)


def test_a_model_without_readable_blocks(view, monkeypatch):
    monkeypatch.setattr(view.model, "get_decoder", lambda: torch.nn.Linear(2, 2))
    with pytest.raises(GateError, match="cannot be read"):
        VLM(model=view.model, processor=view.processor, name="random", revision="none")


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (torch.nn.LayerNorm(16), "layer"),
        (torch.nn.RMSNorm(16, eps=1e-5), "rms"),
        (torch.nn.RMSNorm(16), "rms"),  # its eps is None
    ],
)
def test_norms_are_recognised_by_what_they_compute(module, kind):
    torch.nn.init.uniform_(module.weight, 0.5, 2)
    found = detach_unembedding(module, torch.nn.Linear(16, 8), scale=1.0, soft_cap=None)
    assert found.norm.kind == kind
    trial = torch.randn(3, 16)
    torch.testing.assert_close(found.norm(trial), module(trial).detach())


def test_gemmas_norm_is_recognised():
    from transformers.models.gemma.modeling_gemma import GemmaRMSNorm

    module = GemmaRMSNorm(16)
    torch.nn.init.uniform_(module.weight, 0.5, 2)
    found = detach_unembedding(module, torch.nn.Linear(16, 8), scale=1.0, soft_cap=None)
    assert found.norm.kind == "rms_plus_one"


def test_an_unknown_norm_is_refused():
    with pytest.raises(GateError, match="is none of rms, rms_plus_one, layer"):
        detach_unembedding(torch.nn.Sigmoid(), torch.nn.Linear(16, 8), scale=1.0, soft_cap=None)


def test_a_last_hidden_state_that_is_asked_for_raw(view):
    view.model.config.text_config.tie_last_hidden_states = False
    check_gate(view)


def test_the_quick_gate_runs_one_item_twice(view, monkeypatch):
    passes = []
    inner = view.model.base_model.forward
    monkeypatch.setattr(
        view.model.base_model, "forward", lambda *a, **k: passes.append(1) or inner(*a, **k)
    )
    check_gate(view, "quick")
    assert len(passes) == 2
    passes.clear()
    check_gate(view)
    assert len(passes) == 7


def test_the_quick_gate_still_finds_a_norm_applied_twice(view):
    view.unembedding = with_norm(view.unembedding, NormTwice)
    with pytest.raises(GateError, match="final norm of the raw last residual"):
        check_gate(view, "quick")


def test_two_begin_tokens_are_found(view, monkeypatch):
    inner = view.processed

    def twice(images, questions):
        inputs = inner(images, questions)
        for name, first in (("input_ids", view.tokenizer.bos_token_id), ("attention_mask", 1)):
            ids = inputs[name]
            inputs[name] = torch.cat([torch.full_like(ids[:, :1], first), ids], dim=1)
        return inputs

    monkeypatch.setattr(view, "processed", twice)
    with pytest.raises(GateError, match=r"two begin tokens \('<s>'\)"):
        check_gate(view)
