"""JSON from elsewhere: read where it is JSON, and one line for everything else."""

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from data_prep.files import foreign_json
from data_prep.files.foreign_json import read_foreign_json, read_json_file


def refused(content: bytes) -> str:
    """The message of the error; always a single line that names the file."""
    with pytest.raises(UserError) as caught:
        read_foreign_json(content, "a.json")
    message = str(caught.value)
    assert message.startswith("'a.json' must ")
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got a broken file (it is empty)"),
        (b" \n", "got a broken file (it is empty)"),
        (bytes(9), "it holds zeros"),
        (b"\xef\xbb\xbf", "a broken file"),
        (b'{"a": 1', "a broken file"),
        (b'{"a": 1} 2', "a broken file"),
        (b'{"a": "\x00"}', "a broken file"),
        (b'{"a": 1}\x00\x00', "a broken file"),
        (b"\x89PNG\r\n\x1a\n", "no UTF-8 at byte 0"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16 or UTF-32, not UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16 or UTF-32, not UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-16 or UTF-32, not UTF-8"),
        ('{"a": 1}'.encode("utf-32"), "UTF-16 or UTF-32, not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"9" * 5_000, "an integer of thousands of digits"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\uDC00": 1}', "half of a surrogate pair"),
        (b'{"a": {"id": 1, "id": 2}}', "two values for 'id' in one object"),
    ],
)
def test_what_is_no_json_is_told_in_one_line(content, message):
    assert message in refused(content)


def test_what_is_harmless_is_read():
    assert read_foreign_json(b'\xef\xbb\xbf{"a": [1, 2.5, null]}', "a") == {"a": [1, 2.5, None]}
    assert read_foreign_json(b'"\\ud83d\\ude00"', "a") == "\N{GRINNING FACE}"
    assert read_foreign_json(b'{"a": 1, "a": 1}', "a") == {"a": 1}
    assert read_foreign_json(b"9" * 400, "a") == int("9" * 400)
    assert math.isnan(read_foreign_json(b"NaN", "a"))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
))  # fmt: skip
def test_json_comes_back_as_it_was_written(content):
    assert read_foreign_json(json.dumps(content).encode(), "a") == content


@given(st.binary(max_size=30) | st.text('[]{}",:\\ud8019.eE-NaIty \0', max_size=30))
def test_any_bytes_are_read_or_told(content):
    with suppress(UserError):
        read_foreign_json(content.encode() if isinstance(content, str) else content, "a.json")


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(foreign_json, "MAX_JSON_BYTES", 10)
    file = tmp_path / "a.json"
    file.write_bytes(b"[0,1,2,34]")
    assert read_json_file(file) == [0, 1, 2, 34]
    file.write_bytes(b"[0,1,2,345]")
    with pytest.raises(UserError, match=r"a\.json' must have at most 10 bytes .* got more"):
        read_json_file(file)
    with pytest.raises(FileNotFoundError):
        read_json_file(tmp_path / "none")
