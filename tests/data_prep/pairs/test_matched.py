"""Matched pairs: one text, two answers, no scene twice, and as many as there can be."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from data_prep.items import build_items, item_row, items_table
from data_prep.pairs.matched import matched_pairs
from data_prep.questions import Question
from data_prep.scenes import Photograph
from tests.data_prep.pairs.data import data_of
from tests.data_prep.some_scenes import many_scenes, scene

RED, BLUE, GRAY = "small red metal cube", "small blue metal cube", "small gray metal cube"


def items_of(answers: list[tuple[str, str]]) -> tuple[pd.DataFrame, list]:
    """A scene and an item for each text and answer."""
    scenes = [scene(RED, scene_id=f"scene_{number:03d}") for number in range(len(answers))]
    rows = [
        item_row(each, Question(attribute="color", template="main", text=text, answer=answer))
        for each, (text, answer) in zip(scenes, answers, strict=True)
    ]
    return items_table(rows, skipped={}), scenes


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["red", "blue", "gray"]))))
def test_pairs_share_the_text_differ_in_the_answer_and_are_as_many_as_possible(answers):
    items, scenes = items_of(answers)
    counts = {
        text: Counter(answer for each, answer in answers if each == text).values()
        for text in {text for text, _ in answers}
    }
    # With n items, m of them of one answer, no more than these can have a partner.
    best = sum(min(sum(each) // 2, sum(each) - max(each)) for each in counts.values())
    rng = np.random.default_rng(len(answers))
    if not best:
        with pytest.raises(ValueError, match="got"):
            matched_pairs(items, data_of(scenes), rng=rng)
        return
    found = matched_pairs(items, data_of(scenes), rng=rng)
    assert len(found.pairs) == best
    by_scene = items.set_index("scene_id")
    used = [side.scene_id for pair in found.pairs for side in pair.sides]
    assert len(used) == len(set(used))
    for pair in found.pairs:
        assert pair.kind == found.kind == "matched"
        assert pair.changed is None
        assert pair.base.answer != pair.source.answer
        for side in pair.sides:
            assert side.scene.scene_id == side.scene_id
            row = by_scene.loc[side.scene_id]
            assert (row["question"], row["answer"]) == (pair.question, side.answer)
    assert sum(found.skipped.values()) == len(answers) - 2 * best


def test_referring_questions_of_many_scenes():
    scenes = many_scenes(300)
    items = build_items(scenes, ["color"], rng=np.random.default_rng(0))
    found = matched_pairs(items, data_of(scenes), rng=np.random.default_rng(0))
    assert len(found.pairs) > 0.45 * len(items)
    # Neither the order nor the choice of the base tells anything.
    first = [pair.base.scene_id < pair.source.scene_id for pair in found.pairs]
    assert 0.3 < np.mean(first) < 0.7
    again = matched_pairs(items, data_of(scenes), rng=np.random.default_rng(1))
    assert [pair.pair_id for pair in found.pairs] != [pair.pair_id for pair in again.pairs]
    other_order = items.sort_values("answer")
    same = matched_pairs(other_order, data_of(scenes), rng=np.random.default_rng(0))
    assert [pair.pair_id for pair in found.pairs] == [pair.pair_id for pair in same.pairs]


def test_at_most_so_many(rng):
    items, scenes = items_of([("a", "red"), ("a", "blue")] * 10)
    found = matched_pairs(items, data_of(scenes), rng=rng, most=4)
    assert len(found.pairs) == 4
    assert found.skipped == {"more pairs than asked for": 12}
    with pytest.raises(UserError, match="need at least 1 pair, got most=0"):
        matched_pairs(items, data_of(scenes), rng=rng, most=0)


def test_a_scene_with_several_items_is_in_one_pair_only(rng):
    items, scenes = items_of([("a", "red"), ("a", "blue"), ("b", "gray"), ("b", "red")])
    items.loc[2, "scene_id"] = items.loc[0, "scene_id"]
    found = matched_pairs(items, data_of(scenes), rng=rng)
    assert len(found.pairs) == 1


def test_only_images_of_one_size_are_paired(rng):
    items, scenes = items_of([("a", "red"), ("a", "blue"), ("a", "blue")])
    found = matched_pairs(items, data_of(scenes, wider=["scene_002"]), rng=rng)
    assert {side.scene_id for side in found.pairs[0].sides} == {"scene_000", "scene_001"}
    with pytest.raises(UserError, match="got 1 texts with several answers but no two images of on"):
        matched_pairs(items, data_of(scenes, wider=["scene_000"]), rng=rng)


def test_photographs_are_paired_as_well(rng):
    labels = ["kite", "buzzard"]
    scenes = [Photograph(scene_id=each, image=f"{each}.jpg", split="all", labels={"bird": each})
              for each in labels]  # fmt: skip
    rows = [
        item_row(each, Question(attribute="bird", template="label", text="Bird:", answer=label))
        for each, label in zip(scenes, labels, strict=True)
    ]
    data = replace(data_of([]), scenes=tuple(scenes), image_size=lambda key: (8, 8))
    (pair,) = matched_pairs(items_table(rows, skipped={}), data, rng=rng).pairs
    assert {pair.base.answer, pair.source.answer} == set(labels)
    assert pair.template == "label"


def test_what_cannot_be_paired(rng):
    items, scenes = items_of([("a", "red"), ("a", "red"), ("b", "blue")])
    with pytest.raises(UserError, match="got one answer for each of 2 texts: give more scenes"):
        matched_pairs(items, data_of(scenes), rng=rng)
    with pytest.raises(UserError, match="got 'scene_002', which the data does not have"):
        matched_pairs(items, data_of(scenes[:2]), rng=rng)
    with pytest.raises(ValueError, match="items of one attribute are needed"):
        matched_pairs(items.head(0), data_of(scenes), rng=rng)
