"""Control questions that both images answer alike, and donors from outside of the pair."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.attributes import attribute
from data_prep.items import build_items
from data_prep.pairs.controls import (
    donors_in_items,
    donors_in_scenes,
    other_attribute_question,
    other_object_question,
    same_answer_donor,
)
from data_prep.pairs.matched import matched_pairs
from data_prep.pairs.minimal import Copies, Copy, minimal_pairs
from data_prep.pairs.pair import Pair, side_of
from data_prep.questions import PROPERTIES, referent, referring_questions
from data_prep.scenes import Scene
from tests.data_prep.pairs.data import data_of
from tests.data_prep.some_scenes import many_scenes, phrases, scene

SCENES = many_scenes(400)


def copy_of(words: list[str], name: str, *, target: int = 0) -> Copy:
    """The scene of these words, and a copy in which the attribute has its next value."""
    base = scene(*words, scene_id="base")
    values = attribute(name).answers
    value = getattr(base.objects[target], name)
    parts = words[target].split()
    parts[PROPERTIES.index(name)] = values[(values.index(value) + 1) % len(values)]
    changed = [" ".join(parts) if k == target else each for k, each in enumerate(words)]
    return Copy(
        attribute=name, target=target, base=base, changed=scene(*changed, scene_id="changed")
    )


def pair_of(copy: Copy) -> Pair | None:
    if not referring_questions(copy.base, copy.attribute, target=copy.target):
        return None
    data = data_of([copy.base, copy.changed])
    copies = Copies(copies=(copy,), skipped={}, changed_outside={})
    return minimal_pairs(copies, data.open_image, data.image_size, copy.attribute).pairs[0]


def objects(pair: Pair) -> list[Scene]:
    return [side.scene for side in pair.sides if isinstance(side.scene, Scene)]


@given(phrases(fewest=2, most=4), st.sampled_from(PROPERTIES), st.integers(0, 99))
def test_the_binding_control_asks_for_another_object(words, name, seed):
    pair = pair_of(copy_of(words, name))
    question = pair and other_object_question(pair, np.random.default_rng(seed))
    if not pair or not question:
        return
    assert question.attribute == name
    for each in objects(pair):
        asked = referent(each, name, question.text)
        assert asked is not each.objects[0]
        assert getattr(asked, name) == question.answer


@given(phrases(fewest=2, most=4), st.sampled_from(PROPERTIES), st.integers(0, 99))
def test_the_attribute_control_asks_the_changed_object_for_something_else(words, name, seed):
    pair = pair_of(copy_of(words, name))
    question = pair and other_attribute_question(pair, np.random.default_rng(seed))
    if not pair or not question:
        return
    assert question.attribute != name
    described = question.text.removeprefix(f"What {question.attribute} is the ").rstrip("?").split()
    for each in objects(pair):
        assert referent(each, question.attribute, question.text) is each.objects[0]
        assert getattr(each.objects[0], question.attribute) == question.answer
        assert getattr(each.objects[0], name) not in described


def test_every_control_question_is_drawn():
    pair = pair_of(copy_of(["small red metal cube", "large blue rubber sphere"], "color"))
    assert pair is not None
    rng = np.random.default_rng(0)
    asked = Counter(
        question.attribute for _ in range(300) if (question := other_attribute_question(pair, rng))
    )
    assert set(asked) == {"size", "material", "shape"}
    assert min(asked.values()) > 60
    texts = {question.text for _ in range(300) if (question := other_object_question(pair, rng))}
    assert len(texts) == 7


def test_none_where_nothing_can_be_asked(rng):
    twins = ["small red metal cube", "large red metal cube", "large red metal cube"]
    pair = pair_of(copy_of(twins, "color"))
    assert pair is not None
    assert other_object_question(pair, rng) is None


def test_matched_pairs_have_no_changed_object(rng):
    items = build_items(SCENES, ["color"], rng=rng)
    pair = matched_pairs(items, data_of(SCENES), rng=rng).pairs[0]
    assert other_object_question(pair, rng) is None
    assert other_attribute_question(pair, rng) is None


@pytest.mark.parametrize("wider", [False, True])
def test_donors_of_minimal_pairs(rng, wider):
    data = data_of(SCENES, wider=[each.scene_id for each in SCENES[::2]] if wider else [])
    donors = donors_in_scenes(data, "color")
    found = 0
    for each in SCENES[:60]:
        copy = copy_of([f"{o.size} {o.color} {o.material} {o.shape}" for o in each.objects],
                       "color")  # fmt: skip
        pair = pair_of(copy)
        if pair is None:
            continue
        # The base is a scene of the data.
        base = side_of(each, pair.base.answer)
        pair = replace(pair, base=base)
        for side, donor in zip(pair.sides, same_answer_donor(pair, donors, rng), strict=True):
            if donor is None:
                continue
            found += 1
            assert donor.scene_id != each.scene_id
            assert isinstance(donor.scene, Scene)
            asked = referent(donor.scene, "color", pair.question)
            assert asked.color == donor.answer == side.answer
            assert data.image_size(donor.image) == data.image_size(each.image)
    assert found > 80


def test_donors_of_matched_pairs_come_from_the_items(rng):
    data = data_of(SCENES)
    items = build_items(SCENES, ["shape"], rng=rng)
    donors = donors_in_items(data, items)
    answers = items.set_index("scene_id")
    for pair in matched_pairs(items, data, rng=rng).pairs:
        for side, donor in zip(pair.sides, same_answer_donor(pair, donors, rng), strict=True):
            if donor is None:
                continue
            assert donor.scene_id not in {each.scene_id for each in pair.sides}
            row = answers.loc[donor.scene_id]
            assert (row["question"], row["answer"]) == (pair.question, side.answer)


def test_no_donor_where_no_other_scene_has_the_answer(rng):
    data = data_of(SCENES[:1])
    pair = pair_of(copy_of(["small red metal cube", "large blue rubber sphere"], "color"))
    assert pair is not None
    pair = replace(pair, base=side_of(SCENES[0], "red"))
    assert same_answer_donor(pair, donors_in_scenes(data, "color"), rng) == (None, None)
