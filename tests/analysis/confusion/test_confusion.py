"""The command of competing words, as a user types it, and what it refuses."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.commands.options import parse_options
from analysis.confusion import __main__ as confusion
from analysis.schema import results_schema
from tests.analysis.conftest import files_of, results_of
from tests.commands import Ended, run_command
from tests.data_prep.photographs.made_up import write_images
from tests.probes.families.small import save
from tests.schemas import require_valid
from tests.sealed import edit_sealed


@pytest.fixture
def run_confusion(capsys):
    """Runs the command with these arguments, in this process."""

    def run(arguments) -> Ended:
        line = [str(each) for each in arguments]
        kind, command = confusion.Confusion, confusion.COMMAND
        return run_command(
            capsys, lambda: confusion.main(parse_options(kind, command=command, arguments=line))
        )

    return run


def test_from_end_to_end_and_again_without_the_model(run_confusion, small, tmp_path, monkeypatch):
    run = tmp_path / "run"
    arguments = [*small, "--run", run, "--attr", "shape", "--say-3d", "--layers", "0", "3"]
    ended = run_confusion(arguments)
    assert (ended.code, ended.err) == (0, "")
    results = results_of(run)
    require_valid(results, results_schema)
    found = results["studies"]["confusion"]["shape"]
    assert found["say_3d"]["n_scenes"] == found["together"]["n_scenes"]
    for stem in ("words-shape", "confusion-shape", "image-adds-shape"):
        assert (run / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
        with Image.open(run / f"{stem}.png") as image:
            assert image.size[0] > 800
    rows = pd.read_parquet(run / "confusion_words.parquet")
    n_words = rows["word"].nunique()
    assert len(rows) == 3 * found["n_items"] * 4 * n_words
    assert set(rows["condition"]) == {"real", "shuffled"}
    sums = rows.groupby(["item_id", "layer", "wording", "condition"])["share"].sum()
    np.testing.assert_allclose(np.asarray(sums), 1, atol=1e-5)
    chosen = pd.read_parquet(run / "confusion_answers.parquet")
    assert set(chosen["chosen"]) <= {"cube", "sphere", "cylinder"}

    before = files_of(run)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    assert run_confusion(arguments) == ended
    assert files_of(run) == before


def test_on_another_family(run_confusion, clevr, tmp_path):
    folder = save("qwen2_vl", tmp_path / "model")
    arguments = ["--model", folder, "--data", f"clevr:{clevr}", "--min-scenes-per-text", "5"]
    arguments += ["--n-resamples", "800", "--attr", "material", "--run", tmp_path / "run"]
    assert run_confusion(arguments).code == 0
    require_valid(results_of(tmp_path / "run"), results_schema)


@pytest.fixture
def captured(run_confusion, small, tmp_path):
    """A run in which the built-in words were followed, and whose model is gone since."""
    model = tmp_path / "model"
    shutil.copytree(small[1], model)
    arguments = [*small, "--model", model, "--run", tmp_path / "run", "--attr", "shape"]
    ended = run_confusion(arguments)
    assert ended.code == 0, ended.err
    shutil.rmtree(model)
    return arguments


def test_without_the_model_what_was_kept_is_enough(run_confusion, captured, tmp_path):
    results = tmp_path / "run" / "results.json"
    kept = results_of(tmp_path / "run")["studies"]["confusion"]
    edit_sealed(results, lambda content: content["studies"].pop("confusion"))
    assert run_confusion(captured).code == 0
    assert results_of(tmp_path / "run")["studies"]["confusion"] == kept


def test_without_the_model_other_words_are_one_line(run_confusion, captured):
    message = run_confusion([*captured, "--words", "cube=brick"]).refusal
    assert (
        "has not kept the tokens of cube, block, sphere, ball, cylinder, brick, and the model"
        in message
    )
    assert "run this once where it is" in message


def test_without_the_model_another_wording_is_one_line(run_confusion, captured):
    message = run_confusion([*captured, "--say-3d"]).refusal
    assert "holds no answers to 'What 3D shape is the " in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "cone=square"], "--words names answers of shape, got 'cone': choose from"),
        (["--words", "cube="], "--words needs a text, got an empty one"),
        (["--words", "cube=a,,b"], "words are listed with commas, got 'a,,b'"),
        (["--words", "cube=sphere"], "'sphere' is an answer itself"),
        (["--attr", "count"], "there are no competing words for count: name some"),
        (["--margin-bits", "0"], "--margin-bits must be at least 1e-06, got 0"),
        (["--layers", "-1"], "--layers must be at least 0, got -1: layers are counted from 0"),
        (["--layers", "4"], "--layers must lie in 0..3, got 4: lower it"),
    ],
)
def test_bad_arguments_are_one_line(run_confusion, small, tmp_path, arguments, message):
    asked = [*small, "--run", tmp_path / "run", "--attr", "shape", *arguments]
    assert message in run_confusion(asked).refusal


def test_words_of_any_script_and_those_that_are_markup(run_confusion, small, tmp_path):
    words = ["cube=\u65b9\u5f62,<b>x</b>", "sphere=\u05db\u05d3\u05d5\u05e8", "cylinder=$\\cyl_1$"]
    run = tmp_path / "run"
    ended = run_confusion([*small, "--run", run, "--attr", "shape", "--words", *words])
    assert ended.code == 0, ended.err
    assert "<b>x</b>" in ended.out
    near = results_of(run)["studies"]["confusion"]["shape"]["near"]
    assert near["sphere"] == ["\u05db\u05d3\u05d5\u05e8"]


def test_own_images(run_confusion, model_folder, tmp_path):
    folder = write_images(tmp_path / "things", ["red", "metal_", "Ball"], 12)
    arguments = ["--model", model_folder, "--data", f"images:{folder}", "--n-resamples", "800"]
    arguments += ["--run", tmp_path / "run", "--words", "Ball=zzz"]
    ended = run_confusion(arguments)
    assert ended.code == 0, ended.err
    assert "'zzz' against 'Ball'" in ended.out


def test_a_run_folder_that_is_empty_begins_a_run(run_confusion, small, tmp_path):
    (tmp_path / "run").mkdir()
    assert run_confusion([*small, "--run", tmp_path / "run", "--attr", "shape"]).code == 0
