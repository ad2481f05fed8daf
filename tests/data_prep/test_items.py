"""An items table: one row per scene and attribute, texts that serve many scenes, right answers."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal

from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.items import (
    COLUMNS,
    answer_set,
    assign_texts,
    attribute_of_items,
    build_items,
)
from data_prep.questions import referring_questions
from tests.data_prep.some_scenes import many_scenes, scene

PROPERTIES = ("color", "shape", "material", "size")
SCENES = many_scenes(250)
FEW = SCENES[:60]


def items_of(scenes, names=PROPERTIES, seed=1, **options) -> pd.DataFrame:
    return build_items(scenes, names, rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return items_of(SCENES)


def conditional_entropy_bits(items: pd.DataFrame) -> float:
    """H(answer | text)."""
    texts = Counter(items["question"])
    pairs = Counter(zip(items["question"], items["answer"], strict=True))
    bits = [n * np.log2(texts[text] / n) for (text, _), n in pairs.items()]
    return sum(bits) / len(items)


def fewest_scenes_of_a_text(items: pd.DataFrame) -> int:
    return min(Counter(items["question"]).values())


def test_one_item_per_scene_and_attribute_under_the_agreed_columns(items):
    assert tuple(items.columns) == COLUMNS
    assert items["item_id"].is_unique
    assert not items.duplicated(["scene_id", "attribute"]).any()
    assert items.loc[0, "item_id"] == "scene_00000/color/referring"
    assert items["n_objects"].dtype == "int64"
    assert all(items[name].dtype == "str" for name in COLUMNS if name != "n_objects")


def test_every_item_is_a_question_that_its_scene_offers(items):
    by_id = {each.scene_id: each for each in SCENES}
    for row in items.itertuples():
        offered = referring_questions(by_id[row.scene_id], row.attribute)
        assert (row.question, row.answer) in {(each.text, each.answer) for each in offered}
        assert row.image == by_id[row.scene_id].image
        assert row.n_objects == len(by_id[row.scene_id].objects)


def test_every_text_serves_at_least_twenty_scenes(items):
    assert fewest_scenes_of_a_text(items) >= 20


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_text_tells_nothing_about_its_answer(items, name):
    asked = items[items["attribute"] == name]
    assert conditional_entropy_bits(asked) > 0.99 * np.log2(len(attribute(name).answers))


@pytest.mark.parametrize("name", PROPERTIES)
def test_hardly_a_scene_with_a_unique_referent_is_left_out_and_all_are_counted(items, name):
    reasons = items.attrs["skipped"][name]
    assert sum(reasons.values()) == len(SCENES) - (items["attribute"] == name).sum()
    without = sum(not referring_questions(each, name) for each in SCENES)
    assert reasons.get("no unique referent", 0) == without
    assert reasons.get("text serves too few scenes", 0) < 0.03 * len(SCENES)


def test_neither_the_order_of_scenes_nor_the_other_attributes_matter(items):
    shape = items_of(SCENES[::-1], ["shape"])
    assert_frame_equal(shape, items[items["attribute"] == "shape"].reset_index(drop=True))


def test_another_seed_asks_otherwise():
    one, other = (items_of(FEW, ["size"], seed=seed) for seed in (1, 2))
    assert not one["question"].equals(other["question"])


def test_what_was_left_out_is_kept_in_the_file(items, tmp_path):
    items.to_parquet(tmp_path / "items.parquet")
    assert pd.read_parquet(tmp_path / "items.parquet").attrs == items.attrs


def test_main_asks_scenes_with_one_object_and_all_asks_both():
    scenes = [scene("small red metal cube", scene_id="one"), SCENES[0]]
    main = items_of(scenes, ["color"], questions="main", min_scenes_per_text=1)
    assert main["question"].tolist() == ["Color of the main object:"]
    assert main.attrs["skipped"] == {"color": {"number of objects": 1}}
    both = items_of(scenes, ["color"], questions="all", min_scenes_per_text=1)
    assert both["template"].tolist() == ["main", "referring"]
    with pytest.raises(UserError, match=r"number of objects: 1 scenes\): choose other questions"):
        items_of(SCENES[:1], ["color"], questions="main")


@pytest.mark.parametrize("questions", ["main", "referring", "all"])
def test_count_is_asked_of_every_scene(questions):
    items = items_of(SCENES, ["count"], questions=questions)
    assert items["question"].unique().tolist() == ["Number of objects:"]
    assert items["answer"].tolist() == [str(len(each.objects)) for each in SCENES]


def test_answer_sets_are_full_except_for_counts_that_do_not_occur():
    items = items_of(FEW, ["color", "count"])
    assert answer_set(items, "count").answers == ("2", "3", "4", "5", "6")
    without_red = items.loc[items["answer"] != "red"]
    assert answer_set(without_red, "color") == attribute("color")


def test_too_few_scenes_are_refused_or_the_floor_is_lowered_by_name():
    with pytest.raises(UserError, match="give more scenes or a min_scenes_per_text below 20"):
        items_of(SCENES[:15], ["color"])
    items = items_of(SCENES[:15], ["color"], min_scenes_per_text=1)
    assert len(items) > 10


def test_rare_texts_are_left_out_and_counted():
    items = items_of(FEW, ["material"])
    assert fewest_scenes_of_a_text(items) >= 20
    assert len(items) + sum(items.attrs["skipped"]["material"].values()) == 60


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="unknown attribute 'colour'"):
        items_of(SCENES, ["colour"])
    with pytest.raises(UserError, match="got scene id 'scene_00000' 2 times"):
        items_of([SCENES[0], SCENES[0]])
    with pytest.raises(UserError, match="at least 1, got 0"):
        items_of(SCENES, min_scenes_per_text=0)
    with pytest.raises(UserError, match="got none in 0 scenes"):
        items_of([], ["color"])
    twins = scene("small red metal cube", "small red metal cube")
    with pytest.raises(UserError, match="give scenes whose objects differ"):
        items_of([twins], ["color"])
    pink = scene("small pink metal cube", "large red metal cube")
    with pytest.raises(UserError, match="unknown answer for color: got 'pink'"):
        items_of([pink], ["color"], min_scenes_per_text=1)


@given(
    arrays(np.int64, st.tuples(st.integers(1, 30), st.integers(1, 6)), elements=st.integers(-1, 2)),
    st.integers(1, 5),
    st.integers(0, 99),
)
def test_a_text_is_used_by_enough_scenes_that_offer_it_or_by_none(answers, floor, seed):
    chosen = assign_texts(answers, n_answers=3, floor=floor, rng=np.random.default_rng(seed))
    used = Counter(chosen[chosen >= 0].tolist())
    assert all(number >= floor for number in used.values())
    assert all(answers[scene, text] >= 0 for scene, text in enumerate(chosen) if text >= 0)


def test_with_a_floor_of_one_every_scene_that_offers_a_text_gets_one():
    rng = np.random.default_rng(3)
    answers = rng.integers(-1, 2, (50, 4))
    chosen = assign_texts(answers, n_answers=2, floor=1, rng=rng)
    assert ((chosen >= 0) == (answers >= 0).any(axis=1)).all()


def test_items_of_a_table_are_of_one_attribute():
    table = pd.DataFrame({"attribute": ["color", "color"]})
    assert attribute_of_items(table) == "color"
    for wrong in (table.iloc[:0], table.assign(attribute=["color", "shape"])):
        with pytest.raises(ValueError, match="items of one attribute are needed, got"):
            attribute_of_items(wrong)
