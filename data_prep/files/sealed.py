"""Files with a seal: the sha256 of their own content, by which every changed byte is found.

The seal stands inside the file, where its format has room for a remark: as the first value of a
JSON object, in a comment at the end of a text, in the metadata of safetensors and Parquet. So a
file and its seal are written and copied as one, and every other program reads the file as before.
The sha256 is that of the file with 64 zeros in its place.
"""

import hashlib
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.files.bounded import open_file, read_file

if TYPE_CHECKING:
    import pandas as pd

KEY = "seal"
"""The key of the seal in JSON objects and in the metadata of other formats."""
_MARK = b"sha256 with zeros in its place: "
_ZEROS = b"0" * 64
_BLANK = _MARK + _ZEROS
_SEAL = re.compile(re.escape(_MARK) + rb"([0-9a-f]{64})")
# Far more than where the seal of a file with its seal in front ends.
_HEAD_BYTES = 4096
_CHUNK_BYTES = 2**20
_DEEPEST = 64
_LARGEST = 2**64
_CHANGED = "its content is not that of its checksum"


def sealed_json(content: Mapping[str, Any], *, ensure_ascii: bool = True) -> bytes:
    """A JSON object with its seal, as the content of a file."""
    sealed = {KEY: _BLANK.decode(), **content}
    text = json.dumps(sealed, indent=1, allow_nan=False, ensure_ascii=ensure_ascii).encode()
    return _with_seal(text, text.index(_BLANK))


def sealed_comment(text: str) -> bytes:
    """A text of lines in which # begins a comment, such as TOML, with its seal in a last line."""
    content = f"{text}# {_BLANK.decode()}\n".encode()
    return _with_seal(content, content.rindex(_BLANK))


def sealed_safetensors(content: bytes, metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a file of safetensors, with its seal and further metadata."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    remarks = {KEY: _BLANK.decode(), **(metadata or {})}
    text = json.dumps({"__metadata__": remarks, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    head, tensors = len(text).to_bytes(8, "little") + text, memoryview(content)[8 + length :]
    place = head.index(_MARK) + len(_MARK)
    total = hashlib.sha256(head)
    total.update(tensors)
    return b"".join([_filled(head, place, total.hexdigest()), tensors])


def sealed_parquet(table: "pd.DataFrame") -> bytes:
    """A table as the content of a Parquet file, with its seal."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    stream = io.BytesIO()
    with ParquetWriter(stream, arrow.schema) as writer:
        writer.write_table(arrow)
        writer.add_key_value_metadata({KEY: _BLANK.decode()})
    content = stream.getvalue()
    return _with_seal(content, content.rindex(_BLANK))


def read_sealed(path: Path) -> bytes:
    """The content of a file whose seal is whole. ValueError if it is not, or there is none; OSError
    if the file cannot be read."""
    content = read_file(path)
    require_whole(content)
    return content


def require_whole(content: bytes) -> None:
    """ValueError unless the seal in a file's content is that of the content."""
    # A text of a user's may look like a seal, but not in front of the one of a JSON object, and not
    # behind that of a comment or a table.
    found = [*_SEAL.finditer(content)]
    if not found:
        raise ValueError("it has no checksum of its own")
    if not any(_is_seal(content, each) for each in {found[0], found[-1]}):
        raise ValueError(_CHANGED)


def never_sealed(content: bytes) -> bool:
    """Whether the content is JSON that was written without a seal, by an earlier version. One whose
    seal is damaged still has its key or its words."""
    try:
        return KEY not in plain_json(content) and _MARK not in content
    except ValueError:
        return False


def require_whole_file(path: Path) -> None:
    """Like `require_whole`, for a file that has its seal in front (JSON, safetensors) and may be
    larger than memory. OSError if it cannot be read."""
    with open_file(path) as file:
        head = file.read(_HEAD_BYTES)
        seal = _SEAL.search(head)
        if seal is None:
            raise ValueError("it has no checksum of its own")
        total = hashlib.sha256(_filled(head, seal.start(1), _ZEROS.decode()))
        while chunk := file.read(_CHUNK_BYTES):
            total.update(chunk)
    if total.hexdigest().encode() != seal[1]:
        raise ValueError(_CHANGED)


def read_sealed_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file whose seal is whole, without the seal.

    ValueError if it is damaged, or holds what none of our files does; OSError if it cannot be read.
    """
    return opened_json(read_file(path))


def read_vouched(description: Path, weights: Path) -> tuple[dict[str, Any], bytes]:
    """The sealed JSON object in one file, and the content of another whose sha256 it holds.

    ValueError that names the file that is damaged; KeyError if the object holds no sha256; OSError
    if a file cannot be read.
    """
    try:
        about = read_sealed_json(description)
    except ValueError as error:
        raise ValueError(f"{description.name} is damaged: {error}") from error
    content = read_file(weights)
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise ValueError(f"{weights.name} is damaged: the weights do not match their checksum")
    return about, content


def opened_json(content: bytes) -> dict[str, Any]:
    """Like `read_sealed_json`, of a file's content."""
    require_whole(content)
    found = plain_json(content)
    found.pop(KEY, None)
    return found


def plain_json(content: bytes) -> dict[str, Any]:
    """The JSON object in a file's content, whether it is sealed or not.

    ValueError for other content, and for what none of our files holds: NaN, infinities, integers
    beyond 64 bits, deep nesting.
    """
    try:
        found = json.loads(
            content.decode(), parse_constant=_refuse, parse_float=_finite, parse_int=_small
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    _require_flat(found)
    return found


def _with_seal(blank: bytes, start: int) -> bytes:
    """The content with its checksum in the blank seal that starts at `start`."""
    return _filled(blank, start + len(_MARK), hashlib.sha256(blank).hexdigest())


def _is_seal(content: bytes, seal: "re.Match[bytes]") -> bool:
    view, place = memoryview(content), seal.start(1)
    total = hashlib.sha256(view[:place])
    total.update(_ZEROS)
    total.update(view[place + len(_ZEROS) :])
    return total.hexdigest().encode() == seal[1]


def _filled(content: bytes, place: int, digest: str) -> bytes:
    return content[:place] + digest.encode() + content[place + len(_ZEROS) :]


def _require_flat(found: dict[str, Any]) -> None:
    level: list[Any] = [found]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not level:
            return
    raise ValueError("it is nested too deep")


def _refuse(name: str) -> Any:
    raise ValueError(f"it holds {name}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("it holds a number that is too large")
    return number


def _small(text: str) -> int:
    # Its length first: the time to read an integer grows with the square of that.
    if len(text) > 20 or abs(int(text)) > _LARGEST:
        raise ValueError("it holds an integer that is too large")
    return int(text)
