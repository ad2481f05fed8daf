"""The order of attributes: planted orders are found, what has not emerged is left out and said."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.effects.found import Finding
from analysis.order.estimates import order_results
from analysis.order.figure import save_order_figure
from analysis.order.found import AskedOrder, FoundOrder
from analysis.order.report import order_text
from analysis.run.study import Study
from analysis.typed import read_back
from tests.paper.made_up_findings import finding

STUDY = Study(n_resamples=1000)
N_SCENES, N_LAYERS = 120, 13


def effect(onset, rng, plateau=1.0):
    rise = np.clip(np.arange(N_LAYERS) - onset, 0, 1) * plateau
    return rise + 0.5 * rng.standard_normal((N_SCENES, N_LAYERS))


def measured(name, outcome):
    """A finding of this outcome; "not_monotone" has emerged and has no layer all the same."""
    monotone = outcome != "not_monotone"
    outcome = outcome if monotone else "emerged"
    return read_back(Finding, finding(name, onset=3.0, outcome=outcome, monotone=monotone), "it")


def results(onsets, outcomes=None, study=STUDY) -> FoundOrder:
    rng = np.random.default_rng(0)
    effects = {name: effect(onset, rng) for name, onset in onsets.items()}
    outcomes = outcomes or dict.fromkeys(onsets, "emerged")
    findings = {name: measured(name, outcome) for name, outcome in outcomes.items()}
    asked = AskedOrder(
        readout="logit_lens", given=tuple(onsets), declared=False, rests_on="none was fixed"
    )
    found = order_results(effects, findings, study, asked=asked, rng=np.random.default_rng(1))
    assert (found.asked, found.n_scenes) == (asked, N_SCENES)
    return found


def test_a_planted_order_is_shown():
    found = results({"color": 2, "shape": 5, "material": 8})
    assert found.chain_p == found.claim_p < 0.01
    assert found.chain_sets_apart
    for name, onset in (("color", 2), ("shape", 5), ("material", 8)):
        assert found.estimates[name] == pytest.approx(onset + 0.5, abs=0.5)
    links = [pair.link for pair in found.differences]
    assert links == [True, False, True]
    assert found.most_frequent.order == found.attributes == ("color", "shape", "material")
    assert "The order given (color, shape, material) is shown (p < .00" in order_text(found)
    assert "Declared before the run: no (none was fixed)." in order_text(found)
    declared = order_text(replace(found, declared=True, rests_on="fixed before"))
    assert "The declared order (color, shape, material) is shown (p < .00" in declared
    assert "Declared before the run: yes (fixed before)." in declared


def test_the_same_layer_gives_no_order_and_the_wrong_order_is_not_shown():
    same = results({"color": 4, "shape": 4})
    assert same.differences[0].low < 0 < same.differences[0].high
    assert "is not shown" in order_text(same)
    assert results({"color": 8, "shape": 3}).claim_p > 0.9


def test_the_distribution_lies_at_the_estimate_and_adds_up():
    found = results({"color": 2, "shape": 8})
    for name, drawn in found.distribution.items():
        assert sum(drawn.share) == pytest.approx(1)
        mean = np.dot(drawn.layers, drawn.share)
        assert mean == pytest.approx(found.estimates[name], abs=0.3)


def test_what_has_not_emerged_is_left_out_and_said():
    outcomes = {"color": "emerged", "size": "not_emerged", "shape": "emerged"}
    found = results({"color": 2, "size": 3, "shape": 6}, outcomes)
    assert found.attributes == ("color", "shape")
    assert "size is left out: not emerged" in order_text(found)
    falls = results({"color": 2, "size": 3, "shape": 6}, outcomes | {"size": "not_monotone"})
    assert falls.attributes == ("color", "shape")
    assert "size is left out: not monotone" in order_text(falls)
    alone = results({"color": 2, "size": 3}, {"color": "emerged", "size": "from_start"})
    assert (alone.differences, alone.chain_p, alone.claim_p) == ((), None, 1)
    assert "no order: fewer than 2 attributes emerge" in order_text(alone)


def test_table_and_figure_hold_what_was_found(tmp_path):
    found = results({"color": 2, "shape": 5}, study=replace(STUDY, level=0.9))
    assert max(map(len, order_text(found).splitlines()[:-1])) <= 100
    assert "90% CI" in order_text(found)
    (tmp_path / "b").mkdir()
    first, other = (save_order_figure(found, folder) for folder in (tmp_path, tmp_path / "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in other]
