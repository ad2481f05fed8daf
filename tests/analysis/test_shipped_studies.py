"""Every shipped study runs unchanged: the small random model of its family, small data in place."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from analysis.commands.options import parse_options
from analysis.commands.shipped_studies import study_named, study_names
from data_prep.errors import UserError
from tests.analysis.conftest import results_of, write_noise
from tests.data_prep.photographs.made_up import write_coco, write_images
from tests.probes.families.small import save

FAMILY_OF = {
    "llava-hf/llava-1.5-7b-hf": "llava",
    "Qwen/Qwen2-VL-2B-Instruct": "qwen2_vl",
    "llava-hf/llava-onevision-qwen2-7b-ov-hf": "llava_onevision",
    "Qwen/Qwen2.5-VL-7B-Instruct": "qwen2_5_vl",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    return {name: save(name, tmp_path_factory.mktemp(name)) for name in FAMILY_OF.values()}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with small data under the names that the studies give."""
    folder = tmp_path_factory.mktemp("place")
    write_noise(folder / "CLEVR_v1.0", 120)
    write_images(folder / "fundus", ["healthy", "myopia", "glaucoma"], each=12)
    write_images(folder / "photographs", [""], each=36, first=36)
    _write_coco(folder / "coco", 100)
    return folder


def _write_coco(folder: Path, n_images: int) -> None:
    """Cats, dogs and people, who do two things at two places before two backgrounds."""
    kinds = [[(17, 50.0)], [(18, 60.0)], [(1, 70.0), (67, 20.0)], [(1, 80.0)]]
    said = [
        "a cat in a kitchen with a wall",
        "a dog on a beach under the sky",
        "a man eating in a kitchen with a wall",
        "a man surfing at the beach under the sky",
    ]
    write_coco(
        folder,
        {number: kinds[number % 4] for number in range(n_images)},
        {number: [said[number % 4]] * 2 for number in range(n_images)},
    )


def fewer(scenes: int | str | None) -> list[str]:
    """All there are, of a study that takes more."""
    return ["--scenes", "100"] if isinstance(scenes, int) and scenes > 100 else []


@pytest.mark.parametrize("name", study_names())
def test_runs_unchanged(name, models, place, emergence, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    plan = study_named(Path(name)).plan
    model = models[FAMILY_OF[plan.model]]
    asked = ["--n-resamples", "800"]
    if name.endswith("referring"):
        asked += ["--min-scenes-per-text", "5"]  # 120 scenes instead of 15,000
    asked += fewer(plan.scenes)
    ended = emergence(["--study", name, "--model", model, *asked, "--run", tmp_path / "run"])
    assert (ended.code, ended.err) == (0, "")
    found = results_of(tmp_path / "run")["attributes"]
    data = plan.data.partition(":")[0]
    wanted = {
        "clevr": {"color", "shape", "material"},
        "coco": {"object", "animal", "activity", "place", "background", "presence"},
        "images": {"label"},
    }
    assert set(found) == wanted[data] | ({"shown"} if plan.contrast else set())
    kept = json.loads((tmp_path / "run" / "identity.json").read_text())["plan"]
    assert kept["dtype"] == plan.dtype
    assert kept["questions"] == plan.questions


TABLES = [(name, command) for name in study_names() for command in study_named(Path(name)).options]


def test_every_further_study_is_declared_somewhere():
    assert {command for _, command in TABLES} == {
        "trajectory", "confusion", "concept", "ablation",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "command"), TABLES)
def test_further_studies_run_as_declared(name, command, models, place, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    study = study_named(Path(name))
    asked = ["--study", name, "--model", models[FAMILY_OF[study.plan.model]], "--n-resamples",
             "800", "--min-scenes-per-text", "5", "--run", tmp_path / "run",
             *fewer(study.plan.scenes)]  # fmt: skip
    module = import_module(f"analysis.{command}.__main__")
    kind = getattr(module, command.title())
    module.main(
        parse_options(kind, command=module.COMMAND, arguments=[str(each) for each in asked])
    )
    found = results_of(tmp_path / "run")["studies"][command]
    declared = study.options[command]
    if command == "concept":
        made_from = {"words": declared["words"], "against": [], "question": declared["question"]}
        assert found["made_from"] == made_from
    elif command == "ablation":
        assert set(found) == set(declared["attr"])
        assert set(found["object"]["arms"]) == {"object", "registers", "elsewhere"}
        assert found["presence"]["left_out"]["asked for what is absent"] > 0
    elif command == "confusion":
        assert set(found) == set(declared["attr"])
        assert found["shape"]["near"]["cube"] == ["square", "box"]
        assert "say_3d" in found["shape"]
    else:
        assert set(found["attributes"]) == set(declared["attr"])


def test_the_prompts_are_those_of_notebooks(place, models, emergence, monkeypatch, tmp_path):
    import pandas as pd

    monkeypatch.chdir(place)
    run = tmp_path / "run"
    arguments = ["--study", "llava-1.5-7b-clevr", "--model", models["llava"], "--run", run]
    assert emergence([*arguments, "--n-resamples", "800", "--attr", "color", "count"]).code == 0
    texts = set(pd.read_parquet(run / "items.parquet")["question"])
    assert texts == {"Color of the main object:", "Number of main objects:"}


def test_a_study_that_is_not_there():
    with pytest.raises(UserError, match="choose from llava-1"):
        study_named(Path("no-such-study"))
    with pytest.raises(UserError, match="cannot read the study file"):
        study_named(Path("no/such/study.toml"))
