"""Two small pairs of files that repeat questions, made up so that every share is known by hand."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from analysis.pope_labels.__main__ import COMMAND, PopeLabels, main
from data_prep.command_line import from_command_line
from tests.commands import Ended, run_command

Lines = list[tuple[str, str, str]]
"""Image, thing and label of each question."""

YES = [(image, thing, "yes") for image in "abcd" for thing in ("cat", "dog")]
ONE: Lines = [*YES, *((image, "car", "no") for image in "abcd")]
TWO: Lines = [*YES, *((image, "bus", "no") for image in "ab"), *((i, "car", "no") for i in "cd")]
# Both things in a are wrong, so are the bus in a and the car in c; the dog in b and the car in d
# are ambiguous.
TURNED = {("a", "cat"): "no", ("a", "dog"): "no", ("a", "bus"): "yes", ("c", "car"): "yes"}
AMBIGUOUS = {("b", "dog"), ("d", "car")}


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """The files of the two pairs by name."""
    pairs = {"one": ONE, "two": TWO}
    return {
        name: write_questions(tmp_path / f"{name}.json", lines)
        for pair, before in pairs.items()
        for name, lines in ((pair, before), (f"{pair}_corrected", corrected(before)))
    }


@pytest.fixture
def command(capsys) -> Callable[..., Ended]:
    """Runs the command on files of labels and files of corrected ones, in this process."""

    def run(pope: Sequence[Path], corrected: Sequence[Path], *options: str) -> Ended:
        line = ["--pope", *map(str, pope), "--corrected", *map(str, corrected), *options]
        return run_command(
            capsys, lambda: main(from_command_line(PopeLabels, command=COMMAND, arguments=line))
        )

    return run


def corrected(lines: Lines) -> Lines:
    """The lines as they are in the corrected file."""
    return [
        (image, thing, TURNED.get((image, thing), label))
        for image, thing, label in lines
        if (image, thing) not in AMBIGUOUS
    ]


def write_questions(file: Path, lines: Lines) -> Path:
    """A file in POPE's form."""
    entries = [
        {"question_id": number, "image": f"{image}.jpg",
         "text": f"Is there a {thing} in the image?", "label": label}
        for number, (image, thing, label) in enumerate(lines, start=1)
    ]  # fmt: skip
    file.write_text("".join(f"{json.dumps(each)}\n" for each in entries), encoding="utf-8")
    return file
