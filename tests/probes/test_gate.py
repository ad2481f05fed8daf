"""The gate lets a faithful view pass and names the part of an unfaithful one."""

from dataclasses import replace

import pytest
import torch

from probes.gate import check_gate
from probes.unembedding import FinalNorm, GateError, detach_unembedding
from probes.vlm import VLM


@pytest.fixture
def view(build_model, build_processor) -> VLM:
    return VLM(model=build_model(), processor=build_processor(), name="random", revision="none")


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


def test_another_head(view):
    view.unembedding = replace(view.unembedding, head=view.unembedding.head.flip(0))
    with pytest.raises(GateError, match="head, logit scale or soft cap differ"):
        check_gate(view)


def test_a_head_untied_after_loading(build_model, build_processor):
    model = build_model(tied=True)
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight + 0.01)
    view = VLM(model=model, processor=build_processor(), name="random", revision="none")
    with pytest.raises(GateError, match=r"not tied to the embeddings at row \d"):
        check_gate(view)


@pytest.mark.parametrize(("value", "name"), [(torch.nan, "NaN"), (torch.inf, "infinite")])
def test_rows_of_the_head_that_are_not_finite(build_model, build_processor, value, name):
    model = build_model(tied=True)
    view = VLM(model=model, processor=build_processor(), name="random", revision="none")
    n_rows, n_tokens = len(view.unembedding.head), len(view.tokenizer)
    with torch.no_grad():
        view.unembedding.head[-2:, 3] = value
    with pytest.raises(GateError) as refused:
        check_gate(view)
    message = str(refused.value)
    assert message.startswith(f"row {n_rows - 2} of the head is not finite ({name}), nor are 1 ")
    assert (f"the tokenizer ends at {n_tokens - 1}" in message) == (n_rows - 2 >= n_tokens)
    assert "save the model again" in message
    assert "layer" not in message


def test_sums_of_half_precision_do_not_overflow(view):
    """The control: large numbers are no reason to refuse."""
    head = torch.full_like(view.unembedding.head, 6e4, dtype=torch.float16)
    view.unembedding = replace(view.unembedding, head=head)
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
    [(torch.nn.LayerNorm(16), "layer"), (torch.nn.RMSNorm(16, eps=1e-5), "rms")],
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
