"""What a study takes of its data: attributes that cannot be asked are left out, large data are cut
to what is usual, and both are said."""

import json

import pandas as pd
import pytest

from analysis.commands import options
from analysis.commands.shipped_studies import study_named
from data_prep import sources
from tests.analysis.conftest import results_of
from tests.data_prep.photographs.made_up import write_coco

WITHOUT_ANIMALS = {"object", "activity", "place", "background", "presence"}


@pytest.fixture
def coco(tmp_path, monkeypatch):
    """100 photographs as of COCO, under the name that the shipped studies give: of people and
    kites, and three of cats."""
    kinds = [[(1, 70.0), (67, 20.0)], [(1, 80.0)], [(38, 60.0)], [(38, 50.0), (67, 9.0)]]
    said = [
        "a man eating in a kitchen with a wall",
        "a man surfing at the beach under the sky",
        "a kite in a kitchen with a wall",
        "a kite at the beach under the sky",
    ]
    annotations = {number: kinds[number % 4] for number in range(100)}
    annotations |= {number: [(17, 90.0)] for number in range(97, 100)}
    captions = {number: [said[number % 4]] * 2 for number in annotations}
    monkeypatch.chdir(tmp_path)
    return write_coco(tmp_path / "coco", annotations, captions)


@pytest.fixture
def asked(coco, model_folder, tmp_path):
    run = ["--run", tmp_path / "run", "--model", model_folder, "--dtype", "float32"]
    return ["--study", "llava-1.5-7b-coco-100", "--n-resamples", "800", *run]


def test_a_shipped_study_leaves_out_what_its_images_cannot_be_asked(emergence, asked, tmp_path):
    ended = emergence(asked)
    assert ended.code == 0, ended.err
    told = [line for line in ended.err.splitlines() if line.startswith("note: ")]
    assert len(told) == 1, ended.err
    assert told[0].startswith("note: animal is left out: need at least 1 scene that can be asked")
    assert "answer occurs too rarely: 3 scenes" in told[0]
    assert set(results_of(tmp_path / "run")["attributes"]) == WITHOUT_ANIMALS


def test_one_that_is_named_is_an_error_before_the_model_is_loaded(refused, asked, tmp_path):
    nowhere = [*asked, "--attr", "object", "animal", "--model", "bundled"]
    assert "can be asked for animal" in refused(nowhere)
    assert not list((tmp_path / "run").rglob("*.safetensors"))


def test_what_a_study_file_names_is_left_out_too(asked, coco, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('data = "coco:coco:val2017"\n[trajectory]\nattr = ["object", "animal"]\n')
    from analysis.trajectory.__main__ import Trajectory

    def attributes(*more: str):
        line = ["--study", str(file), *more]
        found = options.parse_options(Trajectory, command="x.trajectory", arguments=line)
        data = options.with_what_is_askable(sources.open_data("coco:coco"), found.plan, None)
        return found.attributes(data)

    assert attributes() == ("object",)
    assert attributes("--attr", "object", "animal") == ("object", "animal")
    assert attributes("--attr", "usual") == tuple(
        name for name in sources.open_data("coco:coco").attributes if name != "animal"
    )
    assert study_named(file).options["trajectory"]["attr"] == ["object", "animal"]


def test_nothing_that_can_be_asked_is_an_error(refused, small):
    message = refused([*small, "--scenes", "12", "--min-scenes-per-text", "20"])
    assert message.startswith("need at least 1 scene that can be asked for color, got none in 12")
    assert message.endswith("give more scenes or a min_scenes_per_text below 20")


def test_the_first_scenes_of_large_data_are_taken_and_said(emergence, small, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "USUAL_CLEVR_SCENES", 40)
    run = tmp_path / "run"
    ended = emergence([*small, "--attr", "size", "--run", run])
    said = "note: the first 40 of 60 scenes are taken, which is usual for these data: --scenes all"
    assert ended.code == 0, ended.err
    assert ended.err.startswith(said)
    plan = json.loads((run / "identity.json").read_text())["plan"]
    assert plan["scenes"] == 40
    found = results_of(run)["attributes"]["size"]["readouts"]["logit_lens"]
    assert "the first 40 of 60 scenes" in found["notes"]
    scenes = set(pd.read_parquet(run / "items.parquet")["scene_id"])
    assert max(scenes) <= "CLEVR_val_000039"
    # Gone on with by its name, and by the command as it was typed.
    assert emergence(["--attr", "size", "--run", run]).err == ""
    assert emergence([*small, "--attr", "size", "--run", run]).code == 0
    # All of them are another study.
    other = emergence([*small, "--attr", "size", "--run", run, "--scenes", "all"])
    assert (other.code, "scenes 40, now 'all'" in other.err) == (2, True)


def test_all_scenes_can_be_asked_for(emergence, small, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "USUAL_CLEVR_SCENES", 40)
    run = tmp_path / "run"
    assert emergence([*small, "--attr", "count", "--run", run, "--scenes", "all"]).err == ""
    assert json.loads((run / "identity.json").read_text())["plan"]["scenes"] == "all"
    assert len(pd.read_parquet(run / "items.parquet")) == 60
    assert emergence(["--attr", "count", "--run", run]).err == ""


def test_a_run_that_was_begun_with_all_scenes_keeps_them(emergence, small, tmp_path, monkeypatch):
    """As runs of earlier versions were, whose plans say nothing of scenes."""
    run = tmp_path / "run"
    asked = [*small, "--attr", "count", "--run", run]
    assert emergence(asked).code == 0
    assert json.loads((run / "identity.json").read_text())["plan"]["scenes"] is None
    monkeypatch.setattr(sources, "USUAL_CLEVR_SCENES", 40)
    again = emergence(asked)
    assert (again.code, again.err) == (0, "")
    assert len(pd.read_parquet(run / "items.parquet")) == 60
