"""How much of a layer's uncertainty is the wording of the question, and not the scenes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.random_effects import RandomEffects, random_effects


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingEffect:
    """A layer, or another quantity, over wordings of the same questions about the same scenes."""

    over_wordings: RandomEffects
    """The mean over wordings with its interval, their spread tau^2 with its interval, and where the
    next wording is predicted, all in the unit of the estimates."""
    scene_variance: float
    """Mean squared standard error that the scenes leave to one wording's estimate."""
    share: float
    """tau^2 as share of tau^2 plus `scene_variance`: of the variance of an estimate from one
    wording and these scenes, the part that more scenes of the same wording cannot remove."""
    share_low: float
    """Ends of the Q-profile interval of tau^2, as the same share, at the level of
    `over_wordings`; the number of scenes is taken as given."""
    share_high: float


def wording_effect(
    estimates: Float[ndarray, " wording"],
    covariance: Float[ndarray, "wording wording"],
    *,
    level: float = 0.95,
) -> WordingEffect:
    """Wordings as a random effect: those asked stand for all that might have been asked.

    `covariance` is that of the estimates' errors over scenes, which the wordings share
    (`stats.crossing_errors`). Assumes wordings drawn alike, with true values that are normal
    around their mean: five paraphrases that one person wrote stand for others of that kind only.

    Raises ValueError as `random_effects` does, and for fewer than 3 wordings: with 2 nothing can
    be said of the next.

    Source: Clark (1973), J. Verbal Learn. Verbal Behav. 12:335 (language as a random effect);
    Yarkoni (2022), Behav. Brain Sci. 45:e1; for the estimators `stats.random_effects`.

    >>> layers = np.array([2.8, 3.4, 3.0, 2.5])
    >>> found = wording_effect(layers, np.diag([0.04, 0.05, 0.04, 0.06]) ** 2)
    >>> round(found.share, 2), round(found.share_low, 2)
    (0.98, 0.95)
    >>> pooled = found.over_wordings
    >>> round(pooled.predicted_low, 1), round(pooled.predicted_high, 1)
    (1.1, 4.7)
    """
    if len(estimates) < 3:
        raise ValueError(
            f"`estimates` needs at least 3 wordings, got {len(estimates)}: ask in more words"
        )
    over = random_effects(estimates, covariance, level=level)
    scenes = float(np.diag(covariance).mean())
    share, low, high = (
        tau2 / (tau2 + scenes) for tau2 in (over.tau2, over.tau2_low, over.tau2_high)
    )
    return WordingEffect(
        over_wordings=over, scene_variance=scenes, share=share, share_low=low, share_high=high
    )
