"""Which passes are run together, and that it makes no difference to what is read of them."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from probes import VLM, load_vlm
from probes.positions import AnswerPosition, ImageMean
from probes.residuals.passes import batches_by_length
from probes.residuals.shards import CaptureJob, capture_shards
from probes.vlm import VLM as View

TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2}
"""Largest difference allowed, as a share of a layer's largest value: what other batches round."""
SIZES = {"small": (10, 20), "wide": (40, 10), "large": (30, 30)}


@given(
    st.lists(st.tuples(st.sampled_from([*SIZES]), st.integers(0, 30)), min_size=1, max_size=30),
    st.integers(1, 8),
    st.data(),
)
def test_a_shard_is_batched_by_length(shapes, batch_size, data):
    passes = [(str(number), key, "x" * n) for number, (key, n) in enumerate(shapes)]
    start = data.draw(st.integers(0, len(passes) - 1))
    shard = range(start, data.draw(st.integers(start + 1, len(passes))))
    batches = batches_by_length(passes, shard, batch_size, SIZES.__getitem__)
    flat = [number for batch in batches for number in batch]
    assert sorted(flat) == list(shard), "every pass once"
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= batch_size

    def length(number):
        _, key, question = passes[number]
        return SIZES[key][0] * SIZES[key][1], len(question)

    assert [length(number) for number in flat] == sorted(length(number) for number in shard)
    assert batches == batches_by_length(passes, shard, batch_size, SIZES.__getitem__)
    others = [*passes[:start], *passes[start:]]
    others[: shard.start] = [("other", "large", "y" * 50)] * shard.start
    assert batches == batches_by_length(others, shard, batch_size, SIZES.__getitem__), (
        "only the shard's own passes count"
    )


def test_without_sizes_the_question_decides():
    passes = [("a", "large", "long question"), ("b", "small", "short"), ("c", "large", "short")]
    assert batches_by_length(passes, range(3), 2) == [[1, 2], [0]]
    assert batches_by_length(passes, range(3), 2, SIZES.__getitem__) == [[1, 2], [0]]
    assert batches_by_length(passes, range(3), 3, SIZES.__getitem__) == [[1, 2, 0]]


class PaddedOnTheRight(View):
    """The control: as if positions were read without regard to padding."""

    def prepare(self, images, questions):
        inputs = super().prepare(images, questions)
        for row, mask in enumerate(inputs["attention_mask"].bool()):
            for name in ("input_ids", "attention_mask"):
                whole = inputs[name][row].clone()
                n_padded = int((~mask).sum())
                inputs[name][row] = torch.cat([whole[n_padded:], whole[:n_padded]])
        return inputs


@pytest.fixture(scope="module", params=[*TOLERANCE])
def view(request, model_folder) -> VLM:
    return load_vlm(model_folder, dtype=request.param)


@pytest.fixture(scope="module")
def as_captured(images, questions) -> Callable[..., Tensor]:
    """Residuals of the seven items as one shard, in some order and batch size, item by item."""

    def capture(vlm: VLM, order: list[int], batch_size: int, position=None) -> Tensor:
        passes = [(f"item-{item}", str(item), questions[item]) for item in order]
        job = CaptureJob(
            passes=passes,
            open_image=lambda key: images[int(key)],
            batch_size=batch_size,
            position=position or AnswerPosition(),
        )
        (residuals,) = capture_shards(vlm, job, [range(len(passes))])
        return residuals[torch.tensor(order).argsort()]

    return capture


def worst_share(found: Tensor, wanted: Tensor) -> float:
    """Largest difference as a share of the largest value of its layer."""
    size = wanted.float().abs().amax(dim=(0, 2))
    return float(((found.float() - wanted.float()).abs().amax(dim=(0, 2)) / size).max())


@settings(max_examples=12)
@given(order=st.permutations(range(7)), batch_size=st.integers(1, 7), data=st.data())
def test_an_item_is_the_same_alone_and_in_any_batch(view, as_captured, order, batch_size, data):
    position = data.draw(st.sampled_from([AnswerPosition(), ImageMean()]))
    alone = as_captured(view, list(range(7)), 1, position)
    together = as_captured(view, order, batch_size, position)
    allowed = TOLERANCE[str(view.dtype).removeprefix("torch.")]
    assert worst_share(together, alone) < allowed


def test_a_view_that_reads_padding_is_noticed(view, as_captured):
    """The control that must fail: with padding on the right, -1 is no answer position."""
    faulty = PaddedOnTheRight(
        model=view.model, processor=view.processor, name=view.name, revision=view.revision
    )
    allowed = TOLERANCE[str(view.dtype).removeprefix("torch.")]
    alone = as_captured(faulty, list(range(7)), 1)
    assert worst_share(alone, as_captured(view, list(range(7)), 1)) < allowed, "nothing is padded"
    assert worst_share(as_captured(faulty, list(range(7)), 7), alone) > 4 * allowed


def test_batches_by_length_pad_less(view, images):
    """What it is for: tokens run through the model, against batches in the order of the passes."""
    texts = ["What color is it?" + " again" * (13 * item % 24) for item in range(24)]
    passes = [(str(item), str(item % 7), text) for item, text in enumerate(texts)]

    def n_tokens(batches):
        return sum(
            view.prepare([images[0]] * len(b), [passes[i][2] for i in b])["input_ids"].numel()
            for b in batches
        )

    in_order = [list(range(start, start + 4)) for start in range(0, 24, 4)]
    assert n_tokens(batches_by_length(passes, range(24), 4)) < 0.8 * n_tokens(in_order)
