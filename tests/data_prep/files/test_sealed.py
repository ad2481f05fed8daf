"""Every changed byte of a sealed file is found, whatever its kind, and every content can be
sealed."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from data_prep.files.sealed import (
    never_sealed,
    opened_json,
    plain_json,
    read_sealed,
    require_whole,
    require_whole_file,
    sealed_comment,
    sealed_json,
    sealed_parquet,
    sealed_safetensors,
)

LIKE_A_SEAL = "sha256 with zeros in its place: " + "0" * 64
NESTED = {"a": [1, 2.5, None, {"b": "\N{SNOWMAN}"}], "seal of mine": LIKE_A_SEAL}


def table() -> pd.DataFrame:
    made = pd.DataFrame({"attribute": ["color", "shape"], "bits": [0.5, 1.5]})
    made.attrs = {"notes": {"color": [LIKE_A_SEAL]}}
    return made


KINDS: dict[str, Callable[[], bytes]] = {
    "json": lambda: sealed_json(NESTED),
    "unicode": lambda: sealed_json(NESTED, ensure_ascii=False),
    "comment": lambda: sealed_comment(f'# {LIKE_A_SEAL}\nmargin = 0.05\nmodel = "x"\n'),
    "safetensors": lambda: sealed_safetensors(save({"x": np.arange(6.0)}), {"about": "{}"}),
    "parquet": lambda: sealed_parquet(table()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flip_at_every_byte_is_found(kind, tmp_path):
    whole = KINDS[kind]()
    require_whole(whole)
    for place in range(len(whole)):
        for bit in (0, 5) if kind != "parquet" else (place % 8,):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            with pytest.raises(ValueError, match="checksum"):
                require_whole(bytes(damaged))


@settings(max_examples=60)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
def test_what_is_cut_added_or_moved_is_found(data, kind):
    whole = KINDS[kind]()
    place = data.draw(st.integers(0, len(whole) - 1))
    added = data.draw(st.binary(min_size=1, max_size=4))
    for damaged in (whole[:place], whole[:place] + added + whole[place:], whole[place:]):
        if damaged != whole:
            with pytest.raises(ValueError, match="checksum"):
                require_whole(damaged)


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_a_file_with_its_seal_in_front_is_checked_without_being_held(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.files.sealed._CHUNK_BYTES", 7)
    monkeypatch.setattr("data_prep.files.sealed._HEAD_BYTES", 170)
    file, whole = tmp_path / "file", KINDS[kind]()
    file.write_bytes(whole)
    require_whole_file(file)
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="checksum"):
            require_whole_file(file)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="no checksum"):
        require_whole_file(file)


def test_other_programs_read_the_files_as_before(tmp_path):
    assert {**json.loads(sealed_json(NESTED)), "seal": 0} == {"seal": 0, **NESTED}
    assert opened_json(sealed_json(NESTED)) == NESTED
    sealed = sealed_safetensors(save({"x": np.arange(6.0), "y": np.ones((2, 3), "f4")}))
    tensors = load(sealed)
    assert tensors["x"].tolist() == [0, 1, 2, 3, 4, 5]
    assert tensors["y"].shape == (2, 3)
    assert (8 + int.from_bytes(sealed[:8], "little")) % 8 == 0, "tensors stay aligned"
    read = pd.read_parquet(io.BytesIO(sealed_parquet(table())))
    pd.testing.assert_frame_equal(read, table())
    assert read.attrs == table().attrs
    (tmp_path / "x").write_bytes(sealed_comment("a = 1\n"))
    assert read_sealed(tmp_path / "x").startswith(b"a = 1\n# sha256 with zeros in its place: ")


def test_the_same_content_gives_the_same_bytes():
    for kind in KINDS.values():
        assert kind() == kind()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                               max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(content=st.dictionaries(st.text(max_size=6).filter(lambda key: key != "seal"), json_values))
def test_any_object_is_read_back(content):
    assert opened_json(sealed_json(content)) == content


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[]", "no object"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ('{"a": 1e999}', "number that is too large"),
        ('{"a": ' + "9" * 400 + "}", "integer that is too large"),
        ('{"a": ' + "9" * 100_000 + "}", "integer that is too large"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "nested too deep"),
        ('{"a": "\\ud800' + "\xff", "Unterminated"),
    ],
)
def test_hostile_objects_are_one_kind_of_error(text, why):
    with pytest.raises(ValueError, match=why):
        plain_json(text.encode())


def test_bytes_that_are_no_text():
    with pytest.raises(ValueError, match="decode"):
        plain_json(b'{"a": "\xff"}')


def test_what_an_earlier_version_wrote_is_told_from_what_is_damaged():
    assert never_sealed(b'{"a": 1}')
    assert not never_sealed(b'{"a": 1')
    whole = sealed_json({"a": 1})
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        assert not never_sealed(bytes(damaged))


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path):
    for read in (read_sealed, require_whole_file):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")
