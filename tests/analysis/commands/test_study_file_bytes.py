"""A study file of any bytes is read as it is meant, or refused in one line."""

import os
from pathlib import Path

import pytest

from analysis.commands.options import parse_options
from analysis.concept.__main__ import COMMAND, Concept
from analysis.confusion.__main__ import Confusion
from data_prep.errors import UserError

HEX = "0x" + "f" * 6000
"""More digits than Python writes as decimal ones, and TOML all the same."""


def refused(file: Path, kind: type = Concept, command: str = COMMAND) -> str:
    with pytest.raises(UserError) as raised:
        parse_options(kind, command=command, arguments=["--study", str(file)])
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 1500
    assert "Error" not in message, "no class"
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seed = " + "9" * 400, "seed must be at most 9223372036854775807, got 9999"),
        ("seed = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        (f"seed = {HEX}", "seed in "),
        (f"ask = {HEX}", """must be like {name = "text"}, got a number of thousands of digits"""),
        ("seed = " + "[" * 10_000, "is nested too deeply"),
        ("seed = " + "{a = " * 10_000, "is nested too deeply"),
        ("seed." + "a." * 40_000 + "b = 1", "is nested too deeply"),
        ("seed." + "a." * 150 + "b = 1", "seed in "),
        ("a." * 150 + "b = 1", "unknown key 'a'"),
        ("concept.words." + "a." * 150 + "b = 1", "must be text, a number or a list of these"),
        (f"[concept]\nlayers = [{HEX}]", "is a number of too many digits"),
        (f"[concept]\nlayers = [{'9' * 400}]", "--layers must be at most 10000, got 9999"),
        ("level = nan", "level must lie between 0 and 1, got nan"),
        ("margin = inf", "margin must lie between 0 and 1, got inf"),
        ("n_resamples = 1000000000", "n_resamples must be at most 1000000, got 1000000000"),
        ("quantize = 5", "must be one of 4, 8, got 5"),
        ("quantize = 4.5", "must be one of 4, 8, got 4.5"),
        ("plateau = [-1, 3]", "plateau must be at least 0, got -1 3"),
        ("plateau = [0, 9999999]", "plateau must be at most 10000, got 0 9999999"),
        ('model = ""', "model needs a text, got an empty one"),
        ('model = "a\\u0000b"', "model must be text in UTF-8, got 'a\\x00b'"),
        ('revision = "\\u001b[31m"', "revision must hold no control characters"),
        ('lens_attributes = ["color", " "]', "lens_attributes needs a text, got an empty one"),
        ("lens_attributes = []", "lens_attributes needs at least one attribute"),
        (f'revision = "{"x" * 90_000}"', "revision must have at most 10,000 characters"),
        (f"revision = {['x'] * 10_000}", "must be text, got ['x', 'x'"),
        (f"{'x' * 90_000} = 1", "unknown key 'xxx"),
        (f'[concept]\nwords = ["{"x" * 90_000}"]', "words must have at most 10,000 characters"),
        ('[concept]\nwords = ["a\\u0000b"]', "holds the character NUL"),
        ("seed = \x00", "is not valid TOML"),
        ("# " + "x" * 100_001, "must have at most 100000 bytes, got more"),
    ],
    ids=lambda text: text[:30],
)
def test_what_no_study_can_hold_is_told_in_one_line(tmp_path, content, message):
    file = tmp_path / "study.toml"
    file.write_text(content)
    told = refused(file)
    assert message in told
    assert str(file) in told


def test_numbers_of_a_table_have_bounds(tmp_path):
    file = tmp_path / "study.toml"
    for text in ("nan", "inf", "1e308", "0"):
        file.write_text(f"[confusion]\nmargin_bits = {text}\n")
        assert "--margin-bits must be" in refused(file, Confusion, "python -m analysis.confusion")


def test_a_mark_of_utf_8_is_no_part_of_the_study(tmp_path):
    file = tmp_path / "study.toml"
    file.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    read = parse_options(Concept, command=COMMAND, arguments=["--study", str(file)])
    assert read.plan.seed == 3


@pytest.mark.parametrize(
    "content", [b"\xff\xfes\0e\0e\0d\0", b"seed = 1 # caf\xe9", b"\x89PNG\r\n"]
)
def test_other_bytes_are_no_study(tmp_path, content):
    file = tmp_path / "study.toml"
    file.write_bytes(content)
    assert "is not valid TOML: 'utf-8' codec" in refused(file)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path, tmp_path / "fifo", Path("/dev/zero"), Path("/dev/null")):
        assert "is no file: give one with a study" in refused(place)
    assert "cannot read the study file" in refused(tmp_path / ("x" * 300 + ".toml"))
    assert "no study of that name is shipped" in refused(Path("x" * 300))
