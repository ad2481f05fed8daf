"""Abstention by a linear probe on the residual, fitted where methods are tuned."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.mitigation.methods.arms import LeftOut
from analysis.mitigation.passes.parts import Part
from analysis.mitigation.passes.setup import Asked
from data_prep.errors import UserError
from probes.linear_probe import cross_fit, fit_probe
from stats import clustered_area

_SIDES = ["there", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probed:
    """What a probe says of absence: log2 odds, higher where more speaks for it."""

    layer: int
    tuned: Float[ndarray, " item"]
    """Of the items to tune on, each by a probe fitted on other groups of them."""
    judged: Float[ndarray, " judged"]
    """Of the items to judge by, by a probe fitted on all items to tune on."""


def probed(asked: Asked) -> Probed:
    """Reads absence at the layer that tells it best among the items to tune on. LeftOut where these
    do not allow a probe."""
    tune, judge = asked.tune, asked.judge
    residuals = asked.read.residuals
    own = residuals[tune.rows.tolist()]
    groups, label = _groups(tune), tune.absent.astype(np.int64)
    try:
        crossed = cross_fit(own, label, scenes=groups, answers=_SIDES)
    except UserError as error:
        name = asked.questions.name
        raise LeftOut(f"absence of {name} by a probe, which cannot be fitted ({error})") from error
    tuned = _odds(crossed.log_probs(own, scenes=groups))
    areas = clustered_area(tuned, tune.absent, tune.questions.groups).estimate
    layer = int(areas.argmax())
    at = own[:, layer : layer + 1]
    probe = fit_probe(at, label, scenes=groups, answers=_SIDES)
    shown = residuals[judge.rows.tolist()][:, layer : layer + 1]
    judged = _odds(probe.log_probs(shown, scenes=_groups(judge)))[:, 0]
    return Probed(layer=layer, tuned=tuned[:, layer], judged=judged)


def threshold(
    odds: Float[ndarray, " item"], absent: Bool[ndarray, " item"], right: Bool[ndarray, " item"]
) -> float:
    """The odds above which a question is declined, so that most questions are answered well: right
    where the thing is there, declined where it is not."""
    order = np.argsort(-odds, kind="stable")
    # Declining one more question gains an absent one and loses one that was answered right.
    gained = np.where(absent, 1, -right.astype(int))[order]
    total = np.concatenate([[0], np.cumsum(gained)])
    n_declined = int(total.argmax())
    if n_declined == 0:
        return float(np.inf)
    if n_declined == len(odds):
        return float(-np.inf)
    return float(odds[order[n_declined - 1 : n_declined + 1]].mean())


def _odds(log_p: Float[ndarray, "item layer side"]) -> Float[ndarray, "item layer"]:
    wide = log_p.astype(np.float64)
    return wide[:, :, 1] - wide[:, :, 0]


def _groups(part: Part) -> list[str]:
    return [str(each) for each in part.questions.items["group"]]
