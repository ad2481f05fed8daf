"""Residuals at an answer tree's nodes in a store: pass by pass, place by place."""

from dataclasses import replace

import pytest
import torch

from data_prep.attributes import Attribute
from data_prep.errors import UserError
from probes.answers.tree import ANSWER_NODE, Node, places_of
from probes.answers.trees import answer_trees
from probes.positions import AnswerPosition, Position
from probes.residuals import rows as rows_module
from probes.residuals.answer_nodes import AnswerNodes
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.passes import row_ids_of
from probes.residuals.rows import StoredRows
from probes.residuals.store import ResidualStore

N_PASSES = 10
# Several tokens each to the small tokenizer, one the beginning of another.
SHAPES = Attribute(
    name="shape",
    answers=("cubic foot", "cubic", "ball"),
    words={"cubic foot": ("cubic foot",), "cubic": ("cubic",), "ball": ("ball",)},
)


@pytest.fixture
def passes(questions):
    return [(f"item-{i}", str(i % 7), questions[i % 5]) for i in range(N_PASSES)]


@pytest.fixture
def open_image(images):
    return lambda key: images[int(key)]


@pytest.fixture
def position(vlm, passes) -> AnswerNodes:
    trees = answer_trees(vlm, SHAPES, [text for *_, text in passes])
    ends = {pass_id: trees.by_question[text].prompt_end for pass_id, _, text in passes}
    return AnswerNodes(nodes=trees.places(), prompt_ends=ends)


def new_store(vlm, passes, folder, position: Position):
    spec = store_spec(
        vlm, passes, study_hash="study", position=position, shard_size=4, batch_size=3
    )
    return ResidualStore.open_or_create(folder, spec, row_ids_of(passes, position))


def captured(vlm, passes, open_image, folder, position):
    store = new_store(vlm, passes, folder, position)
    capture_to_store(vlm, passes, open_image, store, position=position)
    return store


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def wanted(vlm, passes, open_image, position):
    """[pass, place, layer, d_model], in memory."""
    images = [open_image(key) for _, key, _ in passes]
    return vlm.capture_at(images, [text for *_, text in passes], position.nodes, 3)


def test_row_by_row_a_store_holds_the_places_of_each_pass(
    vlm, passes, open_image, position, wanted, tmp_path
):
    assert position.per_pass >= 3
    store = captured(vlm, passes, open_image, tmp_path / "r", position)
    assert store.spec.per_pass == position.per_pass
    assert store.spec.position == position.name
    assert store.row_ids == tuple(
        f"item-{number}#{place}"
        for number in range(N_PASSES)
        for place in range(len(position.nodes))
    )
    torch.testing.assert_close(store.read(), wanted.flatten(0, 1), rtol=1e-4, atol=1e-4)
    # The answer position is the first row of every pass.
    plain = captured(vlm, passes, open_image, tmp_path / "plain", AnswerPosition())
    own = store.read()[:: position.per_pass]
    torch.testing.assert_close(own, plain.read(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("block_bytes", [1, 5000, 2**27])
def test_stored_rows_give_the_places_of_the_passes_they_begin(
    vlm, passes, open_image, position, tmp_path, monkeypatch, block_bytes
):
    monkeypatch.setattr(rows_module, "_BLOCK_BYTES", block_bytes)
    store = captured(vlm, passes, open_image, tmp_path / "r", position)
    every = store.read().unflatten(0, (N_PASSES, -1))
    chosen = torch.tensor([7, 0, 7, 3, 9])
    rows = StoredRows(store=store, rows=chosen * position.per_pass, nodes=position.nodes)
    assert torch.equal(rows.read(), every[chosen, 0])
    assert torch.equal(rows.places().read(), every[chosen].flatten(0, 1))
    assert torch.equal(rows.select([4, 1]).places().read(), every[[9, 0]].flatten(0, 1))
    blocks = list(rows.place_blocks())
    assert torch.equal(torch.cat([block for _, block in blocks]), every[chosen])
    assert all(torch.equal(block, every[chosen[where]]) for where, block in blocks)
    assert (len(blocks) == 1) == (block_bytes == 2**27)


@pytest.mark.parametrize("stop", [1, 5, 9])
def test_resumed_it_is_the_same_to_the_byte(vlm, passes, open_image, position, tmp_path, stop):
    captured(vlm, passes, open_image, tmp_path / "calm", position)
    opened = 0

    def failing(key):
        nonlocal opened
        opened += 1
        if opened == stop:
            raise KeyboardInterrupt
        return open_image(key)

    with pytest.raises(KeyboardInterrupt):
        captured(vlm, passes, failing, tmp_path / "r", position)
    assert new_store(vlm, passes, tmp_path / "r", position).missing_shards()
    captured(vlm, passes, open_image, tmp_path / "r", position)
    assert contents(tmp_path / "r") == contents(tmp_path / "calm")


def test_other_forced_tokens_are_another_position(vlm, passes, open_image, position, tmp_path):
    store = captured(vlm, passes, open_image, tmp_path / "r", position)
    *same, last = position.nodes
    other = replace(position, nodes=(*same, Node(forced=(*last.forced[:-1], 999))))
    assert other.name != position.name
    with pytest.raises(UserError, match="captured with another position") as caught:
        captured(vlm, passes, open_image, tmp_path / "r", other)
    assert "\n" not in str(caught.value)
    assert store.missing_shards() == []
    # Not so other prompts, which other passes have.
    assert replace(position, prompt_ends={}).name == position.name


def test_a_prompt_that_does_not_end_as_its_text_says_is_refused(
    vlm, passes, open_image, position, tmp_path
):
    ends = position.prompt_ends | {"item-5": (123, 124)}
    with pytest.raises(UserError) as caught:
        captured(vlm, passes, open_image, tmp_path / "r", replace(position, prompt_ends=ends))
    assert str(caught.value) == (
        "the prompt of item-5 does not end in [123, 124], as its text says it would: the processor "
        "rewrites it; another --prompt-style may help"
    )
    # What was captured before it stays.
    assert new_store(vlm, passes, tmp_path / "r", position).missing_shards() == [1, 2]


def test_some_layers_are_stored(vlm, passes, open_image, position, wanted, tmp_path):
    spec = store_spec(
        vlm, passes, study_hash="study", position=position, shard_size=4, batch_size=3,
        layers=(0, 2),
    )  # fmt: skip
    ids = row_ids_of(passes, position)
    store = ResidualStore.open_or_create(tmp_path / "r", spec, ids)
    capture_to_store(vlm, passes, open_image, store, position=position)
    chosen = wanted.flatten(0, 1)[:, [0, 2]]
    torch.testing.assert_close(store.read(), chosen, rtol=1e-4, atol=1e-4)


def test_questions_after_which_answers_are_written_alike_share_a_tree(vlm, passes):
    questions = [text for *_, text in passes]
    trees = answer_trees(vlm, SHAPES, questions)
    (tree,) = trees.different()
    assert list(trees.by_question) == list(dict.fromkeys(questions))
    assert trees.of(questions) == [tree] * N_PASSES
    assert trees.places() == places_of([tree])
    assert trees.places()[0] == ANSWER_NODE
    assert set(trees.places()) < set(trees.places(whole=True))
