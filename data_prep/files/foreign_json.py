"""Reads JSON that comes from elsewhere, and words the error for what is none.

Python's reader is lenient and leaves much to chance: it says RecursionError for deep nesting, has
a limit of its own for the digits of an integer, takes the last of two values under one key, and
gives texts that no file can hold. All of that is one error here.
"""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.files.bounded import open_file
from data_prep.files.tree import Stream

MAX_JSON_BYTES = 2 * 2**30
"""Largest size in bytes of a JSON file. The questions of CLEVR's train split have 0.7 GB, the
annotations of LVIS 1.1 GB."""
_HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff")


def read_foreign_json(content: bytes, name: str) -> Any:
    """What the JSON text `content` holds; `name` names its file in messages.

    UserError, in one line, unless it is JSON in UTF-8 (with or without a byte order mark) whose
    every key has one value and whose every text can be written to a file. NaN and Infinity, and
    numbers of any size, are handed on as Python has them: only the reader of a field can say where
    it stands.
    """
    if len(content) > MAX_JSON_BYTES:
        raise _too_large(name)
    try:
        return parsed_json(content)
    except ValueError as error:
        raise UserError(
            f"{name!r} must be JSON, got a broken file ({error}): unpack it again"
        ) from error


def parsed_json(content: bytes) -> Any:
    """Like `read_foreign_json`, but with a ValueError that says nothing but what is wrong."""
    if not content.strip(b" \t\r\n\0"):
        raise ValueError("it is empty" if not content.strip() else "it holds zeros")
    if content.startswith(_OTHER_UNICODE) or b"\0" in content[:4]:
        raise ValueError("UTF-16 or UTF-32, not UTF-8")
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_each_key_once)
        if _HALF_A_PAIR.search(content):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start}") from error
    except (json.JSONDecodeError, _TwoValuesError):
        raise
    except ValueError as error:  # Python's own words are about a setting of the interpreter
        raise ValueError("an integer of thousands of digits") from error
    return found


def read_json_stream(open_file: Callable[[], Stream], name: str) -> Any:
    """Like `read_foreign_json`, for a file that is opened here. Its size is looked at before its
    content is. OSError if it cannot be opened or read."""
    with open_file() as file:
        # Told before it is read: asked for that many bytes, Python takes room for all of them.
        if file.seek(0, io.SEEK_END) > MAX_JSON_BYTES:
            raise _too_large(name)
        file.seek(0)
        content = file.read()
    return read_foreign_json(content, name)


def read_json_file(path: Path) -> Any:
    """Like `read_foreign_json`, for a file at a path. OSError if it cannot be opened or read."""
    return read_json_stream(lambda: open_file(path), str(path))


class _TwoValuesError(ValueError):
    """A key with two values in one object."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if found[key] != value:
                raise _TwoValuesError(f"two values for {key[:80]!r} in one object")
    return found


def _too_large(name: str) -> UserError:
    return UserError(
        f"{name!r} must have at most {MAX_JSON_BYTES:,} bytes to be read as JSON, got more: take "
        "a part of it"
    )
