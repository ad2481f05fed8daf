"""Competing words: planted effects are recovered, none is found where none is, and the command."""

import json
import shutil
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import binom

from analysis import confusion
from analysis.estimation.confusion_estimates import confusion_results
from analysis.estimation.image_adds import added_rows
from analysis.estimation.rivals import rivals_of, under
from analysis.estimation.wording_estimates import wording_results
from analysis.readings.say_3d import with_3d
from analysis.reporting.confusion_figures import chosen_layers
from analysis.reporting.confusion_report import confusion_sentences
from analysis.runs.command import parse_options
from analysis.runs.results import schema
from data_prep.errors import UserError
from stats import sign_flip_max_t
from tests.analysis.conftest import files_of, results_of
from tests.analysis.planted import QUICK, planted
from tests.analysis.planted_words import competing, planted_words, with_other_images
from tests.commands import Ended, run_command
from tests.data_prep.photographs.made_up import write_images
from tests.probes.families.small import save

LEAD = (-3, -3, -3, 0, 6, 6, 6, 6, 6)
FLAT = (0,) * 9


def found_of(lead, *, n_scenes=200, seed=0, n_swaps=0, **words) -> dict[str, Any]:
    readings = planted((4,) * 9, n_scenes=n_scenes, seed=seed, n_swaps=n_swaps)
    read = planted_words(readings, lead, seed=seed, **words)
    rivals, notes = rivals_of(readings, read, competing())
    other = with_other_images(readings, read, seed=seed)
    found = confusion_results(readings, read, other, rivals, QUICK, key=seed)
    return found | {"notes": notes}


@pytest.mark.parametrize("n_swaps", [0, 1])
def test_a_planted_overtaking_is_found_with_its_layer(n_swaps):
    found = found_of({"x": LEAD, "y": (-3,) * 9, "z": LEAD}, n_swaps=n_swaps)
    by_near = {pair["near"]: pair for pair in found["pairs"]}
    for near in ("x", "z"):
        crossing, last = by_near[near]["overtaking"], by_near[near]["layers"][8]
        assert crossing == {"layer": 4, "set": {"low": 4, "high": 4}}
        # Planted: 6 nats for the competing word, 2 for the right one.
        assert last["ratio_bits"] == pytest.approx(4 / np.log(2), abs=0.8)
        # One in four of the other images has the same answer, and the same lead.
        assert last["added_bits"] == pytest.approx(0.75 * 4 / np.log(2), abs=1.5)
        assert last["added_low"] < last["added_bits"] < last["added_high"]
        assert by_near[near]["added"]["at_last_layer"] == "adds"
        assert by_near[near]["added"]["p_holm"] < 0.01
        assert by_near[near]["turned"]["share"] > 0.9
        assert by_near[near]["turned_shuffled"]["share"] < 0.7
    assert by_near["y"]["overtaking"]["layer"] is None
    assert by_near["y"]["turned"]["n_turned"] == 0
    assert by_near["y"]["turned"]["high"] > 0
    # Where it is right, the image gives the right word 2 nats and takes 3 from the competing one.
    assert by_near["y"]["added"]["at_last_layer"] == "takes"
    assert found["together"]["overtaking"]["layer"] == 4
    assert found["together"]["n_scenes"] == 100
    said = "\n".join(confusion_sentences("color", found))
    assert (
        "'x' against 'a' is the likelier for good from layer 4 on (forward-backward set 4 to 4;"
        in said
    )
    assert "the image has its part in that: the image adds +" in said
    assert "CI 0.0%" not in said.splitlines()[-1]


def test_a_preference_for_a_word_is_not_the_images_doing():
    """The same lead in every scene, whatever is asked: its plain test must reject, and does."""
    found = found_of({}, whatever={"x": 4.0, "z": 4.0}, right=0.0)
    for pair in (found["together"], *(each for each in found["pairs"] if each["near"] != "y")):
        assert pair["omnibus_p"] < 0.01
        assert pair["overtaking"]["layer"] == 0
        assert pair["layers"][8]["ratio_bits"] > 4
        assert abs(pair["layers"][8]["added_bits"]) < 1
        assert pair["added"]["at_last_layer"] == "not shown"
        (sentence,) = (
            each
            for each in confusion_sentences("color", found)
            if (str(pair["near"]) if pair["near"] else "over all answers") in each.split(" is ")[0]
            and "turned" not in each
        )
        assert "that is a preference for the word, whatever the image shows" in sentence
        assert "the image has its part" not in sentence


def test_an_image_that_works_against_the_word_does_not_make_its_lead():
    found = found_of({}, whatever={"x": 6.0, "z": 6.0}, right=2.0)
    pair = found["pairs"][0]
    assert pair["overtaking"]["layer"] == 0
    assert pair["added"]["at_last_layer"] == "takes"
    sentence = next(each for each in confusion_sentences("color", found) if "'x'" in each)
    assert "that is a preference for the word, not the image's doing: the image adds -" in sentence


REPETITIONS = 150


@pytest.mark.parametrize(("n_swaps", "names"), [(0, ["together", "x"]), (1, ["together", "x"])])
def test_a_random_model_is_found_at_the_level_and_by_the_plain_test_always(n_swaps, names):
    """Words that are preferred alike under every image: the control that must fail is the plain
    test, and at the level of 5% stands that of what the image adds."""
    plain, added = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(REPETITIONS):
        readings = planted((0,) * 4, n_scenes=64, seed=seed, n_swaps=n_swaps)
        words = planted_words(readings, {}, whatever={"x": 3.0, "z": 1.0}, right=0, seed=seed)
        other = with_other_images(readings, words, seed=seed)
        if n_swaps:  # Forward passes of their own.
            other = planted_words(
                readings, {}, whatever={"x": 3.0, "z": 1.0}, right=0, seed=REPETITIONS + seed
            )
        for name, each in zip(names, both_tests(readings, words, other), strict=True):
            plain[name] += each[0] <= 0.05
            added[name] += each[1] <= 0.05
    for name in names:
        assert plain[name] >= 0.95 * REPETITIONS
        assert binom.ppf(0.0005, REPETITIONS, 0.02) <= added[name]
        assert added[name] <= binom.ppf(0.9995, REPETITIONS, 0.05)


def both_tests(readings, words, other):
    """Omnibus p of the plain ratio and of what the image adds: of all answers, and of one pair."""
    rivals, _ = rivals_of(readings, words, competing())
    for own, shuffled in zip(rivals[:2], under(rivals, other)[:2], strict=True):
        rows = (own.ratio, added_rows(readings, words, own, shuffled))
        yield [
            sign_flip_max_t(
                each, rng=np.random.default_rng(0), n_resamples=199, tail="two-sided"
            ).omnibus_p
            for each in rows
        ]


def test_what_the_image_adds_is_the_mean_over_all_other_images():
    readings = planted((0,) * 3, n_scenes=64, seed=3)
    words = planted_words(readings, {"x": (1.0, 2.0, 3.0)}, seed=3)
    rivals, _ = rivals_of(readings, words, competing())
    for own in rivals:
        added = added_rows(readings, words, own, own).mean(axis=0)
        texts, wanted = readings.items["question"].to_numpy(), []
        for row in own.rows:
            right = str(readings.items["answer"].iloc[row])
            lead = words.share_of(dict(own.pairs)[right]) - words.share_of(right)
            others = np.flatnonzero((texts == texts[row]) & (np.arange(64) != row))
            wanted.append(lead[row] - lead[others].mean(axis=0))
        np.testing.assert_allclose(added, np.mean(wanted, axis=0), atol=1e-9)


def test_answers_turn_by_noise_alone_and_as_often_with_other_images():
    shares = {"turned": [], "turned_shuffled": []}
    for seed in range(5):
        pair = found_of({"x": (2,) * 9, "z": (2,) * 9}, seed=seed, noise=2.0)["together"]
        for name, values in shares.items():
            values.append(pair[name]["n_turned"] / max(1, pair[name]["n_right"]))
    assert np.mean(shares["turned"]) > 0.1
    assert np.mean(shares["turned_shuffled"]) > 0.05


def test_the_matrix_has_the_right_answer_in_rows():
    found = found_of({}, n_scenes=80)["matrix"]
    assert found["n_scenes"] == [20] * 4
    for layer in found["layers"]:
        np.testing.assert_allclose(np.sum(layer["share"], axis=1), 1)
        assert np.all(np.array(layer["low"]) <= layer["share"])
    assert np.diag(found["layers"][-1]["share"]).min() > 0.8


def test_words_have_shares_and_probabilities():
    found = found_of({"x": LEAD})
    assert [(each["answer"], each["word"]) for each in found["words"]] == [
        ("a", "a"), ("a", "x"), ("a", "y"), ("b", "b"), ("b", "z"),
    ]  # fmt: skip
    for each in found["words"]:
        for row in each["layers"]:
            assert 0 <= row["share_low"] <= row["share"] <= row["share_high"] <= 1
            assert row["probability"] < row["share"]


@pytest.mark.parametrize(("shift", "equivalent"), [(0.0, True), (2.0, False)])
def test_another_wording_is_compared_scene_by_scene(shift, equivalent):
    rng = np.random.default_rng(0)
    plain = 3 * rng.standard_normal((80, 6))
    other = plain + 0.3 * rng.standard_normal((80, 6))
    other[:, 4:] += shift
    found = wording_results(plain, other, QUICK, key=0, margin_bits=0.5)
    assert found["equivalent_at_all_layers"] == equivalent
    assert (found["omnibus_p"] < 0.01) == (shift > 0)
    assert found["layers"][5]["difference_bits"] == pytest.approx(shift, abs=0.15)


def test_no_effect_is_not_claimed_for_want_of_scenes():
    rng = np.random.default_rng(0)
    found = wording_results(
        np.zeros((6, 3)), 3 * rng.standard_normal((6, 3)), QUICK, key=0, margin_bits=0.5
    )
    assert not found["equivalent_at_all_layers"]
    found |= {"omnibus_p": 0.6}
    said = list(confusion_sentences("shape", found_of({}) | {"say_3d": found}))[-1]
    assert "neither a difference nor its absence is shown" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What shape is the large red thing?", "What 3D shape is the large red thing?"),
        ("Shape of the main object:", "3D shape of the main object:"),
    ],
)
def test_3d_is_said_before_the_attribute(text, wanted):
    assert with_3d(text, "shape") == wanted


def test_layers_are_spread_evenly():
    assert chosen_layers(11) == [0, 2, 5, 8, 10]
    assert chosen_layers(2) == [0, 1]
    assert chosen_layers(11, (7, 3, 3)) == [3, 7]


@pytest.fixture
def run_confusion(capsys):
    """Runs the command with these arguments, in this process."""

    def run(arguments) -> Ended:
        line = [str(each) for each in arguments]
        kind, command = confusion.Confusion, confusion.COMMAND
        return run_command(
            capsys, lambda: confusion.main(parse_options(kind, command=command, arguments=line))
        )

    return run


def test_from_end_to_end_and_again_without_the_model(run_confusion, small, tmp_path, monkeypatch):
    run = tmp_path / "run"
    arguments = [*small, "--run", run, "--attr", "shape", "--say-3d", "--layers", "0", "3"]
    ended = run_confusion(arguments)
    assert (ended.code, ended.err) == (0, "")
    results = results_of(run)
    jsonschema.validate(results, schema())
    found = results["studies"]["confusion"]["shape"]
    assert found["say_3d"]["n_scenes"] == found["together"]["n_scenes"]
    for stem in ("words-shape", "confusion-shape", "image-adds-shape"):
        assert (run / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
        with Image.open(run / f"{stem}.png") as image:
            assert image.size[0] > 800
    rows = pd.read_parquet(run / "confusion_words.parquet")
    n_words = rows["word"].nunique()
    assert len(rows) == 3 * found["n_items"] * 4 * n_words
    assert set(rows["condition"]) == {"real", "shuffled"}
    sums = rows.groupby(["item_id", "layer", "wording", "condition"])["share"].sum()
    np.testing.assert_allclose(np.asarray(sums), 1, atol=1e-5)
    chosen = pd.read_parquet(run / "confusion_answers.parquet")
    assert set(chosen["chosen"]) <= {"cube", "sphere", "cylinder"}

    before = files_of(run)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    assert run_confusion(arguments) == ended
    assert files_of(run) == before


def test_on_another_family(run_confusion, clevr, tmp_path):
    folder = save("qwen2_vl", tmp_path / "model")
    arguments = ["--model", folder, "--data", f"clevr:{clevr}", "--min-scenes-per-text", "5"]
    arguments += ["--n-resamples", "800", "--attr", "material", "--run", tmp_path / "run"]
    assert run_confusion(arguments).code == 0
    jsonschema.validate(results_of(tmp_path / "run"), schema())


@pytest.fixture
def captured(run_confusion, small, tmp_path):
    """A run in which the built-in words were followed, and whose model is gone since."""
    model = tmp_path / "model"
    shutil.copytree(small[1], model)
    arguments = [*small, "--model", model, "--run", tmp_path / "run", "--attr", "shape"]
    ended = run_confusion(arguments)
    assert ended.code == 0, ended.err
    shutil.rmtree(model)
    return arguments


def test_without_the_model_what_was_kept_is_enough(run_confusion, captured, tmp_path):
    results = tmp_path / "run" / "results.json"
    content = json.loads(results.read_text())
    kept = content["studies"].pop("confusion")
    results.write_text(json.dumps(content))
    assert run_confusion(captured).code == 0
    assert results_of(tmp_path / "run")["studies"]["confusion"] == kept


def test_without_the_model_other_words_are_one_line(run_confusion, captured):
    message = run_confusion([*captured, "--words", "cube=brick"]).refusal
    assert (
        "has not kept the tokens of cube, block, sphere, ball, cylinder, brick, and the model"
        in message
    )
    assert "run this once where it is" in message


def test_without_the_model_another_wording_is_one_line(run_confusion, captured):
    message = run_confusion([*captured, "--say-3d"]).refusal
    assert "holds no answers to 'What 3D shape is the " in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "cone=square"], "--words names answers of shape, got 'cone': choose from"),
        (["--words", "cube="], "words are listed with commas, got ''"),
        (["--words", "cube=a,,b"], "words are listed with commas, got 'a,,b'"),
        (["--words", "cube=sphere"], "'sphere' is an answer itself"),
        (["--attr", "count"], "there are no competing words for count: name some"),
        (["--margin-bits", "0"], "--margin-bits must be a positive number, got 0"),
        (["--layers", "-1"], "--layers are counted from 0, got -1"),
        (["--layers", "4"], "--layers must lie in 0..3, got 4: lower it"),
    ],
)
def test_bad_arguments_are_one_line(run_confusion, small, tmp_path, arguments, message):
    asked = [*small, "--run", tmp_path / "run", "--attr", "shape", *arguments]
    assert message in run_confusion(asked).refusal


def test_words_of_any_script_and_those_that_are_markup(run_confusion, small, tmp_path):
    words = ["cube=\u65b9\u5f62,<b>x</b>", "sphere=\u05db\u05d3\u05d5\u05e8", "cylinder=$\\cyl_1$"]
    run = tmp_path / "run"
    ended = run_confusion([*small, "--run", run, "--attr", "shape", "--words", *words])
    assert ended.code == 0, ended.err
    assert "<b>x</b>" in ended.out
    near = results_of(run)["studies"]["confusion"]["shape"]["near"]
    assert near["sphere"] == ["\u05db\u05d3\u05d5\u05e8"]


def test_own_images(run_confusion, model_folder, tmp_path):
    folder = write_images(tmp_path / "things", ["red", "metal_", "Ball"], 12)
    arguments = ["--model", model_folder, "--data", f"images:{folder}", "--n-resamples", "800"]
    arguments += ["--run", tmp_path / "run", "--words", "Ball=zzz"]
    ended = run_confusion(arguments)
    assert ended.code == 0, ended.err
    assert "'zzz' against 'Ball'" in ended.out


def test_a_run_folder_that_is_empty_begins_a_run(run_confusion, small, tmp_path):
    (tmp_path / "run").mkdir()
    assert run_confusion([*small, "--run", tmp_path / "run", "--attr", "shape"]).code == 0


def test_too_few_scenes_are_one_line():
    readings = planted(FLAT, n_scenes=32)
    words = planted_words(readings, {})
    with pytest.raises(UserError, match="8 scenes have the answer 'a', at least 10 are needed"):
        rivals_of(readings, words, competing())
