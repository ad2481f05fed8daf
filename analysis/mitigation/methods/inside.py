"""Methods that change the pass inside: attention to the image raised, or cut late."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.mitigation.methods.arms import Answers, Arm, LeftOut, OnPremises, best
from analysis.mitigation.methods.decodings import CUTOFF, LATE, TEXT
from analysis.mitigation.passes.interventions import attention_raised, changed_passes
from analysis.mitigation.passes.logits import Last, NodeLogits, scored
from analysis.mitigation.passes.parts import Part
from analysis.mitigation.passes.setup import Asked, Setup
from probes.decoding import contrast, cut_implausible
from probes.unembedding import Unembedding

RAISED, GUIDED, CUT = "attention raised alone", "attention raised (PAI)", "image cut late"
_RAISES = (0.2, 0.5)
_GUIDANCE = 1.1
"""Of PAI's contrast with the question alone, as its authors run it."""


def raised_arms(setup: Setup) -> list[Arm]:
    """Attention to the image raised, and nothing else: what PAI's first half does alone."""
    return [_raised_arm(setup, RAISED, 0.0, lambda asked, part, last: setup.answers(part, last))]


def guided_arms(setup: Setup) -> list[Arm]:
    """PAI: attention raised, and led away from the question alone. LeftOut for a model that takes
    no prompt without an image."""
    if TEXT not in setup.main.tuned:
        raise LeftOut(f"{GUIDED}, for the model takes no prompt without an image")

    def answers(asked: Asked, part: Part, last: Last) -> Answers:
        texts = (asked.judged if part is asked.judge else asked.tuned)[TEXT]
        return guided(part, setup.unembedding, last, texts)

    return [_raised_arm(setup, GUIDED, setup.n_passes[TEXT], answers)]


def _raised_arm(
    setup: Setup, name: str, passes: float, answers: Callable[[Asked, Part, Last], Answers]
) -> Arm:
    """The better of the strengths. LeftOut if some block does not show its attention to the image,
    which then cannot be raised either."""
    shown, main = setup.main.read.attention, setup.main
    if shown is None or not np.isfinite(shown[:, 1:]).all():
        raise LeftOut(f"{name}, for not every block shows its attention to the image")
    changes = {f"strength {each:g}": attention_raised(each) for each in _RAISES}
    odds = {
        setting: setup.odds(answers(main, main.tune, last))
        for setting, last in changed_passes(main.tune, changes, told="raised").items()
    }
    setting = best(odds, main.tune.absent)

    def judged(asked: Asked) -> Answers:
        chosen = {setting: changes[setting]}
        return answers(
            asked, asked.judge, changed_passes(asked.judge, chosen, told="raised")[setting]
        )

    return Arm(
        name=name,
        kind="intervention",
        setting=setting,
        passes=passes,
        odds=setup.odds(judged(main)),
        premises={key: OnPremises(scores=judged(each)) for key, each in setup.premises.items()},
    )


def guided(part: Part, unembedding: Unembedding, raised: Last, texts: Last) -> Answers:
    """log2 of the answers' probabilities by PAI's second half: last residuals of passes with
    attention raised, led away from those of the same questions without an image, whose attention
    is as it was. Answers that the raised pass holds improbable are not said."""

    def method(given: NodeLogits) -> Float[Tensor, "item vocab"]:
        own, alone = given.references[GUIDED], given.references[TEXT]
        led = contrast(own, alone, strength=_GUIDANCE - 1)
        return cut_implausible(led, own, cutoff=CUTOFF, among=given.among)

    return scored(part, unembedding, {GUIDED: method}, {GUIDED: raised, TEXT: texts})[GUIDED]


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
