"""Models pooled as a user types it: planted truths, what is said, and what is refused."""

import os
import shutil

import pytest

from tests.analysis.pool.conftest import QUICK
from tests.sealed import edit_sealed, write_sealed


def test_a_planted_order_is_claimed_over_models_by_more_than_one_layer(of, tmp_path):
    found, shown = of("one", "two", "three", "elsewhere", options=("--attr", "color", "shape"))
    color, shape = found["attributes"]
    assert color["n_emerged"] == shape["n_emerged"] == 4
    assert color["depth"]["weighted"]["mean"] == pytest.approx(0.31, abs=0.08)
    (difference,) = found["differences"]
    assert difference["beyond"] == 1 / 8
    assert difference["verdict"] == "first_earlier"
    assert difference["p_beyond_holm"] == difference["p_beyond"] <= 0.05
    assert difference["depth"]["weighted"]["low"] > difference["beyond"]
    assert (difference["n_first_beyond"], difference["n_second_beyond"]) == (4, 0)
    assert found["order"]["chain_p"] == difference["p_earlier"] <= 0.05
    assert found["order"]["orders"] == [{"order": ["color", "shape"], "runs": ["a", "b", "c", "d"]}]
    assert found["shared_scenes"] == [["a", "b", "c"]]
    assert (
        "shape minus color: color is earlier than shape, by more than one layer of the shallowest "
        "model, 0.125 of the depth (mean +0."
    ) in shown
    assert "k = 4 models, p " in shown
    assert "Order given, color < shape: shown as a whole" in shown
    assert "Runs a, b, c saw the same scenes, so that their errors are correlated" in shown
    out = tmp_path / "one-two-three-elsewhere"
    assert {path.name for path in out.iterdir()} == {
        "pool.json", "pool-attributes.pdf", "pool-attributes.png", "pool-differences.pdf",
        "pool-differences.png",
    }  # fmt: skip


def test_depths_compare_models_of_unlike_length_and_layers_are_in_layers(of):
    found, _ = of("one", "two", "three")
    color = found["attributes"][0]
    for depth, layer, last in zip(
        color["depth"]["models"], color["layer"]["models"], (8, 12, 8), strict=True
    ):
        assert layer["estimate"] == pytest.approx(last * depth["estimate"])
        assert layer["standard_error"] == pytest.approx(last * depth["standard_error"])
        assert 0.001 < depth["standard_error"] < 0.05
    assert len(color["depth"]["leave_one_out"]) == 3


def test_a_model_in_which_it_did_not_emerge_is_said_and_not_in_the_mean(of):
    found, shown = of("one", "two", "three", "blind")
    shape = found["attributes"][1]
    assert shape["outcomes"] == dict.fromkeys("abc", "emerged") | {"d": "not_emerged"}
    assert [model["run"] for model in shape["depth"]["models"]] == ["a", "b", "c"]
    assert found["order"]["without"] == ["d"]
    assert "shape has a layer in 3 of 4 models (d: not emerged), and the mean is of these" in shown
    found, shown = of("one", "two", "blind")
    assert found["attributes"][1]["depth"] is None
    assert found["differences"][0]["verdict"] == "not_pooled"
    assert found["order"]["chain_p"] is None
    assert "shape: not pooled, it has a layer in 2 of the runs, a mean needs 3." in shown
    assert "shape minus color: not pooled, both have a layer in 2 of the runs" in shown


def test_what_only_some_runs_have_is_said(of):
    found, shown = of("one", "two", "only color")
    assert [each["attribute"] for each in found["attributes"]] == ["color"]
    assert found["left_out"] == {"shape": ["a", "b"]}
    assert "Not pooled, because only some runs have it (shape: a, b)." in shown


def test_the_same_again_gives_the_same_file_and_another_is_refused(pool, models, tmp_path):
    three = [models[name] for name in ("one", "two", "three")]
    assert pool(*three, *QUICK, "--out", tmp_path / "out").code == 0
    before = (tmp_path / "out" / "pool.json").read_bytes()
    assert pool(*three, *QUICK, "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "pool.json").read_bytes() == before
    other = pool(*three, *QUICK, "--seed", "1", "--out", tmp_path / "out")
    assert "holds another pooling" in other.refusal
    assert "holds files but no pooling" in pool(*three, "--out", models["one"]).refusal


def test_runs_that_cannot_be_pooled_are_refused(pool, models, tmp_path):
    one, two, three = (models[name] for name in ("one", "two", "three"))
    out = ("--out", tmp_path / "out")
    assert "pooling needs 3 to 26 runs of different models, got 2" in pool(one, two, *out).refusal
    assert "got 0" in pool(*out).refusal
    (tmp_path / "empty").mkdir()
    assert "is no run" in pool(one, two, tmp_path / "empty", *out).refusal
    assert "is the same run as" in pool(one, two, one, *out).refusal
    message = pool(one, two, models["only color"], "--attr", "shape", *out).refusal
    assert "has no shape under logit_lens: run python -m analysis.emergence" in message
    assert "n_resamples must be at least 200" in (
        pool(one, two, three, "--n-resamples", "9").refusal
    )
    assert "level must lie between" in pool(one, two, three, "--level", "2").refusal
    assert "seed must be at least 0" in pool(one, two, three, "--seed", "-1").refusal
    assert "invalid choice" in pool(one, two, three, "--readout", "lens").refusal
    assert not (tmp_path / "out").exists()


def test_one_model_twice_is_not_two_models(pool, models, tmp_path):
    from tests.analysis.pool.conftest import write_models_run

    again = write_models_run(tmp_path / "again", {"color": 0.3}, seed=1, data="c" * 64)
    message = pool(models["one"], models["two"], again).refusal
    assert f"{again} is of the same model as {models['one']}" in message
    assert "the same model twice is not two models" in message


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("identity.json", lambda one: one.update(format=1), "has another format (1, now"),
        ("results.json", lambda one: _found(one).update(answers={"teal": 80}), "other answers"),
    ],
)
def test_other_formats_and_other_answers_are_refused(pool, models, tmp_path, file, change, message):
    damaged = shutil.copytree(models["three"], tmp_path / "damaged")
    edit_sealed(damaged / file, change)
    assert message in pool(models["one"], models["two"], damaged, "--out", tmp_path / "x").refusal


def _found(content: dict) -> dict:
    return content["attributes"]["color"]["readouts"]["logit_lens"]


def test_other_words_for_an_answer_are_another_definition(pool, models, tmp_path):
    copies = [shutil.copytree(models[name], tmp_path / name) for name in ("one", "two", "three")]
    for copy, word in zip(copies, ("red", "red", "crimson"), strict=True):
        words = {answer: [answer] for answer in "bcd"} | {"a": [word]}
        attributes = {name: {"words": words} for name in ("color", "shape")}
        write_sealed(copy / "data.json", {"attributes": attributes})
    message = pool(*copies, "--out", tmp_path / "out").refusal
    assert "color is defined differently in" in message
    assert "(words for a)" in message
    (copies[2] / "data.json").write_text("{")
    assert "data.json is damaged" in pool(*copies, "--out", tmp_path / "out").refusal


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_refused(pool, models, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    three = [models[name] for name in ("one", "two", "three")]
    assert "cannot use the folder" in pool(*three, "--out", locked / "in").refusal


def test_out_that_is_a_file_is_refused(pool, models, tmp_path):
    (tmp_path / "file").write_text("mine")
    three = [models[name] for name in ("one", "two", "three")]
    assert "holds files but no pooling" in pool(*three, "--out", tmp_path / "file").refusal
    assert "cannot use the folder" in pool(*three, "--out", tmp_path / "file" / "in").refusal
    assert (tmp_path / "file").read_text() == "mine"
