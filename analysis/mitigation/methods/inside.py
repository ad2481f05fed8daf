"""Methods that change the pass inside: attention to the image raised, or cut late."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.mitigation.methods.arms import Arm, LeftOut, OnPremises, best
from analysis.mitigation.methods.decodings import LATE
from analysis.mitigation.passes.interventions import Change, attention_raised, changed_passes
from analysis.mitigation.passes.setup import Asked, Setup

RAISED, CUT = "attention raised (PAI)", "image cut late"
_RAISES = (0.2, 0.5)


def raised_arms(setup: Setup) -> list[Arm]:
    """PAI, with the better of its strengths. LeftOut if some block does not show its attention to
    the image, which then cannot be raised either."""
    shown = setup.main.read.attention
    if shown is None or not np.isfinite(shown[:, 1:]).all():
        raise LeftOut(f"{RAISED}, for not every block shows its attention to the image")
    changes = {f"strength {each:g}": attention_raised(each) for each in _RAISES}
    odds = {
        setting: setup.odds(setup.answers(setup.main.tune, last))
        for setting, last in changed_passes(setup.main.tune, changes, told="raised").items()
    }
    setting = best(odds, setup.main.tune.absent)
    return [_changed_arm(setup, RAISED, setting, {setting: changes[setting]}, "raised", 0.0)]


def _changed_arm(
    setup: Setup, name: str, setting: str, change: Mapping[str, Change], told: str, passes: float
) -> Arm:
    def answers(asked: Asked) -> ndarray:
        last = changed_passes(asked.judge, change, told=told)[setting]
        return setup.answers(asked.judge, last)

    return Arm(
        name=name,
        kind="intervention",
        setting=setting,
        passes=passes,
        odds=setup.odds(answers(setup.main)),
        premises={key: OnPremises(scores=answers(asked)) for key, asked in setup.premises.items()},
    )


def cut_arms(setup: Setup) -> list[Arm]:
    """The answer of the pass in which the image is cut late."""
    if setup.cut_after is None:
        return []
    return [
        Arm(
            name=CUT,
            kind="intervention",
            setting=f"after layer {setup.cut_after}",
            passes=0.0,
            odds=setup.odds(late_answers(setup, setup.main)),
            premises={
                key: OnPremises(scores=late_answers(setup, asked))
                for key, asked in setup.premises.items()
            },
        )
    ]


def late_answers(setup: Setup, asked: Asked) -> Float[ndarray, "item answer"]:
    return setup.answers(asked.judge, asked.judged[LATE])
