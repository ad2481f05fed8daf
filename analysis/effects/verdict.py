"""Decides whether an attribute emerges and where, by every test of its controls."""

import numpy as np

from analysis.effects.emergence_results import emergence_results
from analysis.effects.found import ByControl, Verdict, fields_of
from analysis.effects.measured import Measured
from analysis.run.study import Study
from stats import SignFlipTest, emergence_layer
from stats.course import p_above


def verdict(
    found: Measured, against_blank: SignFlipTest, study: Study, *, rng: np.random.Generator
) -> Verdict:
    """Whether the attribute passes every test of its controls, and the layer at which it emerges if
    it does."""
    # The image must tell more than a blank one, and the answer more often than guessing: each
    # plateau above the margin, or what is taken off badly would count as knowledge.
    window = slice(found.plateau[0], found.plateau[1] + 1)
    above_guessing = p_above(found.main.real_rows[:, window].mean(axis=1) - study.margin)
    emergence = emergence_layer(
        found.main.rows,
        rng=rng,
        margin=study.margin,
        plateau=found.plateau,
        horizon=study.horizon,
        level=study.level,
        n_resamples=study.n_resamples,
        omnibus_p=found.shuffled.omnibus_p,
        other_plateau_p=max(above_guessing, found.shuffled.window_p[0]),
    )
    omnibus_p = ByControl(shuffled=found.shuffled.omnibus_p, blank=against_blank.omnibus_p)
    plateau_p = ByControl(
        shuffled=found.shuffled.window_p[0], blank=max(emergence.plateau_p, above_guessing)
    )
    return Verdict(
        **fields_of(emergence_results(emergence)),
        omnibus_p=omnibus_p,
        plateau_p=plateau_p,
        # Of a run with this finding alone; adjusted anew whenever the run gets another.
        omnibus_p_holm=max(omnibus_p.largest, plateau_p.largest),
    )
