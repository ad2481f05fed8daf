"""Every method that a model and a run allow, tuned on a third of the scenes."""

from analysis.mitigation.methods.arms import Arm
from analysis.mitigation.methods.away import away_arms
from analysis.mitigation.methods.declining import or_none_arms, probe_arms
from analysis.mitigation.methods.decoded import decoded_arms, greedy_arm
from analysis.mitigation.methods.inside import cut_arms, raised_arms
from analysis.mitigation.methods.shifted import shifted_arm
from analysis.mitigation.passes.setup import Setup


def all_arms(setup: Setup) -> list[Arm]:
    """Greedy answers first, then every method, with what it answers where it is judged."""
    greedy = greedy_arm(setup)
    return [
        greedy,
        *decoded_arms(setup),
        *raised_arms(setup),
        *away_arms(setup),
        *cut_arms(setup),
        *or_none_arms(setup),
        *probe_arms(setup, greedy),
        shifted_arm(setup, greedy),
    ]
