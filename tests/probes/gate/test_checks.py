"""The gate lets a faithful view pass and names the part of an unfaithful one."""

from dataclasses import replace

import pytest
import torch

from data_prep.errors import UserError
from probes.gate import check_gate, head, uses
from probes.translators.affine import Translators
from probes.tuned_lens import TunedLens
from probes.unembedding import FinalNorm, GateError, Unembedding, detach_unembedding
from probes.vlm import VLM
from probes.vocabulary import Projection, slices


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
    rows = f"rows {n_rows - 2} to {n_rows - 1} of the head are not finite ({name})"
    assert message.startswith(rows)
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


def breaking(way):
    """A fault of one way of making logits alone."""
    inner = Projection._finished

    def finished(self, logits, tokens):
        return inner(self, logits, tokens).mul_(0.5 if self._way == way else 1)

    return finished


@pytest.mark.parametrize(
    ("way", "what"),
    [
        ("buffered", "kept in buffers"),
        ("widened", "through a head widened once"),
        ("bfloat16", "with products in bfloat16"),
    ],
)
def test_a_way_of_making_logits_that_differs_is_named(view, monkeypatch, way, what):
    monkeypatch.setattr(Projection, "_finished", breaking(way))
    with pytest.raises(GateError, match=f"the lens at the last layer, {what}, differs"):
        check_gate(view)


def test_chunks_that_are_misplaced(view, monkeypatch):
    monkeypatch.setattr(uses, "_CHUNK", 7)
    monkeypatch.setattr(
        "probes.vocabulary.streaming.slices", lambda n, chunk: slices(n, chunk)[::-1]
    )
    with pytest.raises(GateError, match="the lens at the last layer, taken in chunks, differs"):
        check_gate(view)


def test_chosen_tokens_that_are_others(view, monkeypatch):
    inner = Unembedding.logits_of_tokens
    monkeypatch.setattr(
        Unembedding, "logits_of_tokens", lambda self, r, ids: inner(self, r, ids.sort().values)
    )
    with pytest.raises(GateError, match="last layer, of chosen tokens, differs"):
        check_gate(view)


def test_translators_that_change_what_they_should_not(view, monkeypatch):
    inner = TunedLens.translated
    monkeypatch.setattr(TunedLens, "translated", lambda self, r, layer: inner(self, r + 1, layer))
    with pytest.raises(GateError, match="a tuned lens that changes nothing, differs"):
        check_gate(view)
    monkeypatch.undo()
    apply = Translators.apply
    monkeypatch.setattr(Translators, "apply", lambda self, r: apply(self, r) + 1)
    with pytest.raises(GateError, match="translators that change nothing, differs"):
        check_gate(view)


@pytest.mark.parametrize("change", [{"scale": 0.5}, {"soft_cap": 1.0}, {"bias": None}])
def test_an_output_map_that_is_not_saved_whole(build_model, build_processor, monkeypatch, change):
    model = build_model()
    if "bias" in change:
        model.lm_head.bias = torch.nn.Parameter(torch.ones(model.lm_head.out_features))
    view = VLM(model=model, processor=build_processor(), name="random", revision="none")
    check_gate(view)
    inner = Unembedding.packed
    monkeypatch.setattr(Unembedding, "packed", lambda self: inner(replace(self, **change)))
    with pytest.raises(GateError, match="the lens at the last layer, saved and loaded, differs"):
        check_gate(view)


def test_more_rows_than_are_checked_at_a_time(view, monkeypatch):
    """The control: parts of a head are put together in their order."""
    monkeypatch.setattr(uses, "CHECKED_ROWS", 11)
    monkeypatch.setattr(uses, "_SAVED_ROWS", 13)
    monkeypatch.setattr(uses, "_CHUNK", 4)
    check_gate(view)


def test_a_last_hidden_state_that_is_asked_for_raw(view):
    view.model.config.text_config.tie_last_hidden_states = False
    check_gate(view)


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


@pytest.fixture
def pieces(monkeypatch):
    """How many rows are compared at a time, of a head of which five fit into one piece."""
    seen, inner = [], head.shares

    def spied(got, wanted, size_of):
        seen.append(got.shape[1])
        return inner(got, wanted, size_of)

    monkeypatch.setattr(head, "shares", spied)
    monkeypatch.setattr(head, "_PIECE_NUMBERS", 5 * 48)
    return seen


def test_a_head_that_is_the_embeddings_is_not_compared(build_model, build_processor, pieces):
    view = VLM(
        model=build_model(tied=True), processor=build_processor(), name="random", revision="none"
    )
    found = head.tied_head(view)
    assert found is not None
    assert (found.passed, found.difference, pieces) == (True, 0.0, [])


@pytest.mark.parametrize("row", [None, 0, 12])
def test_a_head_of_its_own_is_compared_in_pieces(build_model, build_processor, pieces, row):
    """A copy with the same numbers is as good as tied; a single other row is found."""
    model = build_model(tied=True)
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    view = VLM(model=model, processor=build_processor(), name="random", revision="none")
    if row is not None:
        view.unembedding.head[row, 3] += 0.5
    found = head.tied_head(view)
    assert found is not None
    assert found.passed == (row is None)
    if row is None:
        assert pieces == []
    else:
        assert pieces == [5], "only the piece that differs is copied, and no more than it"
        assert f"not tied to the embeddings at row {row}: by " in found.fault


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


def test_a_lack_of_memory_is_no_fault_of_the_model(view, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 99 bytes")

    monkeypatch.setattr(view.model.model, "get_image_features", fails)
    with pytest.raises(UserError, match=r"does not fit on cpu .* --dtype bfloat16") as refused:
        check_gate(view)
    assert not isinstance(refused.value, GateError)
