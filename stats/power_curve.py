"""What a study would find: its whole procedure, run on simulated scenes beforehand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stats.arguments import finite_array, positive
from stats.emergence import emergence_layer
from stats.simulate import planted_effect
from stats.streams import chunk_streams


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCurve:
    """Shares and mean widths over simulated studies, one entry per number of scenes.

    >>> rng = np.random.default_rng(0)
    >>> nothing = power_curve(
    ...     np.zeros(3), sd=1.0, n_scenes=[20], margin=0.1, rng=rng, repetitions=5, n_resamples=99
    ... )
    >>> nothing.half_width.tolist()  # No repetition has an interval.
    [nan]
    """

    n_scenes: Int[ndarray, " size"]
    """The numbers of scenes that were tried."""
    detected: Float[ndarray, " size"]
    """Share of repetitions whose omnibus test is significant."""
    emerged: Float[ndarray, " size"]
    """Share of repetitions whose outcome is "emerged"."""
    half_width: Float[ndarray, " size"]
    """Mean width of the interval of `lambda_half` in layers, over the repetitions that have one;
    NaN where none has."""
    set_width: Float[ndarray, " size"]
    """Mean width of the forward-backward set for half of the plateau, in layers; a set that is open
    above counts up to the horizon."""
    repetitions: int
    """Simulated studies for each number of scenes; a share p has error sqrt(p (1-p) / this)."""


def power_curve(
    profile: Float[ndarray, " layer"],
    *,
    sd: float,
    n_scenes: Sequence[int],
    margin: float,
    rng: np.random.Generator,
    correlation: float = 0.9,
    repetitions: int = 200,
    n_resamples: int = 499,
    level: float = 0.95,
    plateau: Sequence[int] | None = None,
    horizon: int | None = None,
) -> PowerCurve:
    """Run `emergence_layer` on `repetitions` simulated studies for each number of scenes.

    Scenes are the mean `profile` plus normal noise of spread `sd`, neighbouring layers correlated
    by `correlation`; profile, `sd` and `margin` share the unit of the effect. The other arguments
    are those of the study. Raises ValueError where `emergence_layer` does. Each number of scenes
    has its own random stream, so the curve at one does not depend on the others.

    >>> profile = np.array([0.0, 0.0, 1.0, 1.0])
    >>> found = power_curve(
    ...     profile, sd=1.0, n_scenes=[5, 50], margin=0.1, rng=np.random.default_rng(0),
    ...     repetitions=10, n_resamples=99,
    ... )
    >>> found.emerged.tolist()
    [0.4, 1.0]
    """
    curve = finite_array(profile, name="profile", axes=["layer"])
    spread = positive(sd, name="sd")
    if repetitions < 1 or len(n_scenes) == 0:
        raise ValueError(
            f"`repetitions` and `n_scenes` must not be empty, got {repetitions} and "
            f"{list(n_scenes)}: ask for at least one"
        )
    rows = []
    for size, stream in zip(n_scenes, chunk_streams(rng, len(n_scenes)), strict=True):
        found = [
            emergence_layer(
                spread * effect,
                rng=own,
                margin=margin,
                plateau=plateau,
                horizon=horizon,
                level=level,
                n_resamples=n_resamples,
            )
            for effect, own in _studies(curve / spread, size, correlation, repetitions, stream)
        ]
        widths = [one.lambda_half.high - one.lambda_half.low for one in found if one.lambda_half]
        sets = [
            (one.fb_half.horizon if one.fb_half.high is None else one.fb_half.high)
            - min(one.fb_half.low, one.fb_half.horizon)
            for one in found
        ]
        rows.append(
            (
                np.mean([one.omnibus_p <= 1 - level for one in found]),
                np.mean([one.outcome == "emerged" for one in found]),
                np.mean(widths) if widths else np.nan,
                np.mean(sets),
            )
        )
    detected, emerged, half_width, set_width = np.array(rows).T
    return PowerCurve(
        n_scenes=np.array(n_scenes, dtype=int),
        detected=detected,
        emerged=emerged,
        half_width=half_width,
        set_width=set_width,
        repetitions=repetitions,
    )


def _studies(
    profile: Float[ndarray, " layer"],
    n_scenes: int,
    correlation: float,
    repetitions: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Float[ndarray, "scene layer"], np.random.Generator]]:
    for own in chunk_streams(rng, repetitions):
        yield planted_effect(own, profile, n_scenes=n_scenes, correlation=correlation), own
