"""Lens work on another device than the residuals': the same numbers, and products made there."""

from dataclasses import replace

import pytest
import torch

from data_prep.errors import UserError
from probes.answers.scores import answer_log_probs
from probes.answers.tree import ANSWER_NODE, one_token_tree
from probes.answers.words import word_log_probs
from probes.devices import working_device
from probes.lens_quality import lens_quality
from probes.lens_trajectory import lens_trajectory
from probes.logit_lens import lens_summaries
from probes.translators import Recipe, train_tuned_lens
from probes.translators.cross_fit import cross_fitted_lens
from probes.tuned_lens import TunedLens
from tests.probes.far_device import FAR, Far, far_device
from tests.probes.translators.planted import planted

ROWS, UNEMBEDDING = planted(n_rows=60, n_vocab=300, d_model=16, n_layers=2)
SIDES = ROWS.select(range(40)), ROWS.select(range(40, 60))
RESIDUALS = ROWS.take(torch.arange(60))
AT_PLACE = RESIDUALS[:, None]
TREES = [one_token_tree({"yes": [4, 5], "no": [6]})] * 60
QUICK = Recipe(steps=4, evaluate_every=2)


def trained(unembedding, **changes):
    return train_tuned_lens(*SIDES, unembedding, recipe=replace(QUICK, **changes)).translators.maps


def translated(unembedding, tmp_path):
    lens = cross_fitted_lens(ROWS, UNEMBEDDING, tmp_path, recipe=replace(QUICK, steps=0), seed=0)
    found = lens.on(unembedding.device).translate(RESIDUALS, list(ROWS.scene_ids))
    return lens_summaries(found, unembedding).entropy_bits


def by_lens(unembedding):
    maps = trained(UNEMBEDDING, steps=0)
    lens = TunedLens(
        unembedding=UNEMBEDDING, model="m", revision="r",
        translators=train_tuned_lens(*SIDES, UNEMBEDDING, recipe=QUICK).translators,
    ).on(unembedding.device)  # fmt: skip
    assert maps.shape == lens.translators.maps.shape
    return lens(RESIDUALS[:, 1], 1).cpu(), lens.translate(RESIDUALS).cpu()


def quality(unembedding):
    translators = train_tuned_lens(*SIDES, UNEMBEDDING, recipe=QUICK).translators
    found = lens_quality(ROWS, translators, unembedding, [(3, 4)] * 60)
    return found.kl_bits, found.cross_entropy_bits, found.top_token, found.bias_bits


WORK = {
    "summaries": lambda at, _: lens_summaries(RESIDUALS, at, k=3).kl_to_final_bits,
    "trajectory": lambda at, _: lens_trajectory(RESIDUALS, at, k=3).jsd_final_bits,
    "answers": lambda at, _: answer_log_probs(AT_PLACE, at, TREES, [ANSWER_NODE]),
    "words": lambda at, _: word_log_probs(AT_PLACE, at, TREES, [ANSWER_NODE]),
    "training": lambda at, _: trained(at),
    "sampled training": lambda at, _: trained(at, sampled_tokens=60),
    "quality": lambda at, _: quality(at),
    "cross-fitted": translated,
    "tuned lens": lambda at, _: by_lens(at),
}


@pytest.mark.parametrize("work", WORK)
def test_on_another_device_the_same_is_found_there(work, tmp_path):
    wanted = WORK[work](UNEMBEDDING, tmp_path)
    with far_device() as here:
        far = UNEMBEDDING.on(FAR)
        assert far.device == FAR
        assert isinstance(far.head, Far)
        before = here.far_products
        found = WORK[work](far, tmp_path)
        assert here.far_products > before
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("work", ["summaries", "trajectory", "training", "sampled training"])
def test_nothing_is_multiplied_elsewhere(work, tmp_path):
    with far_device() as here:
        WORK[work](UNEMBEDDING.on(FAR), tmp_path)
        assert not here.near_products


def test_the_far_device_refuses_what_was_not_moved():
    """The control: without a move in the code these tests would fail."""
    with far_device():
        far = UNEMBEDDING.on(FAR)
        with pytest.raises(RuntimeError, match="mixes devices"):
            torch.mm(RESIDUALS[0], far.head.T)


def test_devices_are_asked_for_by_name():
    assert working_device("cpu") == torch.device("cpu")
    assert working_device("auto").type in ("cpu", "cuda")
    for name in ("meta", "gpu", "cuda:nine"):
        with pytest.raises(UserError, match="cannot be used here"):
            working_device(name)
