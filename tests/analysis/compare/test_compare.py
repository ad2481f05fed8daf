"""Runs compared as a user types it: planted truths, and small models from their folders."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from analysis.compare.folder import compare_schema
from tests.analysis.compare.conftest import QUICK
from tests.analysis.conftest import files_of, results_of
from tests.analysis.planted_runs import rising, write_planted_run
from tests.schemas import require_valid
from tests.sealed import edit_sealed_table


def test_the_same_depth_in_models_of_unlike_length_is_said_by_equivalence(of):
    found, shown = of("half", "deep")
    (row,) = found["comparisons"]
    assert row["paired"]
    assert row["n_scenes"] == [80, 80]
    assert row["verdict"] == "same"
    assert row["depth"]["low"] <= 0 <= row["depth"]["high"]
    assert -0.1 < row["depth"]["low_equivalence"] < row["depth"]["high_equivalence"] < 0.1
    assert [arm["last_layer"] for arm in found["arms"]] == [8, 16]
    assert len(row["curve"]["depths"]) == 9
    assert "half and deep are the same within 0.1 of the depth" in shown
    assert "paired, 80 shared scenes" in shown
    assert "its effect is taken to lie on a straight line" in shown


def test_a_margin_that_the_data_cannot_show_leaves_it_undecided(of):
    found, shown = of("half", "deep", margin="0.001")
    assert found["comparisons"][0]["verdict"] == "undecided"
    assert (
        "half and deep are not shown to differ by more than one layer of the shallower model, "
        "0.125 of the depth, nor to be the same within 0.001 of it"
    ) in shown


def test_a_later_model_is_called_later_and_its_curve_differs(of):
    found, shown = of("half", "late")
    (row,) = found["comparisons"]
    assert row["verdict"] == "later"
    assert row["depth"]["estimate"] == pytest.approx(0.2, abs=0.08)
    assert row["curve"]["omnibus_p"] <= 0.01
    middle = row["curve"]["depths"][4]
    assert middle["high"] < 0
    assert "late is later than half, by more than one layer, 0.125 of the depth" in shown
    assert "first whole layer at 0.500 and 0.750" in shown
    back, _ = of("late", "half")
    assert back["comparisons"][0]["verdict"] == "earlier"
    assert back["comparisons"][0]["depth"]["estimate"] == pytest.approx(-row["depth"]["estimate"])


def test_what_is_less_than_a_layer_apart_has_no_direction(of):
    """Planted .08 of the depth apart, where a layer is .125: surely different, and not later."""
    found, shown = of("more", "soon after")
    (row,) = found["comparisons"]
    assert row["depth"]["p_holm"] <= 0.05
    assert row["depth"]["low"] > 0
    assert row["depth"]["beyond"] == 1 / 8
    assert row["depth"]["p_beyond_holm"] > 0.5
    assert row["verdict"] == "undecided"
    assert "are not shown to differ by more than one layer, 0.125 of the depth" in shown


def test_what_falls_below_half_again_has_no_layer_to_compare(of):
    found, shown = of("half", "bump", "none")
    one, bump, _ = found["arms"]
    assert (one["monotone"], bump["monotone"]) == (True, False)
    assert (bump["outcome"], bump["depth"]) == ("emerged", None)
    rows = {(row["first"]["run"], row["second"]["run"]): row for row in found["comparisons"]}
    row = rows["a", "b"]
    assert (row["depth"], row["no_depth"], row["verdict"]) == (
        None, "not monotone", "not_compared",
    )  # fmt: skip
    assert rows["b", "c"]["no_depth"] == "outcome"
    assert "color: not compared in depth, it is not monotone with bump: after a layer" in shown
    assert any("not monotone" in line for line in shown.splitlines() if "color" in line)


def test_other_data_are_two_samples_whatever_the_scenes_are_called(of):
    found, shown = of("half", "other")
    (row,) = found["comparisons"]
    assert (row["paired"], row["n_scenes"], row["n_shared"]) == (False, [80, 120], 0)
    assert "independent, 80 and 120 scenes" in shown
    assert {field["field"] for field in found["differ"]} == {"model", "data"}


def test_what_has_not_emerged_is_compared_by_outcome(of):
    found, shown = of("half", "none")
    (row,) = found["comparisons"]
    assert (row["depth"], row["no_depth"], row["verdict"]) == (None, "outcome", "not_compared")
    assert "it emerges with half and does not emerge with none" in shown
    assert "no McNemar-like test is possible" in shown
    assert row["correct"]["high"] < 0


def test_every_question_is_adjusted_over_all_pairs(of):
    found, _ = of("half", "deep", "late", "none")
    assert len(found["comparisons"]) == 6
    depths = [row["depth"] for row in found["comparisons"] if row["depth"] is not None]
    assert len(depths) == 3
    p = np.array([depth["p"] for depth in depths])
    assert min(depth["p_holm"] for depth in depths) == pytest.approx(3 * p.min())
    beyond = min(depth["p_beyond"] for depth in depths)
    assert min(depth["p_beyond_holm"] for depth in depths) == pytest.approx(3 * beyond)
    for row in found["comparisons"]:
        assert row["curve"]["omnibus_p_holm"] >= row["curve"]["omnibus_p"]
        assert row["top_probability"]["p_holm"] >= row["top_probability"]["p"] > 0


def test_a_pair_is_compared_alike_whatever_else_is(of):
    alone, _ = of("half", "late")
    among, _ = of("half", "late", "deep")
    first = among["comparisons"][0]
    for part in ("depth", "correct"):
        held = {name: v for name, v in first[part].items() if not name.endswith("_holm")}
        assert held.items() <= alone["comparisons"][0][part].items()


def test_tables_hold_what_was_compared(of, planted_runs, tmp_path):
    found, _ = of("half", "deep")
    folder = tmp_path / "half-deep"
    items = pd.read_parquet(folder / "items.parquet")
    curves = pd.read_parquet(folder / "curves.parquet")
    for arm in found["arms"]:
        own = items[items["run"] == arm["run"]]
        for name in ("correct", "right_probability", "top_probability"):
            assert np.mean(own[name]) == pytest.approx(arm[name]["estimate"])
        assert np.min(own["top_probability"] - own["right_probability"]) > -1e-6
    wide = curves.pivot_table(index="run", columns="depth", values="effect")
    rows = found["comparisons"][0]["curve"]["depths"]
    np.testing.assert_allclose(wide.loc["b"] - wide.loc["a"], [row["estimate"] for row in rows])
    assert wide.columns.tolist() == [row["depth"] for row in rows]
    finding = results_of(planted_runs["half"])["attributes"]["color"]["readouts"]["logit_lens"]
    depth = found["arms"][0]["depth"]
    assert depth["estimate"] == finding["lambda_half"]["estimate"] / 8
    assert depth["layer"] == {end: layer / 8 for end, layer in finding["layer"].items()}
    assert found["arms"][0]["correct"]["estimate"] == pytest.approx(
        finding["layers"][-1]["correct"]["real"]
    )
    for name in ("compare.pdf", "compare.png"):
        assert (folder / name).stat().st_size > 1000


def _sixty_further(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(scene_id=[f"s{int(scene[1:]) + 60:03d}" for scene in table["scene_id"]])


def test_few_shared_scenes_are_left_out_of_the_larger_run(compare, tmp_path):
    """Scenes s000 to s079 in one, s060 to s259 in the other: 20 of 80 are shared."""
    one = write_planted_run(tmp_path / "one", rising(9, 0.5))
    two = write_planted_run(tmp_path / "two", rising(9, 0.5), seed=1, n_scenes=200)
    for name in ("scores", "effects"):
        edit_sealed_table(two / f"{name}.parquet" / "color-logit_lens.parquet", _sixty_further)
    ended = compare(one, two, *QUICK, "--out", tmp_path / "out")
    row = json.loads((tmp_path / "out" / "compare.json").read_text())["comparisons"][0]
    assert (row["paired"], row["n_scenes"], row["n_shared"]) == (False, [80, 180], 20)
    assert "20 shared ones left out of the larger" in ended.out


def test_confidence_needs_the_readings_and_is_said_to_lack_them(compare, planted_runs, tmp_path):
    bare = write_planted_run(tmp_path / "bare", rising(9, 0.5), seed=7, keep_readings=False)
    ended = compare(planted_runs["half"], bare, *QUICK, "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    require_valid(found, compare_schema)
    assert found["arms"][1]["top_probability"] is None
    assert found["comparisons"][0]["top_probability"] is None
    assert "confidence in the top answer not kept by both runs" in ended.out


def test_readouts_of_each_run_are_compared_too(compare, tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        for readout, depth in (("logit_lens", 0.5), ("linear_probe", 0.2)):
            write_planted_run(tmp_path / name, rising(9, depth), seed=seed, readout=readout)
    ended = compare(
        tmp_path / "one", tmp_path / "two", *QUICK, "--out", tmp_path / "out",
        "--readout", "logit_lens", "linear_probe",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["comparisons"]
    differ = [
        (row["first"]["run"] != row["second"]["run"],
         row["first"]["readout"] != row["second"]["readout"])
        for row in rows
    ]  # fmt: skip
    assert sorted(differ) == [(False, True)] * 2 + [(True, False)] * 2
    assert all(row["verdict"] == "earlier" for row, (_, two) in zip(rows, differ, strict=True)
               if two)  # fmt: skip
    assert "one (linear probe) is earlier than one (logit lens)" in ended.out


def test_small_models_from_their_folders_alone(compare, small_runs, tmp_path, monkeypatch):
    for place in ("analysis.commands.options.open_data", "probes.loading.load.load_vlm"):
        monkeypatch.setattr(place, None)
    out = tmp_path / "out"
    arguments = [*small_runs.values(), *QUICK, "--out", out]
    ended = compare(*arguments)
    assert ended.code == 0, ended.err
    found = json.loads((out / "compare.json").read_text())
    require_valid(found, compare_schema)
    assert [field["field"] for field in found["differ"]] == ["model", "prompt_style"]
    assert [run["label"].split(", ")[1] for run in found["runs"]] == [
        "prompt card", "prompt bare", "prompt card",
    ]  # fmt: skip
    hashes = [json.loads((run / "identity.json").read_text())["study_hash"]
              for run in small_runs.values()]  # fmt: skip
    assert [run["study_hash"] for run in found["runs"]] == hashes
    assert len(found["comparisons"]) == 2 * 3
    assert all(row["paired"] for row in found["comparisons"])
    # Random weights know nothing: outcomes, and no claim on depth.
    assert {row["verdict"] for row in found["comparisons"]} == {"not_compared"}
    assert str(tmp_path) not in (out / "compare.json").read_text()

    before = files_of(out)
    again = compare(*arguments)
    assert again.out == ended.out
    assert files_of(out) == before
    shutil.rmtree(out)
    assert compare(*arguments).out == ended.out
    assert files_of(out) == before


def test_without_a_folder_it_is_named_after_what_is_compared(
    compare, planted_runs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ended = compare(planted_runs["half"], planted_runs["late"], *QUICK)
    (folder,) = (tmp_path / "runs").iterdir()
    found = json.loads((folder / "compare.json").read_text())
    assert folder.name == f"compare-{found['comparison_hash'][:8]}"
    assert f"runs/{folder.name}/compare.json" in ended.out
