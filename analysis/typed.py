"""Results that keep their type: frozen dataclasses, written as JSON and read back into themselves.

What a study finds is a class with the decorator `result`. `written` makes of it what JSON holds,
`read_back` makes it again of that and says where a file holds something else, and `json_schema`
describes it to others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, TypeAdapter, ValidationError

from data_prep.errors import UserError

Found = TypeVar("Found")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def result(kind: type[Found]) -> type[Found]:
    """A class of results: frozen, by keyword, and nothing is read into it that it does not name."""
    kind.__pydantic_config__ = ConfigDict(extra="forbid")  # pyright: ignore[reportAttributeAccessIssue]
    return dataclass(frozen=True, slots=True, kw_only=True)(kind)


def written(found: Any) -> Any:
    """What JSON holds of a result: dicts, lists, numbers, texts, in the order of its fields."""
    return _adapter(type(found)).dump_python(found, mode="json")


def read_back(kind: type[Found], content: Any, where: str) -> Found:
    """The result that `written` made `content` of; `where` says to a user what is read.

    UserError where a field is missing, unknown or of another type: the file is damaged, or was
    written by another version.
    """
    try:
        return _adapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(map(str, first["loc"])) or "the whole"
        raise UserError(
            f"{where} is damaged or of another version ({place}: {first['msg']}): measure it anew "
            "in a new folder"
        ) from error


def json_schema(kind: Any) -> Mapping[str, Any]:
    """The JSON schema of what `written` gives of such a result."""
    return _adapter(kind).json_schema(mode="serialization")


@cache
def _adapter(kind: Any) -> Any:
    return TypeAdapter(kind)
