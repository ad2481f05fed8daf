"""Automatic batch sizes: a rule on CPUs, a trial elsewhere; running out of memory ends no run."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes import load_vlm
from probes.residuals.batch_size import (
    Trial,
    automatic_batch_size,
    batch_size_by_rule,
    batch_size_by_trial,
    batch_size_of,
    batch_size_on_device,
)
from probes.residuals.capture import store_spec
from probes.residuals.shards import CaptureJob
from probes.residuals.store import ResidualStore

RATES = {1: 10.0, 2: 19.0, 4: 30.0, 8: 31.0, 16: 60.0}


def run_by(rates, *, memory=lambda size: size / 100):
    """A trial of made-up timings; sizes without one do not fit."""
    tried = []

    def run(size):
        tried.append(size)
        if size not in rates:
            return None
        return Trial(items_per_s=rates[size], memory_share=memory(size))

    return run, tried


@pytest.mark.parametrize(
    ("how", "most", "chosen", "tried"),
    [
        ({}, 512, 4, [1, 2, 4, 8]),  # 8 gains 3% only, so 16 is not seen
        ({}, 3, 2, [1, 2]),
        ({"memory": lambda size: size / 4.9}, 512, 2, [1, 2, 4]),
        ({"memory": lambda size: 0.8}, 512, 1, [1]),
    ],
)
def test_doubling_stops(how, most, chosen, tried):
    run, seen = run_by(RATES, **how)
    assert batch_size_by_trial(run, most=most) == chosen
    assert seen == tried


def test_what_does_not_fit_ends_the_doubling():
    run, seen = run_by({1: 1.0, 2: 2.0, 4: 4.0})
    assert (batch_size_by_trial(run, most=64), seen) == (4, [1, 2, 4, 8])
    run, seen = run_by({})
    assert (batch_size_by_trial(run, most=64), seen) == (1, [1])


@given(st.lists(st.floats(0.5, 100), min_size=10, max_size=10), st.integers(1, 600))
def test_each_step_was_worth_it(rates, most):
    run, seen = run_by({2**k: rate for k, rate in enumerate(rates)}, memory=lambda size: 0.0)
    chosen = batch_size_by_trial(run, most=most)
    steps = [rates[k] for k in range(chosen.bit_length())]
    assert chosen <= most
    assert all(after > 1.05 * before for before, after in pairwise(steps))
    assert set(seen) <= {2**k for k in range(10)}


def test_the_rule_looks_at_the_model_alone(vlm, images):
    assert [batch_size_by_rule(n) for n in (6_000_000, 10**9, 7 * 10**9)] == [32, 32, 4]
    job = CaptureJob(passes=[], open_image=lambda _: images[0], batch_size=1)
    assert automatic_batch_size(vlm, job, range(3)) == 32


@pytest.fixture
def crowded(model_folder, monkeypatch):
    """A view on a device on which 3 items fit, and no more."""
    view = load_vlm(model_folder)
    inner, sizes = view.model.base_model.forward, []

    def forward(*args, **inputs):
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20.00 MiB.")
        return inner(*args, **inputs)

    monkeypatch.setattr(view.model.base_model, "forward", forward)
    return view, sizes


def test_out_of_memory_is_one_line(crowded, images, questions):
    view, _ = crowded
    with pytest.raises(UserError, match="7 items at once: take a smaller --batch-size") as caught:
        view.capture(images, questions)
    assert "\n" not in str(caught.value)
    assert not any(module._forward_pre_hooks for module in [*view.blocks, view.norm])


def test_a_trial_that_runs_out_of_memory_goes_on_with_less(crowded, images, questions):
    view, sizes = crowded
    passes = [(str(item), str(item), questions[item]) for item in range(7)]
    job = CaptureJob(passes=passes, open_image=lambda key: images[int(key)], batch_size=1)
    assert batch_size_on_device(view, job, range(7)) in (1, 2)
    assert max(sizes) <= 4


def test_a_store_keeps_the_size_it_was_begun_with(vlm, tmp_path):
    def automatic():
        return 16

    assert batch_size_of("auto", tmp_path / "r", automatic) == 16
    assert batch_size_of(3, tmp_path / "r", automatic) == 3
    passes = [("item", "0", "What?")]
    spec = store_spec(vlm, passes, study_hash="s", batch_size=8)
    ResidualStore.open_or_create(tmp_path / "r", spec, ["item"])
    assert batch_size_of("auto", tmp_path / "r", automatic) == 8
    assert batch_size_of(8, tmp_path / "r", automatic) == 8
    with pytest.raises(UserError, match=r"begun with --batch-size 8, got 3, .*leave --batch-size"):
        batch_size_of(3, tmp_path / "r", automatic)
