"""Models that say their answers, in vocabularies cut as the real ones: read is what is said.

Before answers were read as trees of tokens, models such as these were read as 0% right, or as
knowing nothing.
"""

import json

import pandas as pd
import pytest

from analysis.commands.options import parse_options
from analysis.trajectory.__main__ import COMMAND, Trajectory
from analysis.trajectory.__main__ import main as trajectory
from probes.residuals.store import ResidualStore
from tests.analysis.conftest import files_of, results_of
from tests.commands import run_command
from tests.probes.speaking import ATTRIBUTES, speaking, spoken_images
from tests.probes.vocabularies import KINDS

__all__ = ["speaking", "spoken_images"]

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def arguments(speaking, spoken_images):
    def of_kind(kind):
        return [
            *("--model", speaking(kind), "--data", f"images:{spoken_images}:labels.csv"),
            *("--n-resamples", "800"),
        ]

    return of_kind


@every_kind
def test_read_and_said_agree_and_every_attribute_emerges(kind, arguments, emergence, tmp_path):
    run = tmp_path / "run"
    asked = [*arguments(kind), "--run", run, "--attr", "all", "--scenes", "120"]
    said = emergence([*asked, "--say"])
    assert said.code == 0, said.err
    found = emergence(asked)
    assert found.code == 0, found.err
    results = results_of(run)
    rows = pd.read_parquet(run / "scores.parquet")
    real = rows.loc[(rows["condition"] == "real") & (rows["layer"] == rows["layer"].max())]
    for name in ATTRIBUTES:
        told = results["studies"]["said"][name]
        assert told["agree"]["n"] == told["n_items"] == 120, told["items"]
        own = results["attributes"][name]["readouts"]["logit_lens"]
        assert own["outcome"] == "emerged"
        correct = real.loc[real["attribute"] == name, "correct"]
        assert correct.mean() == pytest.approx(told["said_right"]["share"])
        assert told["said_right"]["share"] > 0.95
        assert any("spellings of" in note for note in own["notes"])


def test_a_cold_run_says_what_it_says_before_it_measures(arguments, emergence, tmp_path):
    run = tmp_path / "run"
    ended = emergence([*arguments("llama_like"), "--attr", "shape", "count", "--run", run, "--say",
                       "--show-answers", "--scenes", "30"])  # fmt: skip
    assert ended.code == 0, ended.err
    assert "in 30 of 30 items (100.0%, 95% CI 88.4% to 100.0%)" in " ".join(ended.out.split())
    assert "'·C' 'ube'" in ended.out
    assert "'·' '1' '</s>'" in ended.out
    assert not (run / "residuals").exists()


def test_whole_words_are_a_choice_of_their_own(arguments, emergence, tmp_path):
    run = tmp_path / "run"
    ended = emergence([*arguments("llama_like"), "--attr", "shape", "--whole-words", "--run", run])
    assert ended.code == 0, ended.err
    found = results_of(run)["attributes"]["shape"]["readouts"]["logit_lens"]
    choices = {each["choice"]: each for each in found["robustness"]}
    assert choices["whole words"]["outcome"] == "emerged"
    assert choices["whole words"]["estimate"] != choices["as declared"]["estimate"]


def test_a_killed_run_goes_on_with_its_trees(arguments, emergence, tmp_path, monkeypatch):
    asked = [*arguments("qwen_like"), "--attr", "count", "--batch-size", "8"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert emergence([*asked, "--run", whole]).code == 0
    written = ResidualStore.write_shard

    def fails(store, shard, residuals):
        if shard == 0:
            raise KeyboardInterrupt
        written(store, shard, residuals)

    with monkeypatch.context() as patch:
        patch.setattr(ResidualStore, "write_shard", fails)
        assert emergence([*asked, "--run", broken]).code == 130
    assert emergence([*asked, "--run", broken]).code == 0
    first, again = files_of(whole / "residuals"), files_of(broken / "residuals")
    assert first == again
    spec = json.loads(first["count/answer/manifest.json"])["spec"]
    # "1" and "10" part after the 1, and "1" ends there.
    assert spec["per_pass"] == 2
    assert spec["position"].startswith("answer, 1 more nodes")


def test_the_right_answer_is_followed_through_its_tokens(arguments, emergence, tmp_path, capsys):
    run = tmp_path / "run"
    assert emergence([*arguments("llama_like"), "--attr", "count", "--run", run]).code == 0
    line = ["--run", str(run), "--attr", "count"]
    ended = run_command(
        capsys,
        lambda: trajectory(parse_options(Trajectory, command=COMMAND, arguments=line)),
    )
    assert ended.code == 0, ended.err
    rows = pd.read_parquet(run / "trajectory.parquet")
    last = rows.loc[(rows["condition"] == "real") & (rows["layer"] == rows["layer"].max())]
    assert (last["rank_answer"] == 1).mean() > 0.95
    assert last["p_answer"].mean() > 0.9
