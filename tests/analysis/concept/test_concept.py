"""`analysis.concept` as a user types it, on folders of noise: what it writes, what it refuses."""

import json
import shutil

import jsonschema
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file

from analysis.commands.options import parse_options
from analysis.concept import __main__ as concept
from analysis.concept.found import FoundConcept
from analysis.schema import results_schema
from analysis.typed import json_schema
from paper.build import Build
from paper.build import main as build
from tests.analysis.conftest import files_of, results_of
from tests.commands import Ended, run_command
from tests.data_prep.photographs.made_up import picture
from tests.probes.families.small import save
from tests.schemas import require_valid


def write_folder(folder, n, first=0):
    """Noise, another for every image; own ones differ from the contrast in name only."""
    folder.mkdir(parents=True)
    for number in range(n):
        picture(first + number).save(folder / f"{number:03d}.png")
    return folder


def write_table(file, rows, header="file,age,grade,eye"):
    file.write_text("\n".join([header, *rows]), encoding="utf-8")
    return file


def rows_of(n):
    return [f"{k:03d}.png,{20 + 1.5 * k},{k % 3},{'left' if k % 2 else 'right'}" for k in range(n)]


@pytest.fixture
def run_concept(capsys):
    """Runs the command with these arguments, in this process."""

    def run(arguments) -> Ended:
        line = [str(each) for each in arguments]
        kind, command = concept.Concept, concept.COMMAND
        return run_command(
            capsys, lambda: concept.main(parse_options(kind, command=command, arguments=line))
        )

    return run


@pytest.fixture
def folders(tmp_path):
    return write_folder(tmp_path / "Red_eyes", 30), write_folder(tmp_path / "others", 24, 100)


@pytest.fixture
def asked(model_folder, folders, tmp_path) -> list:
    own, contrast = folders
    return [
        *("--model", model_folder, "--data", f"images:{own}", "--contrast", contrast),
        *("--n-resamples", "800", "--run", tmp_path / "run", "--words", "red", "ball"),
    ]


def test_from_end_to_end_and_again_without_the_model(run_concept, asked, tmp_path, monkeypatch):
    run = tmp_path / "run"
    table = write_table(tmp_path / "t.csv", rows_of(28))
    arguments = [*asked, "--export", "--layers", "1", "3", "--decode", "age", "--table", table]
    ended = run_concept(arguments)
    assert (ended.code, ended.err) == (0, "")
    results = results_of(run)
    require_valid(results, results_schema)
    found = results["studies"]["concept"]
    assert (found["n_own"], found["n_contrast"]) == (30, 24)
    # Noise in both folders: nothing to recognise, and nothing to decode.
    assert found["omnibus_p"]["contrast"] > 0.01
    assert found["decoded"]["age"]["left_out"] == 2
    assert "2 own images have no row in the CSV" in ended.out
    with Image.open(run / "concept.png") as image:
        assert image.size[0] > 800

    labels = pd.read_parquet(run / "export" / "labels.parquet")
    tensors = load_file(run / "export" / "residuals.safetensors")
    about = json.loads((run / "export" / "columns.json").read_text())
    assert list(labels.columns) == list(about["columns"])
    assert set(tensors) >= {"layer_1", "layer_3"}
    assert all(len(each) == len(labels) == 54 for each in tensors.values())
    assert labels["folder"].value_counts().to_dict() == {"own": 30, "contrast": 24}
    own = labels.loc[labels["image"] == "own/003.png"].iloc[0]
    assert own["csv: age"] == "24.5"
    assert len(pd.read_parquet(run / "decode_scores.parquet")) == 28 * 4 * 2

    before = files_of(run)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    assert run_concept(arguments) == ended
    assert files_of(run) == before


def test_labels_words_against_others_and_the_report(run_concept, asked, tmp_path, emergence):
    run = tmp_path / "run"
    table = write_table(tmp_path / "t.csv", rows_of(30))
    ended = run_concept([*asked, "--against", "blue", "--decode", "eye", "--table", table])
    assert ended.code == 0, ended.err
    assert "red, ball against blue" in ended.out
    grade = run_concept([*asked, "--against", "blue", "--decode", "grade", "--table", table])
    assert grade.code == 0, grade.err
    found = results_of(run)["studies"]["concept"]
    jsonschema.validate(found, json_schema(FoundConcept))
    assert set(found["decoded"]) == {"eye", "grade"}
    assert found["decoded"]["grade"]["labels"] == ["0", "1", "2"]
    scores = pd.read_parquet(run / "concept_scores.parquet")
    assert np.isfinite(scores["bits"]).all()
    assert emergence([*asked[:-3], "--attr", "shown"]).code == 0
    assert build(Build(runs=(run,), out=tmp_path / "report")) == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Recognition of a kind of image" in page


def test_on_another_family(run_concept, folders, tmp_path):
    own, contrast = folders
    model = save("qwen2_vl", tmp_path / "model")
    arguments = ["--model", model, "--data", f"images:{own}", "--contrast", contrast]
    arguments += ["--n-resamples", "800", "--run", tmp_path / "run", "--words", "red"]
    assert run_concept(arguments).code == 0
    require_valid(results_of(tmp_path / "run"), results_schema)


def test_without_the_model_another_question_is_one_line(run_concept, asked, tmp_path):
    model = shutil.copytree(asked[1], tmp_path / "model")
    arguments = [*asked, "--model", model]
    assert run_concept(arguments).code == 0
    shutil.rmtree(model)
    assert run_concept(arguments).code == 0
    other = run_concept([*arguments, "--question", "What?"]).refusal
    assert "holds no answers to 'What?'" in other
    other = run_concept([*arguments, "--words", "blue"]).refusal
    assert "has not kept the tokens of blue, and the model is not here" in other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words"], "--words needs words"),
        (["--question", " "], "--question needs a text"),
        (["--layers", "3"], "--layers says what --export writes: add --export"),
        (["--words", "red", "--against", "red"], "got 'red' under concept and against: remove one"),
        (["--export", "--layers", "4"], "--layers must lie in 0..3, got 4"),
        (["--decode", "age"], "--decode age needs a CSV with a column of images"),
        (["--plateau", "3", "4"], "plateau must end by layer 3"),
    ],
)
def test_bad_arguments_are_one_line(run_concept, asked, arguments, message):
    assert message in run_concept([*asked, *arguments]).refusal


def test_words_that_begin_alike_are_told_apart_where_they_part(run_concept, asked):
    ended = run_concept([*asked, "--words", "zzz", "--against", "zzzz"])
    assert ended.code == 0, ended.err
    assert "zzz against zzzz, logit lens" in ended.out


def test_a_split_word_is_read_to_its_end(run_concept, asked):
    ended = run_concept([*asked, "--words", "zebra"])
    assert ended.code == 0, ended.err
    assert "is split by this tokenizer" not in ended.out


def test_words_of_any_script_and_those_that_are_markup(run_concept, asked, tmp_path, emergence):
    words = ["\u7db2\u819c", "\u05e2\u05d9\u05df", "<b>x</b>", "$\\eye_1$ 5%"]
    table = write_table(tmp_path / "t.csv", rows_of(30), "file,$a_b$<b>,grade,eye")
    more = ["--words", *words, "--decode", "$a_b$<b>", "--table", table]
    ended = run_concept([*asked, *more])
    assert ended.code == 0, ended.err
    assert emergence([*asked[:-3], "--attr", "shown"]).code == 0
    assert build(Build(runs=(tmp_path / "run",), out=tmp_path / "report")) == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<b>x" not in page
    assert "\u7db2\u819c" in page


@pytest.mark.parametrize(
    ("rows", "column", "message"),
    [
        (rows_of(30), "weight", "has no column 'weight': choose from age, grade, eye"),
        ([*rows_of(29), "029.png,,0,left"], "age", "row 31: no value for 'age': fill it in"),
        ([f"{k:03d}.png,1,1,left" for k in range(30)], "eye", "got 'left' for every image"),
        ([*rows_of(29), "029.png,1.5,0,both"], "eye", "needs at least 5 images, got 1 for 'both'"),
        (rows_of(19), "age", "at least 20 images with a value of 'age', got 19 of 30 own ones"),
        ([*rows_of(30), "000.png,1,1,left"], "eye", "row 32: '000.png' has a row already"),
    ],
)
def test_columns_that_cannot_be_decoded(run_concept, asked, tmp_path, rows, column, message):
    table = write_table(tmp_path / "t.csv", rows)
    shown = run_concept([*asked, "--decode", column, "--table", table]).refusal
    assert message in shown


def test_numbers_must_be_numbers(run_concept, asked, tmp_path):
    table = write_table(tmp_path / "t.csv", rows_of(30))
    more = ["--decode", "eye", "--decode-as", "number", "--table", table]
    assert "'eye' must hold numbers, got 'right'" in run_concept([*asked, *more]).refusal


@pytest.mark.parametrize(("n_own", "n_contrast"), [(1, 30), (30, 9)])
def test_a_folder_that_is_too_small(run_concept, model_folder, tmp_path, n_own, n_contrast):
    own = write_folder(tmp_path / "a", n_own)
    contrast = write_folder(tmp_path / "b", n_contrast, 100)
    arguments = ["--model", model_folder, "--data", f"images:{own}", "--contrast", contrast]
    arguments += ["--run", tmp_path / "run", "--words", "red"]
    assert "each folder needs at least 10 images, got" in run_concept(arguments).refusal


def test_a_contrast_is_needed(run_concept, model_folder, clevr, tmp_path):
    arguments = ["--model", model_folder, "--data", f"clevr:{clevr}", "--words", "red"]
    message = run_concept([*arguments, "--run", tmp_path / "run"]).refusal
    assert "a concept is asked of two folders, got clevr:" in message


def test_a_csv_of_numbers_alone_is_enough_beside_a_contrast(run_concept, asked, folders, tmp_path):
    rows = [f"{k:03d}.png,{20 + 1.5 * k}" for k in range(30)]
    write_table(folders[0] / "ages.csv", rows, "file,age")
    data = ["--data", f"images:{folders[0]}:ages.csv", "--run", tmp_path / "other"]
    ended = run_concept([*asked, *data, "--decode", "age"])
    assert ended.code == 0, ended.err
