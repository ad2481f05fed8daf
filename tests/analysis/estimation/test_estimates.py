"""From readings to results: planted content is found, its absence too, and exact small cases."""

from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from analysis.estimation.estimates import estimate, score_rows
from analysis.reporting.report_text import attribute_table, sentence
from analysis.runs.results import add_result, schema
from analysis.runs.run_folder import claim
from data_prep.errors import UserError
from tests.analysis.planted import ANSWERS, EMERGING, PROFILES, QUICK, planted, rows_of

ABOUT = {
    "model": "bundled",
    "model_revision": "sha256:1",
    "data": "bundled",
    "data_fingerprint": "f" * 64,
}


@pytest.fixture(scope="module")
def emerged():
    return estimate(planted(EMERGING), QUICK, key=0)


@pytest.mark.parametrize("n_swaps", [0, 3])
@pytest.mark.parametrize("outcome", list(PROFILES))
def test_every_outcome_is_found_and_fits_the_schema(outcome, n_swaps, tmp_path):
    found, _ = estimate(planted(PROFILES[outcome], n_swaps=n_swaps), QUICK, key=0)
    assert found["outcome"] == outcome
    assert (found["lambda_half"] is None) == (outcome != "emerged")
    run = claim(
        tmp_path / "run", QUICK, model_revision=ABOUT["model_revision"], data_fingerprint="f" * 64
    )
    results = add_result(run, "color", "logit_lens", found, ABOUT)
    jsonschema.validate(results, schema())
    # What people read can be made of each.
    assert sentence("color", found).startswith("color ")
    assert attribute_table("color", found).count("\n") > len(PROFILES[outcome])


def test_the_schema_notices_what_is_missing(emerged, tmp_path):
    run = claim(tmp_path / "run", QUICK, model_revision="sha256:1", data_fingerprint="f" * 64)
    for name in ("outcome", "layers", "omnibus_p", "fb_half"):
        broken = {key: value for key, value in emerged[0].items() if key != name}
        results = add_result(run, "color", "logit_lens", broken, ABOUT)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(results, schema())


def test_the_planted_layer_lies_in_interval_and_sets(emerged):
    found, _ = emerged
    crossing, half, delta = found["lambda_half"], found["fb_half"], found["fb_delta"]
    assert crossing["low"] <= crossing["estimate"] <= crossing["high"]
    # Content begins at layer 4; half of the plateau is passed between 3 and 5.
    assert 3 <= crossing["low"] <= crossing["high"] <= 5
    assert half["low"] <= 4 <= half["high"] <= 5
    assert delta["low"] <= 4 <= delta["high"]
    assert found["lambda_first"] <= found["lambda_sustained"] <= 4
    assert max(found["omnibus_p"].values()) < 0.01
    assert min(row["p_shuffled"] for row in found["layers"][:4]) > 0.05
    assert max(row["p_shuffled"] for row in found["layers"][4:]) < 0.01
    assert {each["outcome"] for each in found["other_scores"].values()} == {"emerged"}
    assert found["other_control"]["control"] == "blank"
    assert found["other_control"]["outcome"] == "emerged"


def certain(n_items: int, answer: np.ndarray, p: float) -> np.ndarray:
    """log2 p: `p` for the answer, the rest shared, at each of 3 layers."""
    rest = (1 - p) / (len(ANSWERS) - 1)
    table = np.full((n_items, len(ANSWERS)), np.log2(rest), dtype=np.float32)
    table[np.arange(n_items), answer] = np.log2(p)
    return np.repeat(table[:, None, :], 3, axis=1)


def test_scores_and_effects_of_an_exact_case():
    """80 scenes, 2 texts, 4 balanced answers; the readout gives .97 to the right one."""
    plain = planted((0, 0, 0))
    readings = replace(
        plain,
        real=certain(80, plain.answer_index, 0.97),
        blank=np.full((80, 3, 4), -2, dtype=np.float32),
    )
    found, table = estimate(readings, QUICK, key=0)
    # Of 39 other scenes of the text 9 share the answer.
    hit, miss = 9 / 39, 30 / 39
    own, other = np.log2(0.97), np.log2(0.01)
    brier_own = 0.03**2 + 3 * 0.01**2
    brier_other = 0.97**2 + 0.99**2 + 2 * 0.01**2
    row = found["layers"][1]
    assert row["real"] == pytest.approx(own, abs=1e-6)
    assert row["shuffled"] == pytest.approx(hit * own + miss * other, rel=1e-6)
    assert row["blank"] == -2
    # H of four balanced answers is 2 bits; guessing is wrong in 3 of 4, and has Brier score 3/4.
    assert found["answer_entropy_bits"] == 2
    assert row["effect"] == pytest.approx(miss * (own - other) / 2, rel=1e-6)
    assert row["correct"] == pytest.approx({"real": 1, "shuffled": hit, "blank": 1 / 4})
    assert row["brier"]["real"] == pytest.approx(brier_own, rel=1e-4)
    assert row["brier"]["shuffled"] == pytest.approx(hit * brier_own + miss * brier_other, rel=1e-4)
    assert row["brier"]["blank"] == pytest.approx(3 / 4)
    # Lower is better for Brier, and being better is positive for all.
    assert {name: each["outcome"] for name, each in found["other_scores"].items()} == {
        "correct": "from_start",
        "brier": "from_start",
    }
    assert found["answers"] == dict.fromkeys(ANSWERS, 20)
    assert (found["n_items"], found["n_texts"], found["n_scenes"]) == (80, 2, 80)
    assert table["blank"]["bits"].shape == (80, 3)


def test_the_blank_effect_pairs_each_scene_with_its_own_blank():
    readings = planted(EMERGING)
    study = replace(QUICK, primary_control="blank")
    found, table = estimate(readings, study, key=0)
    # Half of the scenes are hard under both conditions alike: paired, that takes nothing away.
    hard = np.where(np.arange(80) % 3 == 0, -40, 0).astype(np.float32)[:, None, None]
    harder = replace(readings, real=readings.real + hard, blank=readings.blank + hard)
    again, _ = estimate(harder, study, key=0)
    for before, after in zip(found["layers"], again["layers"], strict=True):
        for name in ("effect", "low", "high", "p_blank"):
            assert after[name] == pytest.approx(before[name], abs=1e-4)
    expected = (table["real"]["bits"] - table["blank"]["bits"]).mean(axis=0) / 2
    assert [row["effect"] for row in found["layers"]] == pytest.approx(expected.tolist())
    assert found["primary_control"] == "blank"
    assert found["other_control"]["control"] == "shuffled"


def test_the_shuffled_effect_is_real_minus_control_over_entropy(emerged):
    found, table = emerged
    expected = (table["real"]["bits"] - table["shuffled"]["bits"]).mean(axis=0) / 2
    assert [row["effect"] for row in found["layers"]] == pytest.approx(expected.tolist())


def test_swapped_images_are_the_control_where_they_were_shown():
    readings = planted(EMERGING, n_swaps=3)
    found, table = estimate(readings, QUICK, key=0)
    assert readings.swapped is not None
    own = readings.swapped[:, np.arange(80), :, readings.answer_index]  # [item, swap, layer]
    assert table["shuffled"]["bits"] == pytest.approx(own.mean(axis=1), rel=1e-6)
    assert found["omnibus_p"]["shuffled"] < 0.01


def test_both_controls_must_be_beaten():
    plain = planted(EMERGING)
    # The blank image says as much as the real one: then it is not the image that tells.
    found, _ = estimate(replace(plain, blank=plain.real), QUICK, key=0)
    assert found["omnibus_p"]["shuffled"] < 0.01
    assert found["omnibus_p"]["blank"] > 0.05
    assert found["outcome"] == "not_emerged"


def numbers(found: dict) -> list[float]:
    """All but p-values."""
    return [
        value
        for row in found["layers"]
        for name, value in row.items()
        if type(value) is float and not name.startswith("p_")
    ]


def p_values(found: dict) -> list[float]:
    return [row[name] for row in found["layers"] for name in ("p_shuffled", "p_blank")]


def test_the_order_of_items_does_not_matter(emerged):
    shuffled = np.random.default_rng(1).permutation(80)
    found, _ = estimate(rows_of(planted(EMERGING), shuffled), QUICK, key=0)
    assert p_values(found) == pytest.approx(p_values(emerged[0]), abs=1e-9)
    assert numbers(found) == pytest.approx(numbers(emerged[0]), abs=1e-9)
    assert found["lambda_half"] == pytest.approx(emerged[0]["lambda_half"], abs=1e-9)
    assert found["fb_half"] == emerged[0]["fb_half"]


def test_asking_every_scene_twice_adds_no_evidence(emerged):
    twice = np.repeat(np.arange(80), 2)
    readings = rows_of(planted(EMERGING), twice)
    readings.items["item_id"] += ["/1", "/2"] * 80
    found, _ = estimate(readings, QUICK, key=0)
    assert (found["n_scenes"], found["n_items"]) == (80, 160)
    # Relabellings are drawn anew for other items.
    assert p_values(found) == pytest.approx(p_values(emerged[0]), abs=0.08)
    assert numbers(found) == pytest.approx(numbers(emerged[0]), abs=1e-9)
    assert found["fb_half"] == emerged[0]["fb_half"]


def test_the_same_seed_gives_the_same_and_another_other_draws(emerged):
    again, _ = estimate(planted(EMERGING), QUICK, key=0)
    assert again == emerged[0]
    for other in (
        estimate(planted(EMERGING), QUICK, key=1)[0],
        estimate(planted(EMERGING), replace(QUICK, seed=1), key=0)[0],
    ):
        assert other["layers"][5]["low"] != again["layers"][5]["low"]
        assert other["layers"][5]["effect"] == again["layers"][5]["effect"]


def test_item_rows_hold_every_item_condition_and_layer(emerged):
    readings = planted(EMERGING)
    rows = score_rows(emerged[1], readings, "logit_lens")
    assert len(rows) == 80 * 3 * 9
    assert not rows.duplicated(["item_id", "condition", "layer"]).any()
    one = rows.query("item_id == @readings.items.item_id[7] and condition == 'real'")
    assert one["layer"].tolist() == list(range(9))
    assert one["bits"].to_numpy() == pytest.approx(readings.real[7, :, readings.answer_index[7]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [(np.arange(9), "at least 10 scenes, got 9"), (np.arange(0, 80, 4), "every item's is 'a'")],
)
def test_too_little_is_refused(rows, message):
    with pytest.raises(UserError, match=message):
        estimate(rows_of(planted(EMERGING), rows), QUICK, key=0)
