"""The placebo of all methods: greedy answers with another threshold."""

import numpy as np

from analysis.mitigation.methods.arms import Arm, accuracy
from analysis.mitigation.passes.setup import Setup

SHIFTED = "threshold moved"


def shifted_arm(setup: Setup, greedy: Arm) -> Arm:
    """Greedy answers with another threshold: what a shift alone can do."""
    tune = setup.main.tune
    odds = setup.odds(setup.main.said(tune))
    edges = np.sort(odds)
    middle = np.concatenate([[0.0], (edges[1:] + edges[:-1]) / 2])
    found = max(middle.tolist(), key=lambda edge: (accuracy(odds - edge, tune.absent), -abs(edge)))
    if greedy.odds is None:
        raise ValueError("greedy answers are of yes and no")
    return Arm(
        name=SHIFTED,
        kind="placebo",
        setting=f"by {-found:+.2f} bits",
        passes=0.0,
        odds=greedy.odds - found,
        premises=greedy.premises,
    )
