"""A lens that was published for the decoder alone, with a head of fewer rows than the model's."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from data_prep.errors import UserError
from probes import TunedLens
from probes.published_head import candidate_rows, head_hash
from tests.probes.test_tuned_lens import any_lens


def with_head(vlm, head):
    """The same model with another head."""
    changed = copy.copy(vlm)
    changed.unembedding = replace(vlm.unembedding, head=head, bias=None)
    return changed


def padded(vlm, n_rows, more):
    """The first rows of the head, and `more` beneath them, as an image token and padding are."""
    generator = torch.Generator().manual_seed(7)
    rows = torch.randn(more, vlm.d_model, generator=generator)
    return with_head(vlm, torch.cat([vlm.unembedding.head[:n_rows], rows]))


@pytest.fixture
def published(vlm, tmp_path):
    """Writes a lens that was made for a head, and gives its folder."""

    def write(head):
        lens = any_lens(vlm)
        unembedding = replace(vlm.unembedding, head=head, bias=None)
        replace(lens, unembedding=unembedding, model="lm/decoder").to_tuned_lens_format(tmp_path)
        return tmp_path

    return write


@pytest.mark.parametrize("of", ["vocabulary", "tokenizer", "round"])
def test_a_lens_of_the_decoder_loads_where_the_head_is_longer(vlm, published, residuals, of):
    n_rows = {
        "vocabulary": vlm.tokenizer.vocab_size,
        "tokenizer": len(vlm.tokenizer),
        "round": vlm.unembedding.n_vocab // 64 * 64,
    }[of]
    wider = padded(vlm, n_rows, 96)
    lens = TunedLens.from_tuned_lens_format(published(vlm.unembedding.head[:n_rows]), wider)
    assert torch.equal(lens.translate(residuals), any_lens(vlm).translate(residuals))
    (note,) = lens.notes
    assert note == (
        f"tuned lens of lm/decoder, whose head is the first {n_rows:,} of {n_rows + 96:,} rows of "
        "the model's head"
    )


def test_a_lens_of_the_whole_head_has_no_note(vlm, published):
    folder = published(vlm.unembedding.head)
    assert TunedLens.from_tuned_lens_format(folder, vlm).notes == ()


@pytest.mark.parametrize("row", [0, 2, -3, -1])
def test_a_changed_row_is_refused_in_one_line_unless_allowed(vlm, published, row):
    n_rows = vlm.tokenizer.vocab_size
    head = vlm.unembedding.head[:n_rows].clone()
    head[row] += 1
    folder, wider = published(head), padded(vlm, n_rows, 96)
    with pytest.raises(UserError) as caught:
        TunedLens.from_tuned_lens_format(folder, wider)
    message = str(caught.value)
    assert "\n" not in message
    assert f"(lm/decoder, head hash {head_hash(head)}; " in message
    assert f"{vlm.name} has {head_hash(wider.unembedding.head)} over its " in message
    assert message.endswith("or read it all the same with --allow-other-head")
    lens = TunedLens.from_tuned_lens_format(folder, wider, allow_other_head=True)
    (note,) = lens.notes
    assert note.startswith("tuned lens of another model (lm/decoder, head hash ")
    assert note.endswith("read all the same")


def test_another_width_is_refused_whatever_is_allowed(vlm, published):
    folder = published(vlm.unembedding.head)
    wider = with_head(vlm, torch.zeros(64, vlm.d_model + 1))
    with pytest.raises(UserError, match=f"width {vlm.d_model}; .* has {vlm.d_model + 1}"):
        TunedLens.from_tuned_lens_format(folder, wider, allow_other_head=True)


def test_rows_that_are_tried_are_few_and_begin_with_all(vlm):
    wider = with_head(vlm, torch.zeros(32_064, 4))
    tried = list(candidate_rows(wider))
    assert tried[0] == 32_064
    assert {32_000, vlm.tokenizer.vocab_size, len(vlm.tokenizer)} <= set(tried)
    assert len(tried) == len(set(tried)) <= 20
    assert max(tried) == 32_064


def test_the_head_hash_is_the_packages():
    # From tuned-lens 0.2.0: tensor_hash(torch.arange(12.0).view(4, 3).numpy() / 8)
    wanted = "383474841b6241f80af3f172558eaee249b8351ea704833211349239daf8f583"
    assert head_hash(torch.arange(12.0).view(4, 3) / 8) == wanted


@pytest.mark.parametrize("shape", [(1002, 1), (1003, 1), (2000, 8), (5, 300)])
def test_few_rows_print_like_all(shape, monkeypatch):
    head = torch.randn(*shape, generator=torch.Generator().manual_seed(0)) / 100
    seen = head_hash(head)
    monkeypatch.setattr("probes.published_head._ends", lambda head: head)
    assert head_hash(head) == seen
    assert np.array_str(head.numpy()).count("...") > 0 or head.numel() <= 1000
