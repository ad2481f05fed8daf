"""The command from end to end: what it leaves, what it needs, what it refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND as EMERGENCE
from analysis.emergence.__main__ import Emergence
from analysis.emergence.__main__ import main as emergence_main
from analysis.schema import results_schema
from analysis.trajectory.__main__ import COMMAND, Trajectory, main
from analysis.trajectory.found import FoundTrajectories
from analysis.typed import read_back, written
from probes import load_vlm
from probes.token_names import token_names
from tests.analysis.conftest import files_of, results_of
from tests.commands import run_command
from tests.probes.families.small import save
from tests.schemas import require_valid
from tests.sealed import edit_sealed

SCORED = ("--min-scenes-per-text", "5", "--n-resamples", "800")


def run(*arguments):
    line = [str(each) for each in arguments]
    main(parse_options(Trajectory, command=COMMAND, arguments=line))


@pytest.fixture(scope="module")
def ran(clevr, model_folder, tmp_path_factory) -> tuple[list, Path]:
    """Arguments of a finished study, and its run folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["--model", model_folder, "--data", f"clevr:{clevr}", *SCORED, "--run", folder,
                 "--attr", "size", "--items", "30", "--top", "4"]  # fmt: skip
    run(*arguments)
    return arguments, folder


@pytest.fixture
def refused(capsys):
    """Runs the command, which must end in one line with code 2; gives the line."""

    def line(*arguments) -> str:
        ended = run_command(capsys, lambda: run(*arguments))
        assert ended.code == 2, (ended.out, ended.err)
        # Where the data is not here, a note goes before it.
        last = ended.err.splitlines()[-1]
        assert last.startswith("error: ")
        return last

    return line


def test_it_leaves_a_table_results_and_figures(ran, vlm):
    _, folder = ran
    results = results_of(folder)
    require_valid(results, results_schema)
    content = results["studies"]["trajectory"]
    study = read_back(FoundTrajectories, content, "results.json")
    assert json.dumps(written(study)) == json.dumps(content)
    found = study.attributes["size"]
    assert found.n_layers == vlm.n_layers
    assert (found.n_items, len(found.tokens)) == (30, 30)
    files = files_of(folder)
    for kind in ("size-heat", "size-curves", "size-tokens", "positions-1"):
        assert {f"trajectory-{kind}.pdf", f"trajectory-{kind}.png"} <= set(files)
    table = pd.read_parquet(folder / "trajectory.parquet")
    assert len(table) == 3 * 30 * (vlm.n_layers + 1)
    assert set(table["condition"]) == {"real", "shuffled", "blank"}
    assert {len(each) for each in table["token_ids"]} == {4}
    heat = np.array(found.heat.top1_probability)
    real = table[table["condition"] == "real"]
    first = np.stack(list(real["probabilities"]))[:, 0].reshape(30, -1)
    np.testing.assert_allclose(heat, first, atol=1e-5)


def test_the_last_layer_is_the_model(ran, vlm, clevr):
    from data_prep.sources import open_data

    _, folder = ran
    table = pd.read_parquet(folder / "trajectory.parquet")
    items = pd.read_parquet(folder / "items.parquet").set_index("item_id")
    data = open_data(f"clevr:{clevr}")
    last = table[(table["condition"] == "real") & (table["layer"] == vlm.n_layers)].iloc[:3]
    for _, row in last.iterrows():
        item = items.loc[row["item_id"]]
        logits = vlm.answer_logits([data.open_image(item["image"])], [item["question"]])
        top = logits[0].softmax(-1).topk(4)
        np.testing.assert_array_equal(row["token_ids"], top.indices)
        np.testing.assert_allclose(row["probabilities"], top.values, rtol=1e-3)
        names = token_names(vlm.tokenizer, vlm.unembedding.n_vocab).names
        assert row["token_texts"][0] == names[int(top.indices[0])]


def test_the_map_has_every_position_and_ends_at_the_answer(ran, vlm):
    _, folder = ran
    ((item_id, one),) = results_of(folder)["studies"]["trajectory"]["maps"].items()
    assert sum(one["of_image"]) == 16
    assert len(one["tokens"]) == len(one["top1_probability"]) == len(one["of_image"])
    table = pd.read_parquet(folder / "trajectory.parquet")
    own = table[(table["condition"] == "real") & (table["item_id"] == item_id)]
    first = np.stack(list(own["probabilities"]))[:, 0]
    np.testing.assert_allclose(one["top1_probability"][-1], first, atol=1e-4)
    assert one["item_id"] == item_id


def test_nothing_is_read_twice(ran, monkeypatch):
    arguments, folder = ran
    before = files_of(folder)
    monkeypatch.setattr("analysis.trajectory.__main__.trajectories_of", None)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    run(*arguments)
    assert files_of(folder) == before


def test_the_same_seed_gives_the_same_results(ran):
    arguments, folder = ran
    before = results_of(folder)["studies"]["trajectory"]
    edit_sealed(folder / "results.json", lambda content: content["studies"].pop("trajectory"))
    shutil.rmtree(folder / "trajectory.parquet")
    run(*arguments)
    assert results_of(folder)["studies"]["trajectory"] == before


@pytest.fixture
def moved(ran, clevr, tmp_path) -> Path:
    """A captured run where neither its model nor its data can be had."""
    model = shutil.copytree(ran[0][1], tmp_path / "box" / "model")
    data = shutil.copytree(clevr, tmp_path / "box" / "clevr")
    folder = tmp_path / "box" / "run"
    arguments = ["--model", model, "--data", f"clevr:{data}", *SCORED, "--run", folder,
                 "--attr", "size"]  # fmt: skip
    line = [str(each) for each in arguments]
    emergence_main(parse_options(Emergence, command=EMERGENCE, arguments=line))
    laptop = shutil.copytree(folder, tmp_path / "laptop" / "run")
    shutil.rmtree(tmp_path / "box")
    return laptop


def test_a_stored_run_is_read_without_the_model(moved, capsys):
    run("--run", moved, "--attr", "size", "--items", "20")
    shown = capsys.readouterr()
    assert "no map over token positions" in shown.err
    assert "20 scenes, 95% intervals" in shown.out
    found = results_of(moved)["studies"]["trajectory"]
    assert found["maps"] == {}
    texts = json.loads((moved / "output_map" / "token-texts.json").read_text())["texts"]
    for token in found["attributes"]["size"]["tokens"]:
        assert token["text"] == texts[token["id"]]


def test_what_a_moved_run_lacks_is_said(moved, refused):
    first = pd.read_parquet(moved / "items.parquet")["item_id"].iloc[0]
    asked = ("--run", moved, "--attr", "size", "--items", "20")
    assert "images" in refused(*asked, "--tokens-of", first)
    assert "ask on the machine that has the data" in refused("--run", moved, "--attr", "shape")
    texts = moved / "output_map" / "token-texts.json"
    texts.write_text("{")
    again = ("--run", moved, "--attr", "size", "--items", "21")
    assert "token-texts.json is damaged" in refused(*again)
    texts.unlink()
    assert "holds no token texts" in refused(*again)
    shutil.rmtree(moved / "residuals")
    assert "error: no model folder" in refused(*again)


def test_an_older_run_gets_its_texts_from_the_model(ran, tmp_path):
    arguments, folder = ran
    copy = shutil.copytree(folder, tmp_path / "run")
    file = copy / "output_map" / "token-texts.json"
    before = file.read_bytes()
    file.unlink()
    again = [*arguments[:8], "--run", copy, "--attr", "size", "--items", "12"]
    run(*again)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--items", "0"], "--items must be at least 1, got 0"),
        (["--top", "0"], "--top must be at least 1, got 0"),
        (["--top", "100000"], "--top must be at most"),
        (["--items", "5"], "at least 10 scenes, got 5"),
        (["--tokens-of", "nobody"], "--tokens-of must name items of size, got 'nobody'"),
        (["--attr", "taste"], "taste"),
    ],
)
def test_bad_arguments_are_one_line(ran, refused, more, message):
    assert message in refused(*ran[0], *more)


def test_too_few_scenes_and_an_empty_run_are_one_line(ran, refused, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    arguments = [*ran[0][:8], "--attr", "size"]
    assert "holds files but no run" in refused(*arguments, "--run", tmp_path / "full")
    one = [*ran[0][:4], "--n-resamples", "800", "--min-scenes-per-text", "1", "--scenes", "1"]
    assert "scenes" in refused(*one, "--attr", "size", "--run", tmp_path / "one")


def test_split_words_are_followed_to_where_answers_part(ran, clevr, model_folder, tmp_path, capsys):
    """A tokenizer that has a word in pieces only."""
    folder = shutil.copytree(model_folder, tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    for form in [form for form in vocabulary if form.strip("\u2581\u0120 ").lower() == "large"]:
        vocabulary[f"never-{form}"] = vocabulary.pop(form)
    merges = tokenizer["model"].get("merges", [])
    tokenizer["model"]["merges"] = [m for m in merges if "".join(m) in vocabulary]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    run("--model", folder, "--data", f"clevr:{clevr}", *SCORED, "--attr", "size",
        "--items", "20", "--run", tmp_path / "run")  # fmt: skip
    assert "is followed as far as its spelling differs" in " ".join(capsys.readouterr().out.split())


def test_another_family_end_to_end(clevr, tmp_path):
    model = save("qwen2_vl", tmp_path / "model")
    folder = tmp_path / "run"
    run("--model", model, "--data", f"clevr:{clevr}", *SCORED, "--attr", "size",
        "--items", "20", "--run", folder)  # fmt: skip
    study = results_of(folder)["studies"]["trajectory"]
    require_valid(results_of(folder), results_schema)
    assert study["attributes"]["size"]["n_layers"] == load_vlm(model).n_layers
    (one,) = study["maps"].values()
    assert any(one["of_image"])


def test_as_a_user_types_it(ran):
    arguments = [str(each) for each in ran[0]]
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "analysis.trajectory", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "size, logit lens: 30 scenes" in ended.stdout
