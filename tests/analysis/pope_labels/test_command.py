"""The command as a user types it: what it prints, and what it refuses in one line."""

import subprocess
import sys

import pytest

from tests.analysis.pope_labels.conftest import ONE, TURNED, YES, corrected, write_questions


def test_it_prints_shares_and_what_may_be_said(files, command):
    ended = command([files["one"], files["two"]], [files["one_corrected"], files["two_corrected"]])
    assert (ended.code, ended.err) == (0, "")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["one", "yes", "4", "8", "1", "2", "25.00", "28.57"] in rows
    assert ["no", "4", "4", "1", "2", "50.00", "66.67"] in rows
    assert ["all", "files,", "every", "line", "yes", "4", "16", "2", "4", "25.00", "28.57"] in rows
    assert ["no", "4", "6", "1", "2", "33.33", "40.00"] in rows
    said = ended.out.splitlines()
    assert (
        "Of 16 labels yes, 4 are changed to no and 2 are judged ambiguous: 25.00% of all are "
        "changed, and 28.57% of the 14 that are not ambiguous."
    ) in said
    assert (
        "The 8 labels no are those of 6 questions, which files repeat: the 3 changed ones are 2 "
        "questions, 33.33% of these."
    ) in said
    (sure,) = [line for line in said if line.startswith("Over 4 images the share of yes")]
    assert "25.00% (95% CI " in sure
    assert "takes the 16 labels for independent (7.27 to 52.38) would be " in sure
    assert " times too narrow. The labels are worth about " in sure


def test_a_single_file_is_shown_once_and_repeats_nothing(files, command):
    ended = command([files["one"]], [files["one_corrected"]], "--level", "0.9")
    assert ended.code == 0
    assert "all files" not in ended.out
    assert "repeat" not in ended.out
    assert "with 90% intervals" in ended.out


@pytest.mark.parametrize(
    ("pope", "other", "message"),
    [
        (["one", "two"], ["one_corrected"], "--pope and --corrected must name equally many files, "
         "got 2 and 1"),
        (["one"], ["two_corrected"], "two_corrected.json, line 8: the question must be among"),
        (["none"], ["one_corrected"], "none.json' cannot be read (No such file or directory)"),
        (["one"], ["none"], "none.json' cannot be read (No such file or directory)"),
        (["one", "one"], ["one_corrected", "two_corrected"], "each file must be given once"),
        ([], ["one_corrected"], "--pope"),
    ],
)  # fmt: skip
def test_files_that_do_not_go_together_are_refused(files, command, tmp_path, pope, other, message):
    files["none"] = tmp_path / "none.json"
    refusal = command([files[each] for each in pope], [files[each] for each in other]).refusal
    assert message in refusal


def test_a_level_beyond_its_bounds_is_refused(files, command):
    refusal = command([files["one"]], [files["one_corrected"]], "--level", "1").refusal
    assert "--level must lie between 0 and 1, got 1.0: 0.95 is usual" in refusal


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": "no"}, "one and again must say the same of a question, got yes and no (corrected) "
         "for 'Is there a cat in the image?' about 'b.jpg'"),
        ({"b": None}, "got yes and ambiguous (corrected)"),
    ],
)  # fmt: skip
def test_corrections_that_contradict_each_other_are_refused(
    files, command, tmp_path, change, message
):
    again = write_questions(tmp_path / "again.json", ONE)
    lines = [
        (image, thing, change.get(image, label) if thing == "cat" else label)
        for image, thing, label in corrected(ONE)
    ]
    kept = [(image, thing, label) for image, thing, label in lines if label is not None]
    other = write_questions(tmp_path / "again_corrected.json", kept)
    refusal = command([files["one"], again], [files["one_corrected"], other]).refusal
    assert message in refusal


def test_labels_that_contradict_each_other_are_refused(files, command, tmp_path):
    lines = [(*each, TURNED.get(each, "yes")) for each in ((i, t) for i, t, _ in YES)]
    again = write_questions(tmp_path / "again.json", [*lines, *ONE[8:]])
    other = write_questions(tmp_path / "other.json", ONE)
    refusal = command([files["one"], again], [files["one_corrected"], other]).refusal
    assert "one and again must say the same of a question, got yes and no (label)" in refusal


def test_a_file_without_one_of_the_labels_is_refused(command, tmp_path):
    only = write_questions(tmp_path / "only.json", YES)
    same = write_questions(tmp_path / "same.json", YES)
    assert "only: at least 2 images need a question labelled no, got 0" in (
        command([only], [same]).refusal
    )


def test_files_of_the_same_name_are_told_apart_by_their_folders(files, command, tmp_path):
    (tmp_path / "b").mkdir()
    same = files["two"].rename(tmp_path / "b" / "one.json")
    ended = command([files["one"], same], [files["one_corrected"], files["two_corrected"]])
    assert ended.code == 0
    assert "b/one.json" in "".join(line[:24].strip() for line in ended.out.splitlines())


def test_it_needs_no_torch():
    code = "import sys, analysis.pope_labels.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
