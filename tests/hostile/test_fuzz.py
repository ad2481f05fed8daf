"""The short form of the fuzzer, and that it can find what it looks for."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import strategies as st

from data_prep.errors import UserError
from tests.hostile.fuzz import attack
from tests.hostile.limited import limited
from tests.hostile.targets import Target, targets

EXAMPLES = 8


@pytest.mark.parametrize("name", list(targets()))
def test_damaged_inputs_are_taken_with_reason_or_refused_in_one_line(name, tmp_path):
    counted: Counter[str] = Counter()
    fault = attack(targets()[name], tmp_path, examples=EXAMPLES, random_seed=0, counted=counted)
    assert fault is None


@pytest.mark.parametrize("name", list(targets()))
def test_what_is_not_damaged_is_taken(name, tmp_path):
    target = targets()[name]
    ended = limited(lambda: target.read(target.good, tmp_path))
    assert (ended.how, ended.said) == ("accepted", "")


def _read(content: bytes, folder: Path) -> None:
    del folder
    if content == b"1":
        raise KeyError("a class that is not the user's")
    if content == b"2":
        raise MemoryError
    if content == b"3":
        while True:
            pass
    if content == b"4":
        bytearray(2**31)
    raise UserError("refused")


@pytest.mark.parametrize(
    ("content", "how"),
    [(b"0", "refused"), (b"1", "traceback"), (b"2", "memory"), (b"3", "time"), (b"4", "memory")],
)
def test_each_ending_is_called_by_its_name(content, how, tmp_path):
    ended = limited(lambda: _read(content, tmp_path), seconds=1, more_bytes=2**30)
    assert ended.how == how
    assert ended.is_tidy == (how == "refused")


def test_a_fault_is_found_and_shrunk(tmp_path):
    inputs = st.integers(0, 99).map(lambda number: b"1" if number > 50 else b"0")
    target = Target(name="planted", inputs=inputs, good=b"0", read=_read)
    fault = attack(target, tmp_path, examples=50, random_seed=0, counted=Counter())
    assert fault is not None
    assert fault.startswith("planted: traceback for b'1'")
