"""Capture to a store where a forward pass gives several rows, or one that is not the answer's."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data_prep.errors import UserError
from probes.positions import AnswerPosition, ImageMean, Position, SampledTokens
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.passes import row_ids_of
from probes.residuals.store import ResidualStore

SAMPLE = SampledTokens(kind="text", per_pass=3, seed=0)
N_PASSES = 10


@pytest.fixture
def passes(questions):
    return [(f"item-{i}", str(i % 7), questions[i % 5]) for i in range(N_PASSES)]


@pytest.fixture
def open_image(images):
    return lambda key: images[int(key)]


def new_store(vlm, passes, folder, position: Position = SAMPLE):
    spec = store_spec(
        vlm, passes, study_hash="study", position=position, shard_size=4, batch_size=3
    )
    return ResidualStore.open_or_create(folder, spec, row_ids_of(passes, position))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rows_are_numbered_within_their_pass(passes):
    ids = row_ids_of(passes, SAMPLE)
    assert ids[:4] == ["item-0#0", "item-0#1", "item-0#2", "item-1#0"]
    assert len(set(ids)) == 3 * N_PASSES
    for single in (AnswerPosition(), ImageMean(), replace(SAMPLE, per_pass=1)):
        assert row_ids_of(passes, single) == [pass_id for pass_id, _, _ in passes]


@pytest.mark.parametrize("position", [SAMPLE, ImageMean()], ids=lambda each: each.name)
def test_the_store_holds_what_capture_gives(vlm, passes, open_image, tmp_path, position):
    done = []
    store = new_store(vlm, passes, tmp_path / "r", position)
    capture_to_store(vlm, passes, open_image, store, position=position, progress=done.append)
    wanted = vlm.capture(
        [open_image(key) for _, key, _ in passes],
        [text for _, _, text in passes],
        position=position,
        pass_ids=[pass_id for pass_id, _, _ in passes],
    )
    torch.testing.assert_close(store.read(), wanted, rtol=1e-4, atol=1e-4)
    assert store.row_ids == tuple(row_ids_of(passes, position))
    assert store.spec.position == position.name
    assert sum(done) == N_PASSES, "progress counts passes, not rows"


def test_a_shard_holds_whole_passes(vlm, passes, tmp_path):
    store = new_store(vlm, passes, tmp_path / "r")
    assert [store.rows_of(shard) for shard in range(store.spec.n_shards)] == [
        range(0, 12), range(12, 24), range(24, 30),
    ]  # fmt: skip
    assert [list(store.passes_of(shard)) for shard in range(store.spec.n_shards)] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9],
    ]  # fmt: skip
    torn = replace(store.spec, shard_size=10)
    with pytest.raises(UserError, match="a shard hold whole passes of 3 rows, got 10"):
        ResidualStore.open_or_create(tmp_path / "torn", torn, store.row_ids)


@pytest.mark.parametrize("stop", [1, 5, 9])
def test_resumed_it_is_the_same_to_the_byte(vlm, passes, open_image, tmp_path, stop):
    capture_to_store(
        vlm, passes, open_image, new_store(vlm, passes, tmp_path / "calm"), position=SAMPLE
    )
    opened = 0

    def failing(key):
        nonlocal opened
        opened += 1
        if opened == stop:
            raise KeyboardInterrupt
        return open_image(key)

    with pytest.raises(KeyboardInterrupt):
        capture_to_store(
            vlm, passes, failing, new_store(vlm, passes, tmp_path / "r"), position=SAMPLE
        )
    again = new_store(vlm, passes, tmp_path / "r")
    missing = sum(len(again.passes_of(shard)) for shard in again.missing_shards())
    assert missing
    done = []
    capture_to_store(vlm, passes, open_image, again, position=SAMPLE, progress=done.append)
    assert sum(done) == missing
    assert contents(tmp_path / "r") == contents(tmp_path / "calm")


def test_another_position_is_refused(vlm, passes, open_image, tmp_path):
    store = new_store(vlm, passes, tmp_path / "r")
    for other, what in (
        (replace(SAMPLE, seed=1), "position .3 text tokens, seed 0, now 3 text tokens, seed 1"),
        (replace(SAMPLE, kind="image"), "position"),
        (replace(SAMPLE, per_pass=2), "n_rows"),
        (AnswerPosition(), "n_rows"),
    ):
        with pytest.raises(UserError, match=f"captured with another {what}") as caught:
            capture_to_store(vlm, passes, open_image, store, position=other)
        assert "\n" not in str(caught.value)
        with pytest.raises(UserError, match=f"captured with another {what}"):
            new_store(vlm, passes, tmp_path / "r", other)
    # As many rows, of the same names.
    answers = new_store(vlm, passes, tmp_path / "answers", AnswerPosition())
    with pytest.raises(UserError, match=r"another position \(answer, now image\)"):
        capture_to_store(vlm, passes, open_image, answers, position=ImageMean())
    assert answers.missing_shards() == list(range(answers.spec.n_shards))


def test_not_a_number_is_named_by_its_pass(vlm, passes, open_image, tmp_path, monkeypatch):
    inner = vlm.residuals_into

    def poisoned(inputs, buffer, *how):
        inner(inputs, buffer, *how)
        buffer[-1, 2, 5] = float("inf")

    monkeypatch.setattr(vlm, "residuals_into", poisoned)
    with pytest.raises(UserError, match="got inf for item item-1 at layer 2"):
        capture_to_store(
            vlm, passes, open_image, new_store(vlm, passes, tmp_path / "r"), position=SAMPLE
        )
