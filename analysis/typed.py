"""Results that keep their type: frozen dataclasses that are written as JSON and read back.

What a study finds is a class with the decorator `result`. `written` turns a result into what JSON
can hold, `read_back` turns that into the result again and reports content that does not fit the
class, and `json_schema` describes the JSON to other programs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, TypeAdapter, ValidationError

from data_prep.errors import UserError
from data_prep.files.sealed import KEY

Found = TypeVar("Found")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def result(kind: type[Found]) -> type[Found]:
    """Makes a class of results: a frozen dataclass whose fields are given by keyword. Reading one
    back fails if the content has other fields."""
    kind.__pydantic_config__ = ConfigDict(extra="forbid")  # pyright: ignore[reportAttributeAccessIssue]
    return dataclass(frozen=True, slots=True, kw_only=True)(kind)


def written(found: Any) -> Any:
    """The result as JSON can hold it: dicts, lists, numbers and texts, in the order of its
    fields."""
    return _adapter(type(found)).dump_python(found, mode="json")


def read_back(kind: type[Found], content: Any, where: str) -> Found:
    """The result of which `written` made `content`; `where` names for the user what is being read.

    UserError where a field is missing, unknown or of another type: then the file is damaged, or was
    written by another version.
    """
    try:
        return _adapter(kind).validate_python(content)
    except (RecursionError, OverflowError) as error:
        raise UserError(
            f"{where} is damaged (it holds what no result does): measure it anew in a new folder"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(map(str, first["loc"])) or "the whole"
        raise UserError(
            f"{where} is damaged or of another version ({place}: {first['msg']}): measure it anew "
            "in a new folder"
        ) from error


def json_schema(kind: Any) -> Mapping[str, Any]:
    """The JSON schema of what `written` makes of a result of this class."""
    return _adapter(kind).json_schema(mode="serialization")


def document_schema(kind: Any) -> dict[str, Any]:
    """The JSON schema of a file that holds a result of this class and the file's seal."""
    found = dict(json_schema(kind))
    seal = {"type": "string", "description": "Checksum of the file: see data_prep.files.sealed."}
    return {**found, "properties": {KEY: seal, **found["properties"]}}


@cache
def _adapter(kind: Any) -> Any:
    return TypeAdapter(kind)
