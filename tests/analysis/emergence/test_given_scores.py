"""Scores from elsewhere: the numbers of an own capture, a run like any other, and its limits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.commands.options import open_run, parse_options
from analysis.compare.__main__ import Compare
from analysis.compare.__main__ import main as compare
from analysis.confusion.__main__ import COMMAND as CONFUSION
from analysis.confusion.__main__ import Confusion
from analysis.confusion.__main__ import main as confusion
from analysis.emergence import from_scores
from analysis.emergence.__main__ import COMMAND, Emergence
from analysis.emergence.estimates import estimate
from analysis.order.__main__ import COMMAND as ORDER
from analysis.order.__main__ import Order
from analysis.order.__main__ import main as order
from analysis.pool.__main__ import PoolModels
from analysis.pool.__main__ import main as pool
from analysis.readouts.readings import take_readings
from analysis.run.study import Study
from analysis.typed import written
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from data_prep.files.sealed import read_sealed_json
from data_prep.given_scores.data import SCORES_ONLY
from tests.analysis.conftest import files_of, results_of
from tests.analysis.emergence.tables_of_scores import numbers_of, table_of
from tests.analysis.planted import planted
from tests.commands import run_command

FAST = ("--n-resamples", "800")
RISING = (0.0, 1.0, 3.0, 3.0)
CLOSE = 1e-6
"""Readings are kept in single precision: they come back from a table to its last digit or two."""


def planted_table(strength=RISING, *, seed=0, attribute="color", n_swaps=0) -> pd.DataFrame:
    readings = planted(list(strength), n_scenes=40, seed=seed, n_swaps=n_swaps)
    return table_of(readings).assign(attribute=attribute)


def both_attributes(seed=0) -> pd.DataFrame:
    late = planted_table((0.0, 0.0, 0.5, 3.0), seed=seed + 1, attribute="shape")
    return pd.concat([planted_table(seed=seed), late], ignore_index=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given") / "run"
    return from_scores(both_attributes(), model="elsewhere/vlm", run=folder, n_resamples=800)


def same_numbers(one: dict, other: dict) -> float:
    """The largest difference of any number in two results; both must have the same ones."""
    ours, theirs = numbers_of(one), numbers_of(other)
    assert set(ours) == set(theirs)
    assert len(ours) > 100
    return max(abs(ours[name] - theirs[name]) for name in ours)


def test_a_table_of_the_own_readings_gives_the_own_numbers(emergence, small, tmp_path):
    own, given = tmp_path / "own", tmp_path / "given"
    assert emergence([*small, "--attr", "size", "--run", own]).code == 0
    line = [*map(str, [*small, "--attr", "size", "--run", own])]
    opened = open_run(parse_options(Emergence, command=COMMAND, arguments=line))
    table = table_of(take_readings(opened, "size", "logit_lens"))
    # Neither the order of rows nor a constant of each item and layer means anything.
    table = table.sample(frac=1, random_state=1)
    answers = table.columns[7:]
    table[answers] = table[answers].sub(np.linspace(0, 3, len(table)), axis="index")
    file = tmp_path / "scores.parquet"
    table.to_parquet(file)
    asked = ["--scores", file, "--model", "mine", "--min-scenes-per-text", "5", *FAST]
    ended = emergence([*asked, "--attr", "size", "--run", given])
    assert (ended.code, ended.err) == (0, "")
    mine, theirs = (results_of(run)["attributes"] for run in (given, own))
    assert same_numbers(mine, theirs) <= CLOSE
    for name in ("scores", "effects"):
        one, other = (pd.read_parquet(run / f"{name}.parquet") for run in (given, own))
        pd.testing.assert_frame_equal(one, other, atol=1e-5, rtol=0)


def test_swapped_images_give_the_own_numbers(tmp_path):
    readings = planted(list(RISING), n_scenes=24, n_swaps=2)
    items = readings.items.assign(question=[f"text {n}" for n in range(24)])
    readings = replace(readings, items=items)
    own = estimate(readings, Study(n_resamples=800), key=stream_key("color")).results
    found = from_scores(table_of(readings), model="m", run=tmp_path / "run", n_resamples=800)
    assert same_numbers(written(found.findings["color"]["logit_lens"]), written(own)) <= CLOSE


def test_a_run_of_scores_is_read_without_its_table(emergence, tmp_path):
    file, run = tmp_path / "scores.parquet", tmp_path / "run"
    planted_table().to_parquet(file)
    first = emergence(["--scores", file, "--model", "mine", *FAST, "--run", run])
    assert (first.code, first.err) == (0, "")
    assert "color (logit lens) emerges at layer" in first.out
    assert "captured elsewhere" in first.out
    file.unlink()
    before = files_of(run)
    again = emergence(["--run", run])
    assert again == first
    assert files_of(run) == before


def test_a_changed_table_is_another_run(emergence, refused, tmp_path):
    file, run = tmp_path / "scores.parquet", tmp_path / "run"
    planted_table().to_parquet(file)
    asked = ["--scores", file, "--model", "mine", *FAST, "--run", run]
    assert emergence(asked).code == 0
    planted_table(seed=1).to_parquet(file)
    assert "was made by another study" in refused(asked)


def test_in_memory_and_from_a_file_are_the_same_run(emergence, tmp_path, finished):
    file = tmp_path / "scores.csv"
    both_attributes().to_csv(file, index=False)
    ended = emergence(
        ["--scores", file, "--model", "elsewhere/vlm", *FAST, "--run", tmp_path / "r"]
    )
    assert ended.code == 0
    mine, theirs = results_of(tmp_path / "r"), results_of(finished.folder)
    assert mine["study_hash"] == theirs["study_hash"]
    assert mine["attributes"] == theirs["attributes"]


def test_order_compare_and_pool_work_on_runs_of_scores(capsys, tmp_path, finished):
    line = ["--run", str(finished.folder), "--attr", "color", "shape"]
    ended = run_command(capsys, lambda: order(parse_options(Order, command=ORDER, arguments=line)))
    assert (ended.code, ended.err) == (0, "")
    assert "color" in ended.out
    runs = [finished.folder]
    for seed in (10, 20):
        made = from_scores(
            both_attributes(seed), model=f"other/vlm-{seed}", run=tmp_path / f"{seed}",
            n_resamples=800,
        )  # fmt: skip
        runs.append(made.folder)
    ended = run_command(
        capsys, lambda: compare(Compare(runs=(runs[0], runs[1]), out=tmp_path / "compared"))
    )
    assert (ended.code, ended.err) == (0, "")
    (first, *_) = read_sealed_json(tmp_path / "compared" / "compare.json")["comparisons"]
    assert (first["paired"], first["n_shared"]) == (True, 40), "the items are the same data"
    ended = run_command(capsys, lambda: pool(PoolModels(runs=tuple(runs), out=tmp_path / "pooled")))
    assert (ended.code, ended.err) == (0, "")


def test_what_needs_more_than_scores_says_so(capsys, emergence, refused, finished):
    line = ["--run", str(finished.folder), "--attr", "color"]
    ended = run_command(
        capsys, lambda: confusion(parse_options(Confusion, command=CONFUSION, arguments=line))
    )
    assert ended.refusal == SCORES_ONLY
    assert refused([*line, "--say"]) == SCORES_ONLY
    assert refused([*line, "--readout", "tuned_lens"]) == SCORES_ONLY


def test_readouts_stand_side_by_side(tmp_path):
    table = pd.concat(
        [
            planted_table().assign(readout="logit_lens"),
            planted_table((0.0, 2.0, 3.0, 3.0), seed=1).assign(readout="linear_probe"),
        ]
    )
    found = from_scores(table, model="m", run=tmp_path / "run", n_resamples=800)
    assert set(found.findings["color"]) == {"logit_lens", "linear_probe"}


def test_swapped_images_are_used_where_they_are_needed_only(tmp_path):
    table = planted_table(n_swaps=2)
    exchanged = from_scores(table, model="m", run=tmp_path / "a", n_resamples=800)
    asked = from_scores(
        table, model="m", run=tmp_path / "b", n_resamples=800, min_scenes_per_text=1
    )
    notes = [each.findings["color"]["logit_lens"].notes for each in (exchanged, asked)]
    assert any("are not used" in note for note in notes[0])
    assert not any("are not used" in note for note in notes[1])


def test_the_model_of_the_scores_must_be_named(refused, tmp_path):
    file = tmp_path / "scores.parquet"
    planted_table().to_parquet(file)
    assert "scores need the name of the model" in refused(["--scores", file])
    both = ["--scores", file, "--model", "m", "--data", f"clevr:{tmp_path}"]
    assert "--scores stands in the place of data" in refused(both)


def test_texts_of_few_scenes_need_swapped_images(tmp_path):
    table = planted_table()
    table["text"] = table["scene"].str[-2:].astype(int).floordiv(4).map("text {}".format)
    with pytest.raises(UserError, match="'text 0' serves 4, not 20: give rows of condition shuff"):
        from_scores(table, model="m", run=tmp_path / "run", n_resamples=800)
    table["text"] = table["scene"].str[-2:].astype(int).floordiv(10).map("text {}".format)
    with pytest.raises(UserError, match="give --min-scenes-per-text 10, rows of condition"):
        from_scores(table, model="m", run=tmp_path / "run", n_resamples=800)


def test_an_image_that_did_not_reach_the_model_is_told(tmp_path):
    table = planted_table()
    real = table[table["condition"] == "real"]
    table = pd.concat([pd.DataFrame(real), real.assign(condition="blank")])
    found = from_scores(table, model="m", run=tmp_path / "run", n_resamples=800)
    notes = found.findings["color"]["logit_lens"].notes
    assert any("the same under the blank image" in note for note in notes)
    assert found.findings["color"]["logit_lens"].outcome == "not_emerged"


def test_without_a_blank_condition_only_what_is_defined_is_told(emergence, refused, tmp_path):
    file, run = tmp_path / "scores.parquet", tmp_path / "run"
    table = planted_table()
    table[table["condition"] == "real"].to_parquet(file)
    asked = ["--scores", file, "--model", "m", *FAST, "--run", run]
    assert "has no rows of condition blank" in refused(asked)
    assert not run.exists(), "nothing is begun that cannot be ended"
    ended = emergence([*asked, "--without-blank"])
    assert (ended.code, ended.err) == (0, "")
    assert "no effect of the image, and no layer of emergence" in ended.out
    found = results_of(run)["studies"]["without_blank"]["color"]["logit_lens"]
    whole = from_scores(table, model="m", run=tmp_path / "whole", n_resamples=800)
    theirs = whole.findings["color"]["logit_lens"]
    for mine, other in zip(found["layers"], theirs.layers, strict=True):
        told = mine["information"]["estimate"] * found["answer_entropy_bits"]
        assert told == pytest.approx(other.information.real, abs=CLOSE)
        assert mine["correct"] == pytest.approx(other.correct.real)
        assert mine["scale"]["low"] == pytest.approx(other.scale.low, abs=CLOSE)
        # Of the same draws, though the maximum is now over layers alone.
        assert mine["p_shuffled"] == pytest.approx(other.p_shuffled, abs=CLOSE)
