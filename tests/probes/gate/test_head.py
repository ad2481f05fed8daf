"""The head: another one, untied, with rows that are not finite, and compared in pieces."""

from dataclasses import replace

import pytest
import torch

from probes.gate import check_gate, head
from probes.unembedding import GateError
from probes.vlm import VLM


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
