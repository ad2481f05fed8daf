"""Rules of options: found in the annotations of a field, inherited ones too, and said in words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from data_prep.errors import UserError
from data_prep.option_rules import Between, Filled, Within, require_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    batch_size: Annotated[Literal["auto"] | int, Within(1, 100, otherwise=", or auto")] = "auto"
    share: Annotated[float, Between(0, 1, remedy="0.5 is usual")] = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherits(Base):
    names: Annotated[tuple[str, ...], Filled("at least one name")] = ("a",)
    text: Annotated[str, Filled("a text")] = "b"
    layers: Annotated[tuple[int, ...] | None, Within(0, 9)] = None
    path: Path | None = None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 0}, "--batch-size must be at least 1, or auto, got 0"),
        ({"share": 1.0}, "--share must lie between 0 and 1, got 1.0: 0.5 is usual"),
        ({"share": float("nan")}, "--share must lie between 0 and 1, got nan: 0.5 is usual"),
        ({"share": 0.0}, "--share must lie between 0 and 1, got 0.0: 0.5 is usual"),
        ({"share": -0.1}, "--share must lie between 0 and 1, got -0.1: 0.5 is usual"),
        ({"names": ()}, "--names needs at least one name, got none"),
        ({"text": " "}, "--text needs a text, got an empty one"),
        ({"layers": (3, -1)}, "--layers must be at least 0, got 3 -1"),
    ],
)
def test_the_first_broken_rule_is_said(values, message):
    with pytest.raises(UserError) as raised:
        require_rules(Inherits(**values), typed=True)
    assert str(raised.value) == message


def test_what_keeps_its_rules_passes():
    require_rules(Inherits(batch_size=3, share=0.1, layers=(0, 4)), typed=True)
    require_rules(Inherits(), typed=False)
    with pytest.raises(UserError, match=r"^batch_size must be"):
        require_rules(Base(batch_size=0), typed=False)
