"""Rungs and steps of the ladder of readers."""

import numpy as np
import pytest

from analysis.emergence.ladder import RUNGS, ladder
from analysis.emergence.ladder_report import ladder_text, save_ladder_figure
from tests.analysis.planted import QUICK


@pytest.fixture(scope="module")
def rungs() -> dict[str, np.ndarray]:
    """60 scenes, 4 layers: offsets gain at layer 1, the probe at layers 1 and 2."""
    rng = np.random.default_rng(0)
    shared = 0.3 * rng.standard_normal((60, 4))
    heights = ([0, 0.1, 0.3, 0.6], [0, 0.4, 0.3, 0.6], [0, 0.6, 0.6, 0.6])
    own = (shared + height + 0.05 * rng.standard_normal((60, 4)) for height in heights)
    return dict(zip(RUNGS, own, strict=True))


def test_heights_are_means_and_steps_their_differences(rungs):
    found = ladder(rungs, QUICK, key=0)
    for name, rows in rungs.items():
        estimates = [row.estimate for row in found.rungs[name]]
        assert estimates == pytest.approx(rows.mean(axis=0).tolist())
    first = found.steps[0]
    assert (first.lower, first.upper) == ("says", "holds")
    expected = (rungs["holds"] - rungs["says"]).mean(axis=0)
    assert [row.estimate for row in first.layers] == pytest.approx(expected.tolist())
    assert all(row.low < row.estimate < row.high for row in first.layers)


def test_steps_are_found_where_they_are(rungs):
    found = ladder(rungs, QUICK, key=0)
    shown = {
        step.upper: [row.layer for row in step.layers if row.p <= 0.05] for step in found.steps
    }
    assert shown == {"holds": [1], "there": [1, 2]}


def test_what_is_shown_is_said_and_drawn(rungs, tmp_path):
    found = ladder(rungs, QUICK, key=0)
    text = ladder_text("color", found)
    assert "What its answer scores hold exceeds what the logit lens says at layer 1" in text
    assert "What is linearly there exceeds what its answer scores hold at layers 1 to 2" in text
    same = ladder(dict.fromkeys(RUNGS, rungs["says"]), QUICK, key=0)
    assert "is at no layer shown to exceed" in ladder_text("color", same)
    assert all(len(line) <= 100 for line in text.splitlines()[:12])
    assert all(file.stat().st_size for file in save_ladder_figure({"color": found}, tmp_path))


def test_the_same_seed_gives_the_same(rungs):
    assert ladder(rungs, QUICK, key=0) == ladder(rungs, QUICK, key=0)
    assert ladder(rungs, QUICK, key=0) != ladder(rungs, QUICK, key=1)
