"""Results are written as JSON holds them and read back as they were, or refused with the place."""

import json
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import Literal

import pytest

from analysis.typed import json_schema, read_back, result, written
from data_prep.errors import UserError


@result
class Layer:
    layer: int
    effect: float


@result
class Outcome:
    outcome: Literal["emerged", "died"]
    layers: tuple[Layer, ...]
    by_name: Mapping[str, float | None]


FOUND = Outcome(
    outcome="emerged", layers=(Layer(layer=0, effect=0.1), Layer(layer=1, effect=1 / 3)),
    by_name={"b": None, "a": 5e-324},
)  # fmt: skip


def test_what_is_written_is_read_back_to_the_last_bit():
    content = written(FOUND)
    assert list(content) == ["outcome", "layers", "by_name"]
    assert list(content["by_name"]) == ["b", "a"]
    text = json.dumps(content, allow_nan=False)
    assert read_back(Outcome, json.loads(text), "it") == FOUND
    with pytest.raises(FrozenInstanceError):
        FOUND.outcome = "died"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        Layer(0, 0.1)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"outcome": "rose"}, "outcome: "),
        ({"layers": [{"layer": 0}]}, "layers/0/effect: Field required"),
        ({"layers": [{"layer": 0, "effect": 1.0, "p": 1.0}]}, "layers/0/p: "),
        ({"more": 1}, "more: "),
    ],
)
def test_other_content_is_refused_with_its_place(change, place):
    with pytest.raises(UserError) as raised:
        read_back(Outcome, written(FOUND) | change, "results.json of runs/a")
    assert str(raised.value).startswith("results.json of runs/a is damaged or of another version (")
    assert place in str(raised.value)


def test_the_schema_names_every_field():
    schema = json_schema(Outcome)
    assert schema["required"] == ["outcome", "layers", "by_name"]
    assert schema["additionalProperties"] is False
