"""Checks what was written against the schema of its kind, and each schema once."""

from collections.abc import Callable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator


def require_valid(content: Any, schema: Callable[[], dict[str, Any]]) -> None:
    """ValidationError unless the content is as the schema says."""
    _validator(schema).validate(content)


@cache
def _validator(schema: Callable[[], dict[str, Any]]) -> Draft202012Validator:
    made = schema()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)
