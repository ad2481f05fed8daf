"""Paraphrases: built-in patterns fit the questions that Onset asks, and own ones are checked."""

import os

import pandas as pd
import pytest

from data_prep.errors import UserError
from data_prep.paraphrases import built_in_patterns, paraphrased, patterns_of_file
from data_prep.questions import count_question, main_question, referring_questions
from tests.data_prep.some_scenes import many_scenes


def items_of(*questions) -> pd.DataFrame:
    rows = [
        {
            "item_id": str(place),
            "attribute": each.attribute,
            "template": each.template,
            "question": each.text,
        }
        for place, each in enumerate(questions)
    ]
    return pd.DataFrame(rows)


def presence(*texts: str) -> pd.DataFrame:
    rows = [
        {"item_id": text, "attribute": "presence", "template": "presence", "question": text}
        for text in texts
    ]
    return pd.DataFrame(rows)


def test_a_referring_question_keeps_its_thing():
    scene = many_scenes(1, fewest=3, most=3)[0]
    asked = referring_questions(scene, "color")
    made = paraphrased(items_of(*asked), built_in_patterns("referring"))
    assert len(made) == 5
    for question, other in zip(asked, made[0], strict=True):
        thing = question.text.removeprefix("What color is the ").removesuffix("?")
        assert other == f"What is the color of the {thing}?"
    assert made[4][0].startswith("Color of the ")


def test_built_in_patterns_fit_what_is_asked_and_differ_from_it():
    one = many_scenes(1, fewest=1, most=1)[0]
    for question in (main_question(one, "shape"), count_question(one)):
        patterns = built_in_patterns(question.template)
        made = paraphrased(items_of(question), patterns)
        assert len({question.text, *(text for (text,) in made)}) == 6
    made = paraphrased(
        presence("Is there an apple in the image?", "Is there a dog in the image?"),
        built_in_patterns("presence"),
    )
    assert made[0] == ("Is an apple in the picture?", "Is a dog in the picture?")
    assert built_in_patterns("label") == ()


def test_a_study_that_asks_in_its_own_words_is_understood():
    items = presence("Any cat here?")
    patterns = ["Is a {category} shown?", "{category}, yes or no?"]
    made = paraphrased(items, patterns, texts={"presence": "Any {category} here?"})
    assert made == (("Is a cat shown?",), ("Cat, yes or no?",))
    with pytest.raises(
        UserError, match=r"not of the form 'Is there a \{category\} in the image\?'"
    ):
        paraphrased(items, patterns)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["The {thing}?"], "at least 2 paraphrases beside the question as asked, got 1"),
        (["The {thing}?", "What color?"], r"must say once what it asks about, \{thing\}"),
        (["The {thing}?", "{thing} {thing}?"], r"must say once what it asks about, \{thing\}"),
        (["The {thing}?", "{thing}, {colour}?"], r"remove \{colour\}"),
        (["The {thing}?", "{thing}} now?"], r"remove \}"),
        (["The {thing}?", "the  {thing}?"], "wordings must differ, but 'the  {thing}"),
        (["The {thing}?", "What color is the {thing}?"], "and the question as asked both ask"),
    ],
)
def test_patterns_that_would_ask_something_else_are_refused(patterns, message):
    scene = many_scenes(1, fewest=3, most=3)[0]
    items = items_of(*referring_questions(scene, "color"))
    with pytest.raises(UserError, match=message):
        paraphrased(items, patterns)


def test_a_file_of_paraphrases_is_read_or_refused(tmp_path):
    path = tmp_path / "words.toml"
    path.write_text('\ufeffcolor = ["A {thing}?", "B {thing}?"]\nsize = "big"\n', encoding="utf-8")
    assert patterns_of_file(path, "color") == ("A {thing}?", "B {thing}?")
    for name in ("size", "shape"):
        with pytest.raises(UserError, match=f"must have a list of texts named {name}"):
            patterns_of_file(path, name)
    path.write_text("color = [", encoding="utf-8")
    with pytest.raises(UserError, match="is no file of paraphrases"):
        patterns_of_file(path, "color")
    path.write_bytes(b"color = [\xff]")
    with pytest.raises(UserError, match="is no file of paraphrases"):
        patterns_of_file(path, "color")
    path.write_text("color = " + "[" * 5000, encoding="utf-8")
    with pytest.raises(UserError, match="is no file of paraphrases"):
        patterns_of_file(path, "color")
    os.mkfifo(tmp_path / "pipe")
    for name in (".", "pipe"):
        with pytest.raises(UserError, match="cannot read the paraphrases"):
            patterns_of_file(tmp_path / name, "color")
