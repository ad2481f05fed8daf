"""Several readouts of one run from end to end, lenses from elsewhere, two stages."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import probes.loading.load
from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from analysis.emergence.found import Ladder, ReadoutsCompared
from analysis.readouts.registry import NAMES as READOUTS
from analysis.schema import results_schema
from analysis.typed import read_back, written
from probes import TunedLens
from tests.analysis.conftest import files_of, results_of
from tests.schemas import require_valid


@pytest.fixture
def asked(small) -> list[str]:
    """A study whose lenses are trained on the one attribute that is asked for."""
    return [*small, "--attr", "size", "--lens-attributes", "size"]


def forbidden(*_arguments, **_options):
    raise AssertionError("the model is not here")


@pytest.fixture(scope="module")
def finished(clevr, model_folder, tmp_path_factory):
    """A run with all readouts: captured with one of them, then read without the model."""
    folder = tmp_path_factory.mktemp("runs") / "all"
    arguments = [
        *("--model", str(model_folder), "--data", f"clevr:{clevr}"),
        *("--min-scenes-per-text", "5", "--n-resamples", "800"),
        *("--attr", "size", "--lens-attributes", "size", "--run", str(folder)),
    ]
    main(parse_options(Emergence, command=COMMAND, arguments=arguments))
    captured = residuals_in(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(probes.loading.load, "load_vlm", forbidden)
        everything = [*arguments, "--readout", "all"]
        main(parse_options(Emergence, command=COMMAND, arguments=everything))
    assert residuals_in(folder) == captured
    return folder


@pytest.fixture
def lens(vlm, tmp_path):
    """The logit lens, as a tuned lens that was trained elsewhere."""
    TunedLens.logit_lens(vlm).save(tmp_path / "lens")
    return tmp_path / "lens"


def residuals_in(run):
    held = files_of(run / "residuals")
    assert held
    return held


def findings(run):
    return results_of(run)["attributes"]["size"]["readouts"]


def without_notes(finding):
    return {name: value for name, value in finding.items() if name != "notes"}


def test_all_readouts_are_there_and_fit_the_schema(finished):
    results = results_of(finished)
    require_valid(results, results_schema)
    assert tuple(findings(finished)) == READOUTS
    assert len({str(without_notes(each)) for each in findings(finished).values()}) == 3
    for name, found in findings(finished).items():
        assert found["n_items"] == findings(finished)["logit_lens"]["n_items"], name
    side_by_side = results["studies"]["readouts"]["size"]
    assert side_by_side["readouts"] == list(READOUTS)
    assert len(side_by_side["pairs"]) == 3
    assert side_by_side["n_scenes"] == findings(finished)["logit_lens"]["n_scenes"]
    for pair in side_by_side["pairs"]:
        assert [row["layer"] for row in pair["accuracy"]] == [0, 1, 2, 3]
        # Nothing was learned, so nothing emerges that could be compared.
        assert pair["crossing"] is None


@pytest.mark.parametrize(("study", "kind"), [("readouts", ReadoutsCompared), ("ladder", Ladder)])
def test_what_was_compared_keeps_its_type(finished, study, kind):
    kept = results_of(finished)["studies"][study]["size"]
    again = written(read_back(kind, kept, "results.json"))
    assert json.dumps(again) == json.dumps(kept)


def test_differences_are_those_of_the_scores(finished):
    scores = pd.read_parquet(finished / "scores.parquet").query("condition == 'real'")
    # One item a scene: the mean over scenes is that over items.
    assert len(set(scores["scene_id"])) == len(set(scores["item_id"]))

    def accuracy(readout, layer):
        chosen = scores[(scores["readout"] == readout) & (scores["layer"] == layer)]
        return np.asarray(chosen["correct"], dtype=np.float64).mean()

    for pair in results_of(finished)["studies"]["readouts"]["size"]["pairs"]:
        for row in pair["accuracy"]:
            first, second = (accuracy(pair[side], row["layer"]) for side in ("first", "second"))
            assert row["difference"] == pytest.approx(first - second)


def test_the_last_layer_has_no_translator(finished):
    logit, tuned = (findings(finished)[name]["layers"][-1] for name in READOUTS[:2])
    # p of a layer is adjusted over all.
    same = [name for name in logit if not name.startswith("p_")]
    assert {"correct", "brier", "effect"} <= set(same)
    assert {name: tuned[name] for name in same} == {name: logit[name] for name in same}
    pair = results_of(finished)["studies"]["readouts"]["size"]["pairs"][0]
    assert pair["accuracy"][-1]["difference"] == pair["effect"][-1]["difference"] == 0


def test_the_files_of_every_readout_are_kept(finished):
    names = set(files_of(finished))
    for readout in READOUTS:
        assert {f"readouts/{readout}/size.{end}" for end in ("safetensors", "json")} <= names
    assert "readouts/tuned_lens/folds/fold-4.safetensors" in names
    assert "readouts/linear_probe/size/fold-4/probe.safetensors" in names
    assert {"readouts.pdf", "readouts.png"} <= names
    assert not [name for name in names if "checkpoint" in name]


def test_a_second_run_reads_nothing_changes_no_byte_and_prints_side_by_side(
    emergence, asked, finished, monkeypatch
):
    before = files_of(finished)
    monkeypatch.setattr(probes.loading.load, "load_vlm", forbidden)
    ended = emergence([*asked, "--readout", "all", "--run", finished])
    assert (ended.code, ended.err) == (0, "")
    assert files_of(finished) == before
    assert "size, readouts side by side: " in ended.out
    assert "logit lens against tuned lens: " in ended.out
    for readout in ("logit lens", "tuned lens", "linear probe"):
        assert f"size ({readout}) " in ended.out
    table = ended.out.partition("size, readouts side by side: ")[2].partition("Information that")[0]
    assert max(map(len, table.splitlines())) <= 100
    rows = [line.split() for line in table.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows[-4:]] == ["0", "1", "2", "3"]
    assert emergence([*asked, "--readout", *READOUTS, "--run", finished]).out == ended.out


def test_a_readout_beside_another_leaves_it_as_it_is(emergence, asked, finished, tmp_path):
    run = tmp_path / "run"
    assert emergence([*asked, "--readout", "linear_probe", "--run", run]).code == 0
    assert "readouts" not in results_of(run)["studies"]
    assert emergence([*asked, "--readout", "logit_lens", "--run", run]).code == 0
    whole = findings(finished)
    assert findings(run) == {name: whole[name] for name in ("linear_probe", "logit_lens")}


def test_a_killed_run_goes_on_to_the_same_bytes(emergence, asked, finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    for name in ("results.json", "readouts/tuned_lens/size.safetensors", "readouts.pdf"):
        (run / name).unlink()
    for end in ("json", "safetensors"):
        (run / "readouts" / "tuned_lens" / "folds" / f"fold-3.{end}").unlink()
    assert emergence([*asked, "--readout", "all", "--run", run]).code == 0
    assert files_of(run) == files_of(finished)


def test_a_lens_from_elsewhere_reads_as_it_says(emergence, asked, lens, tmp_path):
    run = tmp_path / "run"
    both = [*asked, "--readout", "logit_lens", "tuned_lens", "--lens", lens, "--run", run]
    assert emergence(both).code == 0
    logit, tuned = (findings(run)[name] for name in ("logit_lens", "tuned_lens"))
    assert without_notes(tuned) == without_notes(logit)
    assert "tuned lens trained elsewhere, in lens" in tuned["notes"]
    (pair,) = results_of(run)["studies"]["readouts"]["size"]["pairs"]
    assert all(row["difference"] == 0 and row["p"] == 1 for row in pair["accuracy"])
    assert not (run / "readouts" / "tuned_lens" / "folds").exists()


def test_a_lens_in_the_packages_format_gives_the_same(emergence, asked, lens, vlm, tmp_path):
    TunedLens.logit_lens(vlm).to_tuned_lens_format(tmp_path / "foreign")
    runs = {folder: tmp_path / f"run-{folder.name}" for folder in (lens, tmp_path / "foreign")}
    for folder, run in runs.items():
        ended = emergence([*asked, "--readout", "tuned_lens", "--lens", folder, "--run", run])
        assert (ended.code, ended.err) == (0, "")
    one, other = (without_notes(findings(run)["tuned_lens"]) for run in runs.values())
    assert one == other


def test_a_lens_of_another_head_is_read_if_that_is_asked_for(
    emergence, refused, asked, vlm, tmp_path
):
    lens = TunedLens.logit_lens(vlm)
    other = replace(lens.unembedding, head=lens.unembedding.head + 1)
    replace(lens, unembedding=other, model="lm/decoder").to_tuned_lens_format(tmp_path / "lens")
    run = tmp_path / "run"
    tuned = [*asked, "--readout", "tuned_lens", "--run", run, "--lens", tmp_path / "lens"]
    assert "read it all the same with --allow-other-head" in refused(tuned)
    assert emergence([*tuned, "--allow-other-head"]).code == 0
    notes = findings(run)["tuned_lens"]["notes"]
    assert [note for note in notes if note.startswith("tuned lens of another model (lm/decoder, ")]
    # What was read is there, and asks for no leave again.
    assert emergence(tuned).code == 0


def test_a_run_keeps_to_its_lens(emergence, refused, asked, lens, vlm, tmp_path):
    run = tmp_path / "run"
    tuned = [*asked, "--readout", "tuned_lens", "--run", run]
    assert emergence([*tuned, "--lens", lens]).code == 0
    before = files_of(run)
    zero = TunedLens.logit_lens(vlm)
    moved = replace(zero.translators, offsets=zero.translators.offsets + 1)
    replace(zero, translators=moved).save(tmp_path / "other")
    message = refused([*tuned, "--lens", tmp_path / "other"])
    assert "was read by another tuned lens (" in message
    assert "choose another folder with --run" in message
    assert "now the run's own)" in refused(tuned)
    assert files_of(run) == before
    # The same lens in another place is the same; other readouts have none.
    moved = shutil.copytree(lens, tmp_path / "moved")
    assert emergence([*tuned, "--lens", moved]).code == 0
    untold = refused([*asked, "--run", run, "--lens", tmp_path / "other"])
    assert "--lens is read by tuned_lens alone, got --readout logit_lens: add" in untold
    assert "got no --lens" in refused([*asked, "--run", run, "--allow-other-head"])


def test_a_run_with_lenses_of_its_own_takes_no_other(refused, asked, finished, lens):
    before = files_of(finished)
    tuned = [*asked, "--readout", "tuned_lens", "--run", finished]
    assert "by another tuned lens (the run's own, now " in refused([*tuned, "--lens", lens])
    assert files_of(finished) == before


def test_a_lens_that_does_not_fit_is_refused(refused, asked, vlm, tmp_path):
    tuned = [*asked, "--readout", "tuned_lens", "--run", tmp_path / "run", "--lens"]
    replace(TunedLens.logit_lens(vlm), revision="another").save(tmp_path / "other")
    assert "was trained for another model (" in refused([*tuned, tmp_path / "other"])
    assert str(tmp_path / "nowhere") in refused([*tuned, tmp_path / "nowhere"])
    assert not (tmp_path / "run" / "results.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--readout"], "--readout needs at least one of logit_lens, tuned_lens, linear_probe"),
        (["--readout", "telescope"], "--readout"),
        (["--lens-attributes"], "lens_attributes needs at least one attribute"),
        (["--lens-attributes", "taste"], "unknown attribute 'taste'"),
    ],
)
def test_bad_arguments_are_one_line(refused, asked, arguments, message):
    assert message in refused([*asked, *arguments])
