"""What is taught: as tokens it is what the processor would make of the same exchange."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_prep.attributes import ATTRIBUTES, attribute, surface_forms
from data_prep.questions import caption
from probes.bundled.architecture import GRID, PROMPT, new_processor, train_tokenizer
from probes.bundled.corpus import (
    DESCRIBE_ALL,
    DESCRIBE_ONE,
    draw_exchanges,
    lessons,
    mirrored,
    prefix_ids,
    texts_for_tokenizer,
)


@pytest.fixture(scope="module")
def taught(scenes, words):
    return [lessons(scene, words, np.random.default_rng(0)) for scene in scenes]


def exchanges_of(of):
    return [
        *(e for group in of.referring for e in group),
        *of.plain,
        *of.descriptions,
        *of.captions,
    ]


def test_every_answer_word_in_every_form_is_one_token_after_a_space_or_not(words):
    spellings = [
        space + form
        for name in ATTRIBUTES
        for spelled in attribute(name).words.values()
        for word in spelled
        for form in surface_forms(word)
        for space in ("", " ")
    ]
    split = {form for form in spellings if len(words(form, add_special_tokens=False).input_ids) > 1}
    assert split == set()


def test_any_text_survives_the_tokenizer(words):
    for text in (
        "Grüße, 世界 \N{SNOWMAN}!",
        "  two  spaces\n\ttab",
        "What color is the large cube?",
    ):
        assert words.decode(words(text, add_special_tokens=False).input_ids) == text


def test_the_tokenizer_depends_on_its_texts_alone(scenes):
    made = [
        train_tokenizer(texts_for_tokenizer(scenes, np.random.default_rng(0))) for _ in range(2)
    ]
    assert made[0].backend_tokenizer.to_str() == made[1].backend_tokenizer.to_str()


def test_prefix_and_question_are_the_prompt_of_the_chat_template(words, scenes, taught):
    processor: Any = new_processor(words)
    prefix, image = prefix_ids(words, GRID * GRID), Image.new("RGB", (128, 128))
    for of in taught[:4]:
        for each in {*exchanges_of(of)}:
            text = words.decode(each.question).removesuffix(" ASSISTANT:")
            content = [{"type": "image"}, {"type": "text", "text": text}]
            prompt = processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True
            )
            assert prompt == "<s>" + PROMPT.format(question=text)
            ids = words(prompt.replace("<image>", "<image>" * GRID**2), add_special_tokens=False)
            assert ids.input_ids == [*prefix, *each.question]
    whole = processor(images=image, text=prompt, add_special_tokens=False, return_tensors="np")
    assert whole["input_ids"][0].tolist() == [*prefix, *each.question]


def test_a_conversation_with_its_answer_is_what_is_learnt(words, taught):
    processor: Any = new_processor(words)
    each = taught[0].plain[0]
    question = words.decode(each.question).removesuffix(" ASSISTANT:")
    answer = words.decode(each.answer).strip().removesuffix("</s>")
    told = processor.apply_chat_template(
        [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ]
    )
    spread = told.replace("<image>", "<image>" * GRID**2)
    ids = words(spread, add_special_tokens=False).input_ids
    assert ids == [*prefix_ids(words, GRID**2), *each.question, *each.answer]


def test_answers_end_and_are_true(words, scenes, taught):
    for scene, of in zip(scenes, taught, strict=True):
        for each in exchanges_of(of):
            assert each.answer[-1] == words.eos_token_id
        counts = [e for e in of.plain if words.decode(e.question).startswith("Number of")]
        assert {words.decode(e.answer) for e in counts} == {f" {len(scene.objects)}</s>"}
        asked = {words.decode(e.question) for e in of.descriptions}
        assert asked == {f"{DESCRIBE_ONE} ASSISTANT:"}
        told = {words.decode(e.answer).removesuffix("</s>") for e in of.captions}
        assert f" {caption(scene)}" in told
        assert words.decode(of.captions[0].question) == f"{DESCRIBE_ALL} ASSISTANT:"


def test_lessons_are_drawn_from_their_generator_alone(scenes, words):
    one, same, other = (
        lessons(scenes[3], words, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert one == same
    assert one.referring == other.referring
    assert one != other


def test_so_many_of_each_kind(taught):
    rng = np.random.default_rng(0)
    for of in taught:
        drawn = draw_exchanges(of, referring=5, plain=2, descriptions=3, rng=rng)
        assert len(drawn) == 10
        asked = {e for group in of.referring for e in group}
        assert sum(e in asked for e in drawn) == (5 if of.referring else 0)
        assert sum(e in of.descriptions for e in drawn) == 3


def test_the_mirror_turns_left_and_right_around(scenes):
    for scene in scenes:
        image = mirrored(scene)
        for one, other in zip(scene.objects, image.objects, strict=True):
            assert one.position_px[0] + other.position_px[0] == 128
            assert one.position_px[1] == other.position_px[1]
            assert (one.color, one.coords) == (other.color, other.coords)
        assert mirrored(image) == scene
        assert caption(scene).lower().count(" and ") == caption(image).lower().count(" and ")
