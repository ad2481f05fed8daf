"""The order of attributes: planted orders are found, what has not emerged is left out and said."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.order.estimates import order_results
from analysis.order.report import order_text, save_order_figure
from analysis.run.study import Study

STUDY = Study(n_resamples=1000)
N_SCENES, N_LAYERS = 120, 13


def effect(onset, rng, plateau=1.0):
    rise = np.clip(np.arange(N_LAYERS) - onset, 0, 1) * plateau
    return rise + 0.5 * rng.standard_normal((N_SCENES, N_LAYERS))


def results(onsets, outcomes=None, study=STUDY):
    rng = np.random.default_rng(0)
    effects = {name: effect(onset, rng) for name, onset in onsets.items()}
    outcomes = outcomes or dict.fromkeys(onsets, "emerged")
    # "not_monotone" stands for what has emerged and has no layer all the same.
    findings = {
        name: {
            "outcome": outcome.replace("not_monotone", "emerged"),
            "lambda_half": {} if outcome == "emerged" else None,
        }
        for name, outcome in outcomes.items()
    }
    found = order_results(effects, findings, study, rng=np.random.default_rng(1))
    given = {"given": list(onsets), "declared": False, "rests_on": "none was fixed"}
    return {"readout": "logit_lens", **given, **found, "n_scenes": N_SCENES}


def test_a_planted_order_is_shown():
    found = results({"color": 2, "shape": 5, "material": 8})
    assert found["chain_p"] < 0.01
    assert found["chain_sets_apart"]
    for name, onset in (("color", 2), ("shape", 5), ("material", 8)):
        assert found["estimates"][name] == pytest.approx(onset + 0.5, abs=0.5)
    links = [pair["link"] for pair in found["differences"]]
    assert links == [True, False, True]
    best = max(found["order_probability"], key=lambda one: one["probability"])
    assert best["order"] == ["color", "shape", "material"]
    assert "The order given (color, shape, material) is shown (p < .00" in order_text(found)
    assert "Declared before the run: no (none was fixed)." in order_text(found)
    declared = order_text(found | {"declared": True, "rests_on": "fixed before"})
    assert "The declared order (color, shape, material) is shown (p < .00" in declared
    assert "Declared before the run: yes (fixed before)." in declared


def test_the_same_layer_gives_no_order_and_the_wrong_order_is_not_shown():
    same = results({"color": 4, "shape": 4})
    assert same["differences"][0]["low"] < 0 < same["differences"][0]["high"]
    assert "is not shown" in order_text(same)
    assert results({"color": 8, "shape": 3})["chain_p"] > 0.9


def test_the_distribution_lies_at_the_estimate_and_adds_up():
    found = results({"color": 2, "shape": 8})
    for name, drawn in found["distribution"].items():
        assert sum(drawn["share"]) == pytest.approx(1)
        mean = np.dot(drawn["layers"], drawn["share"])
        assert mean == pytest.approx(found["estimates"][name], abs=0.3)


def test_what_has_not_emerged_is_left_out_and_said():
    outcomes = {"color": "emerged", "size": "not_emerged", "shape": "emerged"}
    found = results({"color": 2, "size": 3, "shape": 6}, outcomes)
    assert found["attributes"] == ["color", "shape"]
    assert "size is left out: not emerged" in order_text(found)
    falls = results({"color": 2, "size": 3, "shape": 6}, outcomes | {"size": "not_monotone"})
    assert falls["attributes"] == ["color", "shape"]
    assert "size is left out: not monotone" in order_text(falls)
    alone = results({"color": 2, "size": 3}, {"color": "emerged", "size": "from_start"})
    assert (alone["differences"], alone["chain_p"]) == ([], None)
    assert "no order: fewer than 2 attributes emerge" in order_text(alone)


def test_table_and_figure_hold_what_was_found(tmp_path):
    found = results({"color": 2, "shape": 5}, study=replace(STUDY, level=0.9))
    assert max(map(len, order_text(found).splitlines()[:-1])) <= 100
    assert "90% CI" in order_text(found)
    (tmp_path / "b").mkdir()
    first, other = (save_order_figure(found, folder) for folder in (tmp_path, tmp_path / "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in other]
