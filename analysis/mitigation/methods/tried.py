"""Every method that a model and a run allow, tuned on a third of the scenes."""

from collections.abc import Callable
from functools import partial

from analysis.mitigation.methods.arms import Arm, LeftOut
from analysis.mitigation.methods.away import away_arms
from analysis.mitigation.methods.declining import or_none_arms, probe_arms
from analysis.mitigation.methods.decoded import decoded_arms, greedy_arm
from analysis.mitigation.methods.inside import cut_arms, guided_arms, raised_arms
from analysis.mitigation.methods.shifted import shifted_arm
from analysis.mitigation.passes.setup import Setup


def all_arms(setup: Setup) -> tuple[list[Arm], tuple[str, ...]]:
    """Greedy answers first, then every method, with what it answers where it is judged; and a note
    for each method that is left out."""
    greedy = greedy_arm(setup)
    kinds: list[Callable[[Setup], list[Arm]]] = [
        decoded_arms,
        raised_arms,
        guided_arms,
        away_arms,
        cut_arms,
        or_none_arms,
        partial(probe_arms, greedy=greedy),
    ]
    arms, notes = [greedy], list[str]()
    for tried in kinds:
        try:
            arms += tried(setup)
        except LeftOut as left_out:
            notes.append(f"left out: {left_out}")
    return [*arms, shifted_arm(setup, greedy)], tuple(notes)
