"""Runs compared as a user types it: planted truths, small models, and what is refused."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from analysis.compare import COMMAND, Compare, main
from analysis.comparison.folder import compare_schema
from data_prep.command_line import from_command_line
from tests.analysis.conftest import files_of, results_of
from tests.analysis.planted_runs import OTHER_DATA, rising, write_planted_run
from tests.commands import Ended, run_command
from tests.probes.families.small import save

QUICK = ("--n-resamples", "800")


@pytest.fixture
def compare(capsys):
    """Runs `python -m analysis.compare` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        typed = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(from_command_line(Compare, command=COMMAND, arguments=typed))
        )

    return run


@pytest.fixture
def refused(compare):
    """Runs a comparison that must be refused: in one line, with code 2. Gives the line."""

    def run(*arguments: str | Path) -> str:
        return compare(*arguments).refusal

    return run


@pytest.fixture(scope="module")
def planted_runs(tmp_path_factory) -> dict[str, Path]:
    """A model that knows at half its depth, and others that differ from it in one thing."""
    folder = tmp_path_factory.mktemp("planted")
    return {
        "half": write_planted_run(folder / "half", rising(9, 0.5)),
        "deep": write_planted_run(folder / "deep", rising(17, 0.5), seed=1),
        "late": write_planted_run(folder / "late", rising(9, 0.75), seed=2),
        "none": write_planted_run(folder / "none", rising(9, 0.5, height=0.0), seed=3),
        "other": write_planted_run(
            folder / "other", rising(9, 0.5), seed=4, data=OTHER_DATA, n_scenes=120
        ),
        "more": write_planted_run(folder / "more", rising(9, 0.5), seed=5, n_scenes=200),
    }


@pytest.fixture
def of(compare, planted_runs, tmp_path):
    """compare.json of some planted runs, with what was printed."""

    def run(*names: str, **options: str) -> tuple[dict, str]:
        out = tmp_path / "-".join(names)
        given = [word for name, value in options.items() for word in (f"--{name}", value)]
        ended = compare(*(planted_runs[name] for name in names), *QUICK, "--out", out, *given)
        assert ended.code == 0, ended.err
        found = json.loads((out / "compare.json").read_text())
        jsonschema.validate(found, compare_schema())
        return found, ended.out

    return run


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
    assert "neither shown to differ nor to be the same within 0.001 of the depth" in shown


def test_a_later_model_is_called_later_and_its_curve_differs(of):
    found, shown = of("half", "late")
    (row,) = found["comparisons"]
    assert row["verdict"] == "later"
    assert row["depth"]["estimate"] == pytest.approx(0.2, abs=0.08)
    assert row["curve"]["omnibus_p"] <= 0.01
    middle = row["curve"]["depths"][4]
    assert middle["high"] < 0
    assert "late is later than half" in shown
    back, _ = of("late", "half")
    assert back["comparisons"][0]["verdict"] == "earlier"
    assert back["comparisons"][0]["depth"]["estimate"] == pytest.approx(-row["depth"]["estimate"])


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
    assert found["arms"][0]["depth"]["estimate"] == finding["lambda_half"]["estimate"] / 8
    assert found["arms"][0]["correct"]["estimate"] == pytest.approx(
        finding["layers"][-1]["correct"]["real"]
    )
    for name in ("compare.pdf", "compare.png"):
        assert (folder / name).stat().st_size > 1000


def test_few_shared_scenes_are_left_out_of_the_larger_run(compare, tmp_path):
    """Scenes s000 to s079 in one, s060 to s259 in the other: 20 of 80 are shared."""
    one = write_planted_run(tmp_path / "one", rising(9, 0.5))
    two = write_planted_run(tmp_path / "two", rising(9, 0.5), seed=1, n_scenes=200)
    for name in ("scores", "effects"):
        table = pd.read_parquet(two / f"{name}.parquet")
        table["scene_id"] = [f"s{int(scene[1:]) + 60:03d}" for scene in table["scene_id"]]
        table.to_parquet(two / f"{name}.parquet", index=False)
    ended = compare(one, two, *QUICK, "--out", tmp_path / "out")
    row = json.loads((tmp_path / "out" / "compare.json").read_text())["comparisons"][0]
    assert (row["paired"], row["n_scenes"], row["n_shared"]) == (False, [80, 180], 20)
    assert "20 shared ones left out of the larger" in ended.out


def test_confidence_needs_the_readings_and_is_said_to_lack_them(compare, planted_runs, tmp_path):
    bare = write_planted_run(tmp_path / "bare", rising(9, 0.5), seed=7, keep_readings=False)
    ended = compare(planted_runs["half"], bare, *QUICK, "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    jsonschema.validate(found, compare_schema())
    assert found["arms"][1]["top_probability"] is None
    assert found["comparisons"][0]["top_probability"] is None
    assert "probability of the top answer not kept by both runs" in ended.out


def test_readouts_of_each_run_are_compared_too(compare, tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        for readout, depth in (("logit_lens", 0.5), ("linear_probe", 0.3)):
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


@pytest.fixture(scope="module")
def small_runs(clevr, model_folder, tmp_path_factory) -> dict[str, Path]:
    """Two prompts to a small random LLaVA, and a small random Qwen2-VL, on the same scenes."""
    from analysis import emergence
    from analysis.runs.command import parse_options

    folder = tmp_path_factory.mktemp("small")
    qwen = save("qwen2_vl", folder / "models" / "qwen")
    made = {
        "card": (model_folder, "card"), "bare": (model_folder, "bare"), "qwen": (qwen, "card"),
    }  # fmt: skip
    for name, (model, style) in made.items():
        arguments = [
            *("--model", str(model), "--data", f"clevr:{clevr}", "--run", str(folder / name)),
            *("--min-scenes-per-text", "5", "--n-resamples", "800", "--attr", "size", "shape"),
            *("--prompt-style", style),
        ]
        options = parse_options(emergence.Emergence, command=emergence.COMMAND, arguments=arguments)
        emergence.main(options)
    return {name: folder / name for name in made}


def test_small_models_from_their_folders_alone(compare, small_runs, tmp_path, monkeypatch):
    for place in ("analysis.runs.command.open_data", "probes.loading.load.load_vlm"):
        monkeypatch.setattr(place, None)
    out = tmp_path / "out"
    arguments = [*small_runs.values(), *QUICK, "--out", out]
    ended = compare(*arguments)
    assert ended.code == 0, ended.err
    found = json.loads((out / "compare.json").read_text())
    jsonschema.validate(found, compare_schema())
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


def test_runs_that_cannot_be_compared_are_refused(refused, planted_runs, small_runs, tmp_path):
    half, late = planted_runs["half"], planted_runs["late"]
    out = ("--out", tmp_path / "out")
    assert "needs 2 to 26 runs, got 1" in refused(half, *out)
    assert "needs 2 to 26 runs, got 0" in refused(*out)
    (tmp_path / "empty").mkdir()
    assert "is no run, it has no identity.json" in refused(half, tmp_path / "empty", *out)
    assert "is the same run as" in refused(half, half.parent / "." / "half", *out)
    assert "has no shape under logit_lens: run python -m analysis.emergence --attr shape" in (
        refused(half, late, "--attr", "shape", *out)
    )
    message = refused(half, late, "--readout", "tuned_lens", *out)
    assert "under tuned_lens (" in message
    assert "--attr color --readout tuned_lens --run" in message
    assert "no attribute in common" in refused(half, small_runs["card"], *out)
    assert "invalid choice" in refused(half, late, "--readout", "lens", *out)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--margin", "0", "margin must lie between 0 and 1, got 0.0"),
        ("--margin", "1", "margin must lie between 0 and 1, got 1.0"),
        ("--margin", "-0.1", "margin must lie between 0 and 1, got -0.1"),
        ("--level", "0.5", "level must lie between 0.5 and 1, got 0.5"),
        ("--n-resamples", "10", "n_resamples must be at least 800"),
        ("--seed", "-1", "seed must be at least 0, got -1"),
    ],
)
def test_a_plan_outside_its_bounds_is_refused(refused, planted_runs, option, value, message):
    assert message in refused(planted_runs["half"], planted_runs["late"], option, value)


@pytest.fixture
def damaged(planted_runs, tmp_path) -> Path:
    """A copy of a run, to damage."""
    return shutil.copytree(planted_runs["late"], tmp_path / "damaged")


def edited(file: Path, change) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_other_answers_are_not_comparable_in_bits(refused, planted_runs, damaged):
    def change(content):
        found = content["attributes"]["color"]["readouts"]["logit_lens"]["answers"]
        found["teal"] = found.pop("a")

    edited(damaged / "results.json", change)
    message = refused(planted_runs["half"], damaged)
    assert "color has other answers in" in message
    assert "(a, teal in one only): bits over different answer sets are not comparable" in message


def test_other_formats_controls_and_unfinished_runs_are_refused(
    refused, planted_runs, damaged, tmp_path
):
    half = planted_runs["half"]
    blank = write_planted_run(tmp_path / "blank", rising(9, 0.5), primary_control="blank")
    assert "run one of them again with the other's --primary-control" in refused(half, blank)
    edited(damaged / "identity.json", lambda content: content["plan"].pop("swaps"))
    assert "runs of different formats are not compared" in refused(half, damaged)
    (damaged / "identity.json").write_text("{}")
    assert "identity.json is damaged" in refused(half, damaged)
    shutil.copy(planted_runs["late"] / "identity.json", damaged)
    (damaged / "results.json").unlink()
    assert "is not finished, it has no results.json" in refused(half, damaged)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("effects", lambda table: table.iloc[3:], "effects of color lack a layer of a scene"),
        ("effects", lambda table: table.iloc[9:], "79 scenes by 9 layers, results.json says 80"),
        ("effects", lambda table: table.drop(columns="effect"), "a column is missing"),
        ("scores", lambda table: table[table["layer"] < 8], "no whole last layer of color"),
        ("scores", lambda table: table[table["scene_id"] != "s003"], "79 items"),
        ("scores", lambda table: table.assign(bits=np.nan), "no whole last layer of color"),
        ("scores", lambda table: table.assign(bits=-3.0), "contradicts scores.parquet"),
    ],
)
def test_damaged_tables_are_refused(
    refused, planted_runs, damaged, tmp_path, name, change, message
):
    file = damaged / f"{name}.parquet"
    change(pd.read_parquet(file)).to_parquet(file, index=False)
    said = refused(planted_runs["half"], damaged, "--out", tmp_path / "out")
    if name == "scores" and "79" in message:
        assert "80 items, scores.parquet has 79" in said
    else:
        assert message in said
    file.write_bytes(b"PAR1")
    assert f"{name}.parquet is damaged" in refused(planted_runs["half"], damaged)
    file.unlink()
    assert name in refused(planted_runs["half"], damaged)
    assert not (tmp_path / "out" / "compare.json").exists()


def test_a_folder_that_holds_something_else_is_left_alone(refused, compare, planted_runs, tmp_path):
    half, late, deep = (planted_runs[name] for name in ("half", "late", "deep"))
    assert "holds files but no comparison" in refused(half, late, "--out", half)
    out = tmp_path / "out"
    assert compare(half, late, *QUICK, "--out", out).code == 0
    assert "holds another comparison" in refused(half, deep, *QUICK, "--out", out)
    (out / "compare.json").write_text("{")
    assert "compare.json is damaged" in refused(half, late, *QUICK, "--out", out)
