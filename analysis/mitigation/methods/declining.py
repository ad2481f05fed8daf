"""Methods that can decline: the prompt with "or none", and a probe on the residual."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.mitigation.methods.arms import Arm, OnPremises, best
from analysis.mitigation.methods.decodings import LATE
from analysis.mitigation.methods.inside import late_answers
from analysis.mitigation.methods.probing import Probed, probed, threshold
from analysis.mitigation.passes.setup import Asked, Setup
from probes.answers.scores import answer_log_probs

OR_NONE = '"or none" in the prompt'
BY_PROBE, COMBINED = "absence by a probe", "image cut late, absence by a probe"
_WEIGHTS = (0.5, 1.0, 2.0)


def or_none_arms(setup: Setup) -> list[Arm]:
    """The question with the words that the answer may be none: declined is what is answered so."""
    premises = {}
    for name, asked in setup.premises.items():
        passes = asked.judge.passes("or none")
        last = torch.cat([block[:, :, -1].clone() for _, block in passes.rows.place_blocks()])
        scores = answer_log_probs(
            last[:, :, None], setup.unembedding, passes.trees, passes.rows.nodes
        )[:, 0]
        own, none = scores[:, :-1], scores[:, -1].astype(np.float64)
        absence = none - own.max(axis=1)
        premises[name] = OnPremises(scores=own, declines=absence > 0, absence=absence)
    return [Arm(name=OR_NONE, kind="prompt", setting="", passes=0.0, premises=premises)]


def probe_arms(setup: Setup, greedy: Arm) -> list[Arm]:
    """Absence told by a probe: alone, and together with what is said once the image is cut."""
    main = probed(setup.main)
    probes = {name: probed(asked) for name, asked in setup.premises.items()}
    declining = {name: _declining(setup.premises[name], found) for name, found in probes.items()}
    alone = Arm(
        name=BY_PROBE,
        kind="probe",
        setting=f"layer {main.layer}",
        passes=0.0,
        odds=-main.judged,
        premises={
            name: OnPremises(
                scores=greedy.premises[name].scores, declines=absence > edge, absence=absence
            )
            for name, (absence, edge) in declining.items()
        },
    )
    said = _said_when_cut(setup)
    tuned = {f"weight {each:g}": said[0] - each * main.tuned for each in _WEIGHTS}
    setting = best(tuned, setup.main.tune.absent)
    weight = float(setting.removeprefix("weight "))
    late = setup.cut_after is not None
    together = Arm(
        name=COMBINED if late else "answer and absence by a probe",
        kind="combination",
        setting=f"layer {main.layer}, {setting}",
        passes=0.0,
        odds=said[1] - weight * main.judged,
        premises={
            name: OnPremises(
                scores=late_answers(setup, setup.premises[name])
                if late
                else greedy.premises[name].scores,
                declines=absence > edge,
                absence=absence,
            )
            for name, (absence, edge) in declining.items()
        },
    )
    return [alone, together]


def _said_when_cut(setup: Setup) -> tuple[Float[ndarray, " item"], Float[ndarray, " judged"]]:
    """Odds of yes with the image cut late, or plainly where no layer is known, on both parts."""
    main = setup.main
    if setup.cut_after is None:
        return tuple(setup.odds(main.said(part)) for part in (main.tune, main.judge))  # pyright: ignore[reportReturnType]
    tuned = setup.answers(main.tune, main.tuned[LATE])
    return setup.odds(tuned), setup.odds(late_answers(setup, main))


def _declining(asked: Asked, found: Probed) -> tuple[Float[ndarray, " item"], float]:
    """The probe's odds of absence on the items to judge by, and above which a question is
    declined."""
    tune = asked.tune
    scores = asked.said(tune)
    right: Bool[ndarray, " item"] = scores.argmax(axis=1) == tune.right_answer
    return found.judged, threshold(found.tuned, tune.absent, right)
