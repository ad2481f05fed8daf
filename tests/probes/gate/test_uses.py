"""Every way in which the output map is used later is compared, and named where it differs."""

from dataclasses import replace

import pytest
import torch

from probes.gate import check_gate, uses
from probes.translators.affine import Translators
from probes.tuned_lens import TunedLens
from probes.unembedding import GateError, Unembedding
from probes.vlm import VLM
from probes.vocabulary import Projection, slices


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
