"""Residuals of another tool: taken where they are right, and told what is wrong where not."""

import json

import pytest
import torch
from safetensors.torch import save_file

from data_prep.errors import UserError
from probes.gate.foreign import checked_foreign
from probes.gate.foreign_file import ForeignResiduals, read_foreign


@pytest.fixture(scope="module")
def states(vlm, images, questions):
    return vlm.capture(images, questions)


@pytest.fixture(scope="module")
def logits(vlm, images, questions):
    return vlm.answer_logits(images, questions)


def findings(vlm, states, logits):
    logits = logits if logits.ndim == 3 else logits[:, None]
    given = ForeignResiduals(residuals=states, logits=logits)
    return list(checked_foreign(vlm, given))


def fault(vlm, states, logits) -> str:
    """What is wrong with the last state; the other checks are of the number of states."""
    last = findings(vlm, states, logits)[0]
    assert not last.passed
    return last.fault


def normed_last(vlm, states):
    return torch.cat([states[:, :-1], vlm.norm(states[:, -1:])], dim=1)


def test_our_own_residuals_pass(vlm, states, logits):
    assert all(check.passed for check in findings(vlm, states, logits))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_format_with_fewer_digits_is_no_fault(vlm, states, logits, dtype):
    assert all(check.passed for check in findings(vlm, states.to(dtype), logits.to(dtype)))


def test_the_hidden_states_of_the_library_are_normed(vlm, images, questions):
    """What most scripts do: the tuple that transformers returns, stacked."""
    inputs = vlm.prepare(images[:1], questions[:1])
    with torch.no_grad():
        output = vlm.model(**inputs, output_hidden_states=True)
    states = torch.stack([state[:, -1] for state in output.hidden_states], dim=1)
    found = findings(vlm, states, output.logits)
    assert found[0].fault.startswith("the last state is normed already: a lens that norms it again")
    assert (found[0].difference or 0) > 0.01
    assert [check.passed for check in found[1:]] == [True, True]


def test_a_state_too_many(vlm, states, logits):
    both = torch.cat([states, vlm.norm(states[:, -1:])], dim=1)
    found = findings(vlm, both, logits)
    assert "normed already" in found[0].fault
    assert "got 5: one is too many: often the normed last one" in found[1].fault
    twice = torch.cat([states, states[:, :1]], dim=1)
    assert "state 3, raw, gives the logits, and not the last one, 4" in fault(vlm, twice, logits)


def test_a_state_that_stands_twice(vlm, states, logits):
    found = findings(vlm, torch.cat([states, states[:, -1:]], dim=1), logits)
    assert [check.passed for check in found] == [True, False, False]
    assert found[2].fault == "states 3 and 4 are the same: one layer stands twice"


def test_a_state_too_few(vlm, states, logits):
    found = findings(vlm, states[:, 1:], logits)
    assert [check.passed for check in found] == [True, False, True]
    assert "it is the embeddings" in found[1].fault
    assert "the last block is missing" in fault(vlm, states[:, :-1], logits)


def test_items_in_another_order(vlm, states, logits):
    order = [3, 1, 2, 0, 4, 5, 6]
    said = fault(vlm, states[order], logits)
    assert said.startswith("the items are in another order: the last state of item 0, raw, gives")
    assert "the logits of item 3" in said


def test_another_position(vlm, images, questions):
    inputs = vlm.prepare(images[:1], questions[:1])
    with torch.no_grad():
        own = vlm.model(**inputs).logits
    n_tokens = own.shape[1]
    there = torch.zeros(1, 1, n_tokens)
    there[0, 0, -3] = 1
    buffer = vlm.new_buffer(1)
    vlm.residuals_into(inputs, buffer, there)
    said = fault(vlm, buffer, own)
    assert f"the logits of token {n_tokens - 3}, 2 before the answer position" in said
    assert "of another position or of other weights" in fault(vlm, buffer, own[:, -1])
    assert "has the size of a normed one" in fault(vlm, normed_last(vlm, buffer), own[:, -1])


def test_logits_that_are_not_the_models(vlm, states, logits):
    assert "by a constant for each item" in fault(vlm, states, logits.log_softmax(-1))


def test_a_cap_that_was_left_out(loaded_capped):
    vlm, states, logits = loaded_capped
    assert all(check.passed for check in findings(vlm, states, logits))
    cap = vlm.unembedding.soft_cap
    before = cap * torch.atanh(logits / cap)
    assert "before the model's logit scale or soft cap" in fault(vlm, states, before)


@pytest.fixture
def loaded_capped(vlm, states, monkeypatch):
    """The model as if its family capped: logits are then those of its output map."""
    from dataclasses import replace

    monkeypatch.setattr(vlm, "unembedding", replace(vlm.unembedding, soft_cap=20.0))
    return vlm, states, vlm.unembed(states[:, -1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("logits"), "has no tensor 'logits': give a safetensors file with"),
        (lambda t: t.update(residuals=t["residuals"][0]), "have the shape (4, 48) in float32"),
        (lambda t: t.update(residuals=t["residuals"].int()), "in int32"),
        (lambda t: t.update(residuals=t["residuals"][:2]), "residuals of 2 items and logits of 7"),
        (lambda t: t.update(residuals=t["residuals"][..., :5].clone()), "residuals of width 5"),
        (lambda t: t["residuals"].mul_(torch.nan), "must be finite"),
    ],
)
def test_a_file_that_cannot_be_used(vlm, states, logits, tmp_path, change, said):
    tensors = {"residuals": states.clone(), "logits": logits.clone()}
    change(tensors)
    file = tmp_path / "states.safetensors"
    save_file({name: each.contiguous() for name, each in tensors.items()}, file)
    with pytest.raises(UserError) as refused:
        read_foreign(file, vlm)
    assert said in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, json.dumps({}).encode()])
def test_a_file_that_is_none(vlm, tmp_path, content):
    (tmp_path / "it").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read .*: give a safetensors file"):
        read_foreign(tmp_path / "it", vlm)
