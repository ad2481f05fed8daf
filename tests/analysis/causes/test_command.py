"""The command: what it writes, that it goes on where it stopped, and that it is not run again."""

import shutil

import pytest

from analysis.causes import parts
from analysis.causes.found import Caused
from analysis.run.results import load_results
from analysis.schema import results_schema
from analysis.typed import read_back, written
from tests.analysis.causes.conftest import asked
from tests.analysis.conftest import files_of, results_of
from tests.schemas import require_valid


def stopped_after(monkeypatch, n_batches: int) -> None:
    """The next command is interrupted when it has begun so many batches of its own swaps."""
    left, begun = [n_batches], parts.begun

    def some(*arguments):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return begun(*arguments)

    monkeypatch.setattr(parts, "begun", some)


def test_results_are_as_the_schema_says_and_are_read_back(finished):
    content = results_of(finished)
    require_valid(content, results_schema)
    kept = load_results(finished / "results.json").studies["causes"]["label"]
    found = read_back(Caused, kept, "it")
    assert written(found) == content["studies"]["causes"]["label"]
    assert found.pairs == "matched"
    assert found.last_layer == 4
    assert set(found.every.places) == {"image", "question", "answer"}
    assert {each.what for each in found.nothing} == {"image of another scene with the same answer"}
    assert (found.elsewhere, found.erased, found.changed_outside) == ((), (), {})
    assert [each.layer for each in found.directed] == [1, 2, 3, 4]
    for name in ("causes-label.pdf", "causes-label.png"):
        assert (finished / name).stat().st_size > 1000
    assert not list(finished.rglob("*.part"))


def test_the_share_of_the_image_is_whole_at_first_and_none_at_last(finished):
    """By construction: nothing else differs at layer 0, nothing else is read at the last layer."""
    found = read_back(Caused, results_of(finished)["studies"]["causes"]["label"], "it")
    image, answer = found.every.places["image"], found.every.places["answer"]
    assert image[0].estimate == pytest.approx(1, abs=1e-4)
    assert answer[-1].estimate == pytest.approx(1, abs=1e-4)
    assert (image[-1].estimate, answer[0].estimate) == (0, 0)
    assert 0.02 < image[2].estimate < 0.98, "a model of many movers"


def test_a_killed_run_goes_on_to_the_same_bytes(
    causes, finished, answering_llava, pictures, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    line = asked(answering_llava, pictures, run)
    with monkeypatch.context() as patched:
        stopped_after(patched, 7)
        ended = causes(*line)
    assert ended.code == 130
    assert "run again to go on" in ended.err
    parts_of = {path.name.split(".")[0] for path in (run / "causes").rglob("*.part")}
    assert parts_of == {"same_answer"}, "the pairs' 5 batches are finished, then 2 of 5"
    assert len(list((run / "causes").rglob("*.part"))) == 2
    ended = causes(*line)
    assert (ended.code, ended.err) == (0, "")
    ours, theirs = files_of(run), files_of(finished)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_a_finished_study_is_read_back_without_the_model(
    causes, finished, answering_llava, pictures, tmp_path, monkeypatch
):
    run = shutil.copytree(finished, tmp_path / "run")
    line = asked(answering_llava, pictures, run)
    before = files_of(run)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    monkeypatch.setattr("analysis.causes.measure.measured_causes", None)
    ended = causes(*line)
    assert (ended.code, ended.err) == (0, "")
    assert "share of the total effect" in ended.out
    assert files_of(run) == before


def test_another_margin_reads_what_was_run_and_runs_no_swap(
    causes, finished, answering_llava, pictures, tmp_path, monkeypatch
):
    run = shutil.copytree(finished, tmp_path / "run")
    line = [*asked(answering_llava, pictures, run), "--nothing", "0.2"]
    for where in ("parts", "directed"):
        monkeypatch.setattr(f"analysis.causes.{where}.begun", None)
    ended = causes(*line)
    assert (ended.code, ended.err) == (0, "")
    found = results_of(run)["studies"]["causes"]["label"]
    assert (found["asked"]["margin"], found["every"]["window"]["margin"]) == (0.2, 0.2)
    assert (
        found["every"]["places"]
        == results_of(finished)["studies"]["causes"]["label"]["every"]["places"]
    )


def test_the_table_of_controls_names_the_pairs_that_were_run(
    causes, finished, answering_llava, pictures, tmp_path
):
    """A study may take 60 pairs for the directions, but there are 24."""
    run = shutil.copytree(finished, tmp_path / "run")
    ended = causes(*asked(answering_llava, pictures, run))
    row = next(line for line in ended.out.splitlines() if "probe's direction set" in line)
    assert next(each for each in row.split() if each.isdigit()) == "24"


def test_few_minimal_pairs_of_the_bundled_scenes(causes, plain_model, tmp_path):
    """Of few small images few rows show the object."""
    run = tmp_path / "run"
    ended = causes(
        "--model", plain_model("llava"), "--attr", "color", "--run", run, "--quick", "--most",
        "30", "--n-resamples", "800", "--level", "0.8",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    content = results_of(run)
    require_valid(content, results_schema)
    found = read_back(Caused, content["studies"]["causes"]["color"], "it")
    assert (found.pairs, found.n_pairs) == ("minimal", 30)
    assert set(found.every.places) == {"image", "object", "rest", "question", "answer"}
    assert [each.layer for each in found.elsewhere] == [0, 1, 2]
    assert [each.layer for each in found.erased] == [0, 1, 2]
    assert found.changed_outside.keys() == {"0", "2", "8"}
    kinds = [each.what for each in found.nothing]
    assert kinds[:2] == [
        "image of another scene with the same answer",
        "same images, asked of an object that is the same in both",
    ]
    assert all("of the changed object" in each for each in kinds[2:])
