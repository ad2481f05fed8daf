"""From readings to results: planted content is found, its absence too, and exact small cases."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from jsonschema import ValidationError

from analysis.effects.found import Finding
from analysis.emergence.estimates import estimate
from analysis.emergence.report import attribute_table, loudness_sentence, sentence
from analysis.emergence.tables import effect_rows, score_rows
from analysis.results import Results
from analysis.run.folder import claim
from analysis.run.results import add_finding
from analysis.schema import results_schema
from analysis.typed import written
from data_prep.errors import UserError
from tests.analysis.planted import ANSWERS, EMERGING, PROFILES, QUICK, planted, rows_of
from tests.schemas import require_valid

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
    found = estimate(planted(PROFILES[outcome], n_swaps=n_swaps), QUICK, key=0).results
    assert found.outcome == outcome
    assert (found.lambda_half is None) == (outcome != "emerged")
    run = claim(
        tmp_path / "run", QUICK, model_revision=ABOUT["model_revision"], data_fingerprint="f" * 64
    )
    results = add_finding(run, "color", "logit_lens", found, ABOUT)
    require_valid(written(results), results_schema)
    # What people read can be made of each.
    assert sentence("color", found).startswith("color ")
    assert loudness_sentence("color", found, readout="logit_lens").startswith("color ")
    assert attribute_table("color", found, readout="logit_lens").count("\n") > len(
        PROFILES[outcome]
    )


def test_the_schema_notices_what_is_missing(emerged, tmp_path):
    run = claim(tmp_path / "run", QUICK, model_revision="sha256:1", data_fingerprint="f" * 64)
    results = add_finding(run, "color", "logit_lens", emerged.results, ABOUT)
    content = written(results)
    whole = content["attributes"]["color"]["readouts"]["logit_lens"]
    for name in ("outcome", "layers", "omnibus_p", "plateau_p", "robustness", "sure", "fb_half"):
        broken = {key: value for key, value in whole.items() if key != name}
        attributes = {"color": {"readouts": {"logit_lens": broken}}}
        with pytest.raises(ValidationError):
            require_valid(content | {"attributes": attributes}, results_schema)


def test_findings_of_a_run_are_adjusted_together(emerged, tmp_path):
    run = claim(tmp_path / "run", QUICK, model_revision="sha256:1", data_fingerprint="f" * 64)
    small = emerged.results.largest_p
    first = add_finding(run, "color", "logit_lens", emerged.results, ABOUT)
    assert holm_of(first, "color") == small == emerged.results.omnibus_p_holm
    null = estimate(planted((0,) * 9), QUICK, key=0).results
    both = add_finding(run, "shape", "logit_lens", null, ABOUT)
    # Holm: twice the smaller one, and the larger is no less.
    assert holm_of(both, "color") == 2 * small
    assert holm_of(both, "shape") >= null.plateau_p.largest


def holm_of(results: Results, attribute: str) -> float:
    return results.of_attribute(attribute)["logit_lens"].omnibus_p_holm


def test_the_planted_layer_lies_in_interval_and_sets(emerged):
    found = emerged.results
    crossing, half, delta = found.lambda_half, found.fb_half, found.fb_delta
    assert crossing.low <= crossing.estimate <= crossing.high
    # Content begins at layer 4; half of the plateau is passed between 3 and 5.
    assert 3 <= crossing.low <= crossing.high <= 5
    assert half.low <= 4 <= half.high <= 5
    assert delta.low <= 4 <= delta.high
    assert found.lambda_first <= found.lambda_sustained <= 4
    assert found.omnibus_p.largest < 0.01
    assert found.plateau_p.largest < 0.01
    assert min(row.p_shuffled for row in found.layers[:4]) > 0.05
    assert max(row.p_shuffled for row in found.layers[4:]) < 0.01
    layer = found.layer
    assert layer.low <= layer.estimate == np.ceil(crossing.estimate) <= layer.high
    assert found.monotone
    assert not found.declines


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
    estimates = estimate(readings, QUICK, key=0)
    found, table = estimates.results, estimates.scores
    # Of 39 other scenes of the text 9 share the answer.
    hit, miss = 9 / 39, 30 / 39
    own, other = np.log2(0.97), np.log2(0.01)
    brier_own = 0.03**2 + 3 * 0.01**2
    brier_other = 0.97**2 + 0.99**2 + 2 * 0.01**2
    row = found.layers[1]
    stated = {"real": own, "shuffled": hit * own + miss * other, "blank": -2}
    assert asdict(row.stated) == pytest.approx(stated, rel=1e-6)
    # H of four balanced answers is 2 bits; guessing is wrong in 3 of 4, and has Brier score 3/4.
    assert found.answer_entropy_bits == 2
    assert asdict(found.guessing) == pytest.approx({"bits": -2, "correct": 1 / 4, "brier": 3 / 4})
    # It is always right, so its reader is all but certain; what the blank image tells is nothing.
    assert row.information.blank == pytest.approx(0, abs=1e-9)
    assert 1.95 < row.information.real <= 2
    assert row.effect == pytest.approx(row.information.real / 2)
    assert row.held == pytest.approx(row.information.real, abs=0.01)
    assert asdict(row.correct) == pytest.approx({"real": 1, "shuffled": hit, "blank": 1 / 4})
    assert row.brier.real == pytest.approx(brier_own, rel=1e-4)
    assert row.brier.shuffled == pytest.approx(hit * brier_own + miss * brier_other, rel=1e-4)
    assert row.brier.blank == pytest.approx(3 / 4)
    # Always right at .97 could be said more loudly; what its word costs is what is left to gain.
    assert row.scale.low > 1
    gained = row.information.real - 2 - own
    assert row.lost.estimate == pytest.approx(gained, abs=1e-6)
    entropy = -(0.97 * own + 0.03 * other)
    assert row.certainty.estimate == pytest.approx(1 - entropy / 2, rel=1e-5)
    assert found.answers == dict.fromkeys(ANSWERS, 20)
    assert (found.n_items, found.n_texts, found.n_scenes) == (80, 2, 80)
    assert table["blank"]["bits"].shape == (80, 3)


def test_how_loudly_it_is_said_changes_no_estimate(emerged):
    """Factors per layer, and a shift per item and layer, of every condition."""
    plain = planted(EMERGING)
    rng = np.random.default_rng(3)
    louder = np.exp(rng.normal(0, 2, 9))[:, None]
    shift = rng.normal(0, 5, (80, 9, 1))
    said = replace(plain, real=plain.real * louder + shift, blank=plain.blank * louder - shift)
    found = estimate(said, QUICK, key=0).results
    after, before = asdict(found), asdict(emerged.results)
    for name in ("outcome", "fb_half", "fb_delta", "layer", "omnibus_p", "plateau_p"):
        assert after[name] == pytest.approx(before[name], abs=1e-9)
    assert after["lambda_half"] == pytest.approx(before["lambda_half"], abs=1e-6)
    # Readings are float32, so products are rounded.
    for name in ("effect", "low", "high", "held"):
        curve, other = (
            [getattr(row, name) for row in each.layers] for each in (found, emerged.results)
        )
        assert curve == pytest.approx(other, abs=1e-4)
    stated = [one.estimate for one in found.robustness][-1]
    assert stated != pytest.approx(emerged.results.robustness[-1].estimate, abs=0.1)


def test_the_effect_is_information_with_the_image_minus_without(emerged):
    found, table = emerged.results, emerged.scores
    told = table["real"]["information"] - table["blank"]["information"]
    assert [row.effect for row in found.layers] == pytest.approx((told.mean(0) / 2).tolist())
    assert np.isnan(table["shuffled"]["information"]).all()


def test_the_effect_pairs_each_scene_with_its_own_blank(emerged):
    """Rows are in the order of scene ids, whatever that of the items; what a scene is told under
    both conditions alike is taken off it, and not off the mean."""
    moved = np.random.default_rng(2).permutation(80)
    readings = rows_of(planted(EMERGING), moved)
    found = estimate(readings, QUICK, key=0)
    told = found.scores["real"]["information"] - found.scores["blank"]["information"]
    by_id = np.argsort(readings.items["scene_id"].to_numpy())
    assert found.effects["effect"] == pytest.approx(told[by_id] / 2, abs=1e-12)
    assert found.effects["effect"] == pytest.approx(emerged.effects["effect"], abs=1e-9)
    # A blank image that says just what the real one does leaves nothing, scene by scene.
    plain = planted(EMERGING)
    shared = replace(plain, blank=plain.real)
    assert (estimate(shared, QUICK, key=0).effects["effect"] == 0).all()


def test_what_a_scene_adds_to_all_its_scores_changes_no_effect(emerged):
    plain = planted(EMERGING)
    hard = np.where(np.arange(80) % 3 == 0, -40, 0).astype(np.float32)[:, None, None]
    harder = replace(plain, real=plain.real + hard, blank=plain.blank + hard)
    again = estimate(harder, QUICK, key=0).results
    for before, after in zip(emerged.results.layers, again.layers, strict=True):
        for name in ("effect", "low", "high", "p_blank"):
            assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-4)


def test_both_kinds_of_guessing_must_be_beaten():
    """A blank image that misleads its own reader is no knowledge of the real one."""
    plain = planted((0,) * 9)
    rng = np.random.default_rng(0)
    wrong = np.where(rng.random((80, 1)) < 0.5, plain.answer_index[:, None], 1)
    blank = np.full((80, 9, 4), -8.0)
    blank[np.arange(80)[:, None], np.arange(9), wrong] = -0.02
    found = estimate(replace(plain, blank=blank.astype(np.float32)), QUICK, key=0).results
    assert found.plateau_p.blank > 0.05
    assert found.outcome == "not_emerged"


def test_right_answers_below_guessing_are_no_knowledge():
    """A readout that always prefers a wrong answer, loudly: stated bits called that an effect."""
    plain = planted(EMERGING)
    turned = np.take_along_axis(plain.real, ((np.arange(4) + 1) % 4)[None, None], axis=2)
    found = estimate(replace(plain, real=turned), QUICK, key=0).results
    last = found.layers[-1]
    assert last.correct.real < found.guessing.correct
    assert found.outcome == "not_emerged"
    assert last.scale.estimate == 0


def test_swapped_images_are_the_control_where_they_were_shown():
    readings = planted(EMERGING, n_swaps=3)
    estimates = estimate(readings, QUICK, key=0)
    found, table = estimates.results, estimates.scores
    assert readings.swapped is not None
    own = readings.swapped[:, np.arange(80), :, readings.answer_index]  # [item, swap, layer]
    assert table["shuffled"]["bits"] == pytest.approx(own.mean(axis=1), rel=1e-6)
    assert found.omnibus_p.shuffled < 0.01


def test_both_controls_must_be_beaten():
    plain = planted(EMERGING)
    # The blank image says as much as the real one: then it is not the image that tells.
    found = estimate(replace(plain, blank=plain.real), QUICK, key=0).results
    assert found.omnibus_p.shuffled < 0.01
    assert found.omnibus_p.blank > 0.05
    assert found.plateau_p.blank > 0.05
    assert found.outcome == "not_emerged"


def test_a_blank_image_beaten_early_is_not_beaten_where_it_counts():
    """It was: any layer would do, and the blank image won on the plateau."""
    plain = planted((0, 3, 3, 3, 3, 3, 3, 3, 3))
    blank = plain.real.copy()
    blank[:, 1] = -2
    found = estimate(replace(plain, blank=blank), QUICK, key=0).results
    assert found.omnibus_p.blank < 0.01
    assert found.plateau_p.blank > 0.05
    assert found.outcome != "emerged"
    assert found.lambda_half is None


def numbers(found: Finding) -> list[float]:
    """All but p-values."""
    return [
        value
        for row in found.layers
        for name, value in asdict(row).items()
        if type(value) is float and not name.startswith("p_")
    ]


def p_values(found: Finding) -> list[float]:
    return [p for row in found.layers for p in (row.p_shuffled, row.p_blank)]


def test_the_order_of_items_does_not_matter(emerged):
    shuffled = np.random.default_rng(1).permutation(80)
    found = estimate(rows_of(planted(EMERGING), shuffled), QUICK, key=0).results
    assert p_values(found) == pytest.approx(p_values(emerged.results), abs=1e-9)
    assert numbers(found) == pytest.approx(numbers(emerged.results), abs=1e-9)
    assert asdict(found)["lambda_half"] == pytest.approx(
        asdict(emerged.results)["lambda_half"], abs=1e-9
    )
    assert found.fb_half == emerged.results.fb_half


def test_asking_every_scene_twice_adds_no_evidence(emerged):
    twice = np.repeat(np.arange(80), 2)
    readings = rows_of(planted(EMERGING), twice)
    readings.items["item_id"] += ["/1", "/2"] * 80
    found = estimate(readings, QUICK, key=0).results
    assert (found.n_scenes, found.n_items) == (80, 160)
    # Relabellings are drawn anew for other items.
    assert p_values(found) == pytest.approx(p_values(emerged.results), abs=0.08)
    assert numbers(found) == pytest.approx(numbers(emerged.results), abs=1e-9)
    assert found.fb_half == emerged.results.fb_half


def test_the_same_seed_gives_the_same_and_another_other_draws(emerged):
    again = estimate(planted(EMERGING), QUICK, key=0).results
    assert again == emerged.results
    for other in (
        estimate(planted(EMERGING), QUICK, key=1).results,
        estimate(planted(EMERGING), replace(QUICK, seed=1), key=0).results,
    ):
        assert other.layers[5].low != again.layers[5].low
        # Other folds, and so readers that differ a little.
        assert other.layers[5].effect == pytest.approx(again.layers[5].effect, abs=0.01)


def test_item_rows_hold_every_item_condition_and_layer(emerged):
    readings = planted(EMERGING)
    rows = score_rows(emerged, readings, "logit_lens")
    assert len(rows) == 80 * 3 * 9
    assert rows.columns.tolist()[-4:] == ["bits", "correct", "brier", "information"]
    assert not rows.duplicated(["item_id", "condition", "layer"]).any()
    one = rows.query("item_id == @readings.items.item_id[7] and condition == 'real'")
    assert one["layer"].tolist() == list(range(9))
    assert one["bits"].to_numpy() == pytest.approx(readings.real[7, :, readings.answer_index[7]])


def test_effect_rows_hold_every_scene_and_layer(emerged):
    rows = effect_rows(emerged, planted(EMERGING), "logit_lens")
    assert len(rows) == 80 * 9
    assert rows["effect"].to_numpy().reshape(80, 9) == pytest.approx(emerged.effects["effect"])
    assert rows["held"].to_numpy().reshape(80, 9) == pytest.approx(emerged.effects["held"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.arange(9), "at least 10 scenes, got 9"),
        (np.arange(0, 80, 4), "every item's is 'a'"),
        (np.r_[1, 0:80:4], "'b' has 1: use more scenes"),
    ],
)
def test_too_little_is_refused(rows, message):
    with pytest.raises(UserError, match=message):
        estimate(rows_of(planted(EMERGING), rows), QUICK, key=0)
