"""Reader of CLEVR's official questions, in the form released and the one the generator writes.

    FOLDER/questions/CLEVR_<split>_questions.json

The release calls a program step's name `function` and writes answers as text; the generator
calls it `type` and its argument `side_inputs`, and may write true, false and numbers.
"""

import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data_prep.attributes import ATTRIBUTES, attribute
from data_prep.clevr import DEFAULT_SPLIT, Record, json_records, scenes_of, text_field
from data_prep.errors import UserError
from data_prep.items import item_row, items_table
from data_prep.questions import PROPERTIES, Question
from data_prep.scenes import Scene

_N_INPUTS: Mapping[str, int] = {
    "scene": 0, "filter": 1, "unique": 1, "same": 1, "query": 1, "count": 1, "union": 2,
    "intersect": 2,
}  # fmt: skip
"""Steps that the objects alone decide; "relate" needs directions, the rest compares answers."""


def read_questions(
    folder: Path, split: str = DEFAULT_SPLIT, *, limit: int | None = None
) -> pd.DataFrame:
    """The official questions after an attribute, as an items table, about the first `limit` scenes.

    Kept are programs that end in query_<property> or count; the numbers of the others stand in
    `.attrs["skipped"]["questions"]`, by their last function. A scene can have many items, and
    most texts serve a single scene.

    A program of filters alone is carried out on the scene: UserError where what should be unique
    is not, or where the file gives another answer. One that relates places is checked up to there.
    """
    scene_records = json_records(folder, split, "scenes")
    scenes = {each.image: each for each in scenes_of(scene_records, folder, split, limit=limit)}
    images = {text_field(record, "image_filename") for record in scene_records}
    rows: list[dict[str, str | int]] = []
    skipped: Counter[str] = Counter()
    for number, record in enumerate(json_records(folder, split, "questions")):
        image = text_field(record, "image_filename")
        if image not in images:
            raise UserError(
                f"{record.where}: no scene has the image {image!r}: take scenes and questions of "
                "one release"
            )
        if image not in scenes:
            continue
        steps = _steps(record)
        asked = steps[-1].function.removeprefix("query_")
        if asked not in ATTRIBUTES:
            skipped[steps[-1].function] += 1
            continue
        row = item_row(scenes[image], _question(record, asked, steps, scenes[image]))
        rows.append(row | {"item_id": f"{row['item_id']}-{number}"})
    return items_table(rows, skipped={"questions": skipped})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One step of a functional program."""

    function: str
    inputs: tuple[int, ...]
    """Earlier steps whose results it takes."""
    values: tuple[str, ...]
    """Its arguments, such as the color to filter for."""


def _question(record: Record, asked: str, steps: Sequence[_Step], scene: Scene) -> Question:
    answer = _answer(record)
    if answer not in attribute(asked).answers:
        raise UserError(
            f"{record.where}: the answer must be one of {', '.join(attribute(asked).answers)}, "
            f"got {answer!r}: correct the file"
        )
    found = _carry_out(steps, scene, record.where)
    if found not in (None, answer):
        raise UserError(
            f"{record.where}: the answer must follow from the scene, which gives {found!r}, got "
            f"{answer!r}: take scenes and questions of one release"
        )
    text = text_field(record, "question")
    return Question(attribute=asked, template="clevr", text=text, answer=answer)


def _answer(record: Record) -> str:
    value = record.fields.get("answer")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else text_field(record, "answer")


def _steps(record: Record) -> list[_Step]:
    """The program in one form, whichever the file has; every input is an earlier step."""
    program = record.fields.get("program")
    if not isinstance(program, list) or not program:
        raise _broken(record.where, program)
    steps = []
    for place, raw in enumerate(program):
        if not isinstance(raw, dict):
            raise _broken(record.where, raw)
        function = raw.get("function", raw.get("type"))
        inputs = raw.get("inputs", [])
        values = raw.get("value_inputs", raw.get("side_inputs", []))
        if not (
            isinstance(function, str)
            and isinstance(inputs, list)
            and all(type(each) is int and 0 <= each < place for each in inputs)
            and isinstance(values, list)
            and all(isinstance(each, str) for each in values)
        ):
            raise _broken(record.where, raw)
        steps.append(_Step(function=function, inputs=tuple(inputs), values=tuple(values)))
    return steps


def _carry_out(steps: Sequence[_Step], scene: Scene, where: str) -> str | None:
    """The answer of the program in the scene; None if the objects alone do not decide it.

    Results of steps are sets of objects by number, or the answer.
    """
    results: list[frozenset[int] | str] = []
    for step in steps:
        kind, _, name = step.function.partition("_")
        if kind not in _N_INPUTS:
            return None
        taken = [results[place] for place in step.inputs]
        sets = [each for each in taken if not isinstance(each, str)]
        if (
            len(sets) != len(taken)
            or len(sets) != _N_INPUTS[kind]
            or (name != "" and name not in PROPERTIES)
            or (name != "") != (kind in ("filter", "same", "query"))
            or len(step.values) != (kind == "filter")
        ):
            raise _broken(where, step.function)
        results.append(_result(kind, name, step, sets, scene, where))
    return results[-1] if isinstance(results[-1], str) else None


def _result(
    kind: str,
    name: str,
    step: _Step,
    sets: Sequence[frozenset[int]],
    scene: Scene,
    where: str,
) -> frozenset[int] | str:
    """What one step makes of the sets it takes."""
    objects = scene.objects
    match kind:
        case "scene":
            return frozenset(range(len(objects)))
        case "filter":
            return frozenset(n for n in sets[0] if getattr(objects[n], name) == step.values[0])
        case "union":
            return sets[0] | sets[1]
        case "intersect":
            return sets[0] & sets[1]
        case "count":
            return str(len(sets[0]))
    only = _only(sets[0], scene, where)
    match kind:
        case "query":
            return getattr(objects[only], name)
        case "same":
            value = getattr(objects[only], name)
            like_it = (n for n, thing in enumerate(objects) if getattr(thing, name) == value)
            return frozenset(like_it) - {only}
        case _:
            return frozenset({only})


def _only(fitting: frozenset[int], scene: Scene, where: str) -> int:
    if len(fitting) != 1:
        raise UserError(
            f"{where}: the question needs a unique referent, got {len(fitting)} objects of scene "
            f"{scene.scene_id!r} that fit: remove it or take scenes and questions of one release"
        )
    return next(iter(fitting))


def _broken(where: str, value: object) -> UserError:
    return UserError(
        f"{where}: 'program' must be steps with a function and earlier steps as inputs, got "
        f"{reprlib.repr(value)}: take the file of the official release"
    )
