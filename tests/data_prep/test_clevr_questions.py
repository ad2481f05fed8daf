"""CLEVR's official questions: both forms of the file, and the scene has the last word."""

from typing import Any

import pytest

from data_prep.clevr_questions import read_questions
from data_prep.errors import UserError
from data_prep.items import COLUMNS
from tests.data_prep.clevr_folder import edit_json, write_clevr, write_json


def step(function: str, *inputs: int, value: str | None = None) -> dict[str, Any]:
    values = [] if value is None else [value]
    return {"function": function, "inputs": list(inputs), "value_inputs": values}


def record(text: str, answer: Any, *program: dict[str, Any], image: int = 0) -> dict[str, Any]:
    name = f"CLEVR_val_{image:06d}.png"
    return {
        "question": text, "answer": answer, "image_filename": name, "image_index": image,
        "question_family_index": 3, "program": list(program),
    }  # fmt: skip


SPHERE = [step("scene"), step("filter_shape", 0, value="sphere"), step("unique", 1)]
RECORDS = [
    record("What color is the ball?", "red", *SPHERE, step("query_color", 2)),
    record("How many shiny things?", "2", step("scene"), step("filter_material", 0, value="metal"),
           step("count", 1)),
    record("Any cube?", "yes", step("scene"), step("filter_shape", 0, value="cube"),
           step("exist", 1)),
    record("What shape has the ball's material?", "cylinder", *SPHERE, step("same_material", 2),
           step("unique", 3), step("query_shape", 4)),
    record("What size is the thing left of the ball?", "small", *SPHERE, step("relate", 2,
           value="left"), step("unique", 3), step("query_size", 4)),
    record("How many are large or red?", "3", step("scene"), step("filter_size", 0, value="large"),
           step("scene"), step("filter_color", 2, value="red"), step("union", 1, 3),
           step("count", 4), image=1),
    record("How many are large and red?", "1", step("scene"), step("filter_size", 0, value="large"),
           step("scene"), step("filter_color", 2, value="red"), step("intersect", 1, 3),
           step("count", 4), image=1),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_clevr(tmp_path)
    write_json(tmp_path, "questions", RECORDS)
    return tmp_path


def refused(folder) -> str:
    with pytest.raises(UserError) as caught:
        read_questions(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_questions_after_an_attribute_become_items(folder):
    items = read_questions(folder)
    assert tuple(items.columns) == COLUMNS
    assert items["attribute"].tolist() == ["color", "count", "shape", "size", "count", "count"]
    assert items["answer"].tolist() == ["red", "2", "cylinder", "small", "3", "1"]
    assert items["n_objects"].tolist() == [3, 3, 3, 3, 4, 4]
    assert items["item_id"].is_unique
    assert items.loc[0, "item_id"] == "CLEVR_val_000000/color/clevr-0"
    assert items.attrs["skipped"] == {"questions": {"exist": 1}}


def test_the_form_of_the_generator_gives_the_same_items(folder):
    released = read_questions(folder)

    def as_generated(records: list[dict[str, Any]]) -> None:
        for each in records:
            answer = each["answer"]
            each["answer"] = int(answer) if answer.isdigit() else answer == "yes" or answer
            for raw in each["program"]:
                raw["type"] = raw.pop("function")
                raw["side_inputs"] = raw.pop("value_inputs")
                raw["_output"] = 7

    edit_json(folder, "questions", as_generated)
    generated = read_questions(folder)
    assert generated.equals(released)
    assert generated.attrs == released.attrs


def test_a_limit_leaves_out_questions_about_later_scenes(folder):
    assert set(read_questions(folder, limit=1)["scene_id"]) == {"CLEVR_val_000000"}


def test_a_file_without_questions_after_an_attribute_is_an_empty_table(folder):
    write_json(folder, "questions", RECORDS[2:3])
    items = read_questions(folder)
    assert (len(items), tuple(items.columns)) == (0, COLUMNS)


def test_no_file_of_questions(folder):
    (folder / "questions" / "CLEVR_val_questions.json").unlink()
    assert "no questions for split 'val'" in refused(folder)


@pytest.mark.parametrize("kind", ["unique", "query", "same", "before a relation"])
def test_a_question_without_a_unique_referent_is_refused(folder, kind):
    cube = [step("scene"), step("filter_shape", 0, value="cube")]
    end = {
        "unique": [step("unique", 1), step("query_color", 2)],
        "query": [step("query_color", 1)],
        "same": [step("same_size", 1), step("count", 2)],
        "before a relation": [step("unique", 1), step("relate", 2, value="left"), step("count", 3)],
    }[kind]
    write_json(folder, "questions", [record("What?", "red", *cube, *end, image=1)][:1])
    edit_json(
        folder,
        "questions",
        lambda records: records[0].update(answer="2") if end[-1]["function"] == "count" else None,
    )
    message = refused(folder)
    assert message.startswith("CLEVR_val_questions.json, questions[0]: ")
    assert "needs a unique referent, got 4 objects of scene 'CLEVR_val_000001'" in message


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"answer": "blue"}, "must follow from the scene, which gives 'red', got 'blue'"),
        ({"answer": "pink"}, "the answer must be one of gray, red"),
        ({"answer": True}, "got 'yes'"),
        ({"answer": None}, "'answer' must be a text, got None"),
        ({"question": 5}, "'question' must be a text, got 5"),
        ({"image_filename": "CLEVR_val_000009.png"}, "no scene has the image"),
        ({"image_filename": None}, "'image_filename' must be a text"),
        ({"program": None}, "'program' must be steps"),
        ({"program": []}, "'program' must be steps"),
        ({"program": ["scene"]}, "'program' must be steps"),
        ({"program": [{"inputs": []}]}, "'program' must be steps"),
        ({"program": [step("query_color", 0)]}, "'program' must be steps"),
        ({"program": [step("scene"), step("query_color", -1)]}, "'program' must be steps"),
        ({"program": [step("scene"), step("query_color")]}, "'program' must be steps"),
        ({"program": [step("scene"), step("count", 0), step("query_color", 1)]}, "must be steps"),
        ({"program": [step("scene"), step("filter_color", 0), step("query_color", 1)]},
         "must be steps"),
        ({"program": [step("scene"), step("filter_mood", 0, value="x"), step("query_color", 1)]},
         "must be steps"),
        ({"program": [step("scene"), step("filter", 0, value="x"), step("query_color", 1)]},
         "must be steps"),
    ],
)  # fmt: skip
def test_bad_fields_of_a_question(folder, change, rule):
    edit_json(folder, "questions", lambda records: records[0].update(change))
    assert rule in refused(folder)
