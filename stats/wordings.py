"""How much of an estimate's uncertainty comes from the wording of the question, not the scenes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stats.random_effects import RandomEffects, random_effects


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingEffect:
    """One quantity, such as a layer, over several wordings of the same questions and scenes."""

    over_wordings: RandomEffects
    """The mean over wordings with its interval, their spread tau^2 with its interval, and where the
    next wording is predicted, all in the unit of the estimates."""
    scene_variance: float
    """The squared standard error that these scenes leave in one wording's estimate, as a mean over
    the wordings."""
    share: float
    """tau^2 as a share of tau^2 plus `scene_variance`. Of the variance of an estimate from one
    wording and these scenes it is the part that more scenes with the same wording cannot remove."""
    share_low: float
    """Lower end of `share`: the lower end of the Q-profile interval of tau^2 as the same share, at
    the level of `over_wordings`, with the number of scenes taken as given."""
    share_high: float
    """Upper end of `share`, made from the upper end of tau^2 in the same way."""


def wording_effect(
    estimates: Float[ndarray, " wording"],
    covariance: Float[ndarray, "wording wording"],
    *,
    level: float = 0.95,
) -> WordingEffect:
    """Treat wordings as a random effect: those asked stand for all that might have been asked.

    `estimates` holds one estimate per wording, and `covariance` that of their errors over the
    scenes, which the wordings share (`stats.crossing_errors` estimates it). Assumes wordings drawn
    alike, with true values that are normal around their mean: five paraphrases that one person
    wrote stand for others of that kind only.

    Raises ValueError where `random_effects` does, and for fewer than 3 wordings: with 2 nothing can
    be said about the next.

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
            f"`estimates` needs at least 3 wordings, got {len(estimates)}: add wordings"
        )
    over = random_effects(estimates, covariance, level=level)
    scenes = float(np.diag(covariance).mean())
    share, low, high = (
        tau2 / (tau2 + scenes) for tau2 in (over.tau2, over.tau2_low, over.tau2_high)
    )
    return WordingEffect(
        over_wordings=over, scene_variance=scenes, share=share, share_low=low, share_high=high
    )
