"""The command from end to end: what it writes, what it does not do twice, how it goes on."""

import re
import shlex
import signal
import subprocess
import time

import pandas as pd
import pytest

import probes.loading.load
from analysis.schema import results_schema
from tests.analysis.conftest import command, files_of, results_of, write_noise
from tests.schemas import require_valid


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """Names of the models loaded, in order."""
    seen, load = [], probes.loading.load.load_vlm

    def counted(model, **options):
        seen.append(model)
        return load(model, **options)

    monkeypatch.setattr(probes.loading.load, "load_vlm", counted)
    return seen


def test_writes_all_files_of_a_run_and_says_what_it_found(emergence, small, tmp_path):
    run = tmp_path / "run"
    ended = emergence([*small, "--attr", "size", "--run", run, "--quiet"])
    assert (ended.code, ended.err) == (0, "")
    # The file of the answer trees is named after words and questions.
    assert {re.sub("-[0-9a-f]{16}", "", name) for name in files_of(run)} == {
        "study.toml",
        "identity.json",
        "data.json",
        "images.json",
        "items.parquet/size.parquet",
        "residuals/size/answer/manifest.json",
        "residuals/size/answer/row_ids.json",
        "residuals/size/answer/shard-00000.safetensors",
        "readouts/logit_lens/size.safetensors",
        "readouts/logit_lens/size.json",
        "output_map/answers-size.json",
        "output_map/unembedding.safetensors",
        "output_map/unembedding.json",
        "output_map/token-texts.json",
        "effects.parquet/size-logit_lens.parquet",
        "scores.parquet/size-logit_lens.parquet",
        "results.json",
        "emergence.pdf",
        "emergence.png",
        "loudness.pdf",
        "loudness.png",
    }
    results = results_of(run)
    require_valid(results, results_schema)
    found = results["attributes"]["size"]["readouts"]["logit_lens"]
    # Nothing was learned, so there is nothing to find.
    assert found["outcome"] == "not_emerged"
    assert "size (logit lens) does not emerge by layer 3" in ended.out
    assert str(run / "results.json") in ended.out
    scores = pd.read_parquet(run / "scores.parquet")
    assert len(scores) == found["n_items"] * 4 * 3
    assert scores[["bits", "correct", "brier"]].notna().to_numpy().all()
    told = scores["information"].notna().tolist()
    assert told == [condition != "shuffled" for condition in scores["condition"]]


def test_a_second_run_loads_no_model_and_changes_no_byte(emergence, small, tmp_path, loads):
    arguments = [*small, "--attr", "shape", "--run", tmp_path / "run"]
    first = emergence(arguments)
    assert len(loads) == 1
    before = files_of(tmp_path / "run")
    again = emergence(arguments)
    assert len(loads) == 1
    assert again == first
    assert files_of(tmp_path / "run") == before


def test_only_what_is_missing_is_measured(emergence, small, tmp_path, loads):
    run = tmp_path / "run"
    emergence([*small, "--attr", "shape", "--run", run])
    before = files_of(run)
    ended = emergence([*small, "--attr", "shape", "size", "--run", run])
    assert ended.code == 0
    assert len(loads) == 2
    after = files_of(run)
    kept = [name for name in before if "/shape" in name]
    assert kept
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    both = results_of(run)["attributes"]
    assert list(both) == ["shape", "size"]
    # Neither which attributes were asked before nor in which order matters.
    other = tmp_path / "other"
    emergence([*small, "--attr", "size", "shape", "--run", other])
    assert results_of(other)["attributes"] == both


def test_a_stage_is_made_anew_from_the_one_before(emergence, small, tmp_path, loads):
    run = tmp_path / "run"
    arguments = [*small, "--attr", "shape", "--run", run]
    emergence(arguments)
    before = files_of(run)
    for name in ("results.json", "scores.parquet/shape-logit_lens.parquet", "emergence.pdf"):
        (run / name).unlink()
    assert emergence(arguments).code == 0
    assert len(loads) == 1, "the readout was there"
    (run / "results.json").unlink()
    (run / "readouts" / "logit_lens" / "shape.safetensors").unlink()
    assert emergence(arguments).code == 0
    (run / "results.json").unlink()
    (run / "items.parquet" / "shape.parquet").unlink()
    assert emergence(arguments).code == 0
    assert files_of(run) == before


def test_without_a_folder_the_run_is_named_after_what_it_is_about(
    emergence, small, tmp_path, monkeypatch, model_folder, clevr
):
    monkeypatch.chdir(tmp_path)
    emergence([*small, "--attr", "size"])
    (run,) = (tmp_path / "runs").iterdir()
    study_hash = results_of(run)["study_hash"]
    assert run.name == f"{model_folder.name}-{clevr.name}-{study_hash[:8]}"


def test_all_stands_for_every_attribute(emergence, small, tmp_path):
    run = tmp_path / "run"
    assert emergence([*small, "--attr", "all", "--run", run]).code == 0
    results = results_of(run)
    require_valid(results, results_schema)
    assert list(results["attributes"]) == ["color", "shape", "material", "size", "count"]


def test_help_shows_the_options_of_the_plan(emergence):
    ended = emergence(["--help"])
    assert (ended.code, ended.err) == (0, "")
    for option in ("--attr", "--model", "--data", "--scenes", "--run", "--study", "--seed",
                   "--margin", "--n-resamples"):  # fmt: skip
        assert option in ended.out
    assert "python -m analysis.emergence" in ended.out


def test_a_study_file_is_the_plan_and_the_command_line_has_the_last_word(
    emergence, small, tmp_path
):
    study = tmp_path / "study.toml"
    study.write_text("min_scenes_per_text = 5\nn_resamples = 900\nseed = 7\nlevel = 0.9\n")
    run = tmp_path / "run"
    # 60 scenes and level .99 suit the file's resamples only after this line has raised them.
    arguments = [*small[:4], "--study", study, "--level", "0.99", "--n-resamples", "4000"]
    assert emergence([*arguments, "--attr", "size", "--run", run]).code == 0
    results = results_of(run)
    found = results["attributes"]["size"]["readouts"]["logit_lens"]
    assert (results["seed"], found["level"], found["n_resamples"]) == (7, 0.99, 4000)
    # A run's own study file leads to the same run.
    before = files_of(run)
    assert emergence(["--study", run / "study.toml", "--attr", "size", "--run", run]).code == 0
    assert files_of(run) == before


def _until_shard(process, run, number):
    """Waits until a capture has entered a shard into its manifest, and is not finished itself."""
    manifest = run / "residuals" / "count" / "answer" / "manifest.json"
    while not manifest.exists() or f"shard-{number:05d}" not in manifest.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)


def test_interrupted_and_killed_it_goes_on_to_the_same_bytes(emergence, model_folder, tmp_path):
    # One text serves all scenes: 531 rows, three shards.
    clevr = write_noise(tmp_path / "clevr", 530)
    asked = ["--model", model_folder, "--data", f"clevr:{clevr}", "--attr", "count"]
    asked += ["--n-resamples", "800"]
    calm, run = tmp_path / "calm", tmp_path / "run"

    interrupted = subprocess.Popen(
        command(*asked, "--run", run),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs deaf to Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    _until_shard(interrupted, run, 0)
    interrupted.send_signal(signal.SIGINT)
    out, err = interrupted.communicate(timeout=60)
    assert (interrupted.returncode, out) == (130, "")
    typed = shlex.join(command(*asked, "--run", run))
    told = f"interrupted: what is finished is kept, run again to go on: {typed}"
    assert err.splitlines()[-1] == told
    assert not list(run.rglob("*.writing"))
    place = run / "residuals" / "count" / "answer"
    shards = [place / f"shard-0000{number}.safetensors" for number in (0, 1)]
    kept = [shards[0].stat().st_mtime_ns]

    killed = subprocess.Popen(command(*asked, "--run", run), stderr=subprocess.DEVNULL)
    _until_shard(killed, run, 1)
    killed.kill()
    assert killed.wait(timeout=60) == -signal.SIGKILL
    assert not (run / "results.json").exists()
    kept += [shards[1].stat().st_mtime_ns]

    again, undisturbed = (emergence([*asked, "--run", folder]) for folder in (run, calm))
    assert (again.code, again.err) == (0, "")
    assert [shard.stat().st_mtime_ns for shard in shards] == kept
    assert files_of(run) == files_of(calm)
    assert again.out.replace(str(run), "") == undisturbed.out.replace(str(calm), "")
