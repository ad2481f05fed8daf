"""Claims about curves that do not rise once and for all: an early bump, and a plateau that ends
lower."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.validate.scale import Finding, Measure, Scale
from stats import emergence_layer, sign_flip_max_t
from stats.forward_backward import shown_above
from stats.half_crossing import half_crossing
from stats.simulate import effect_profile, planted_effect

_MARGIN = 0.05
_FLIPS = 199
_SCENES = 60
BUMP = np.array([0, 0.8, 0, 1, 1, 1.0])
"""A curve that goes past half of the plateau, below it, and past it again; the mean of bump and dip
together is below half."""
_TOP = 0.8
"""Height of the plateau, in standard deviations between scenes, before it falls to a few
margins."""


def course_claims(scale: Scale) -> Iterator[Finding]:
    """What is said about a curve after its rise; beside it what the rules that were used before
    said."""
    yield from _early_bump(scale)
    for margins_left in (4, 5, 6):
        yield from _lower_end(scale, margins_left)
    yield from _called_otherwise(scale)


def _early_bump(scale: Scale) -> Iterator[Finding]:
    repetitions, rng = max(100, scale.repetitions // 4), scale.rng(5, 1)
    # The first crossing, between the first two layers.
    truth = 0.5 / BUMP[1]
    held = held_by_set = said = 0
    for _ in range(repetitions):
        effect = BUMP + 0.3 * rng.standard_normal((_SCENES, len(BUMP)))
        found = emergence_layer(effect, rng=rng, margin=_MARGIN, n_resamples=_FLIPS)
        said += not found.monotone and found.lambda_half is None
        held_by_set += found.fb_half.low <= 1 and (found.fb_half.high or 0) >= 3
        before, _ = half_crossing(
            effect, plateau=slice(5, 6), rng=rng, n_resamples=_FLIPS, level=0.95
        )
        held += before.low <= truth <= before.high
    rows: tuple[tuple[str, int, float, float, Measure], ...] = (
        ("early bump, set holds first and last rise", held_by_set, 0.95, 1.0, "coverage"),
        ("early bump, no interval is given", said, 0.95, 1.0, "power"),
        ("early bump, interval given all the same fails", held, 0.0, 0.9, "coverage"),
    )
    for name, count, least, most, measures in rows:
        share = count / repetitions
        yield scale.rate("5", name, share, least, most, measures=measures, repetitions=repetitions)


def _lower_end(scale: Scale, margins_left: int) -> Iterator[Finding]:
    repetitions, rng = max(100, scale.repetitions // 4), scale.rng(5, 2, margins_left)
    profile = np.r_[np.zeros(3), np.full(6, _TOP), np.full(4, margins_left * _MARGIN)]
    died = before = 0
    for _ in range(repetitions):
        effect = planted_effect(rng, profile, n_scenes=_SCENES)
        found = emergence_layer(effect, rng=rng, margin=_MARGIN, n_resamples=_FLIPS)
        died += found.outcome == "died"
        before += died_before(effect, rng)
    name = f"{margins_left} margins at the last layer"
    yield scale.rate("4", f"died, {name}", died / repetitions, 0.0, 0.05, repetitions=repetitions)
    yield scale.rate("4", f"missing significance taken for death fails, {name}",
                     before / repetitions, 0.2, 1.0, repetitions=repetitions)  # fmt: skip


def died_before(effect: Float[ndarray, "scene layer"], rng: np.random.Generator) -> bool:
    """The rule that was used before: a fall is shown, and the last layer is not shown to be above
    the margin."""
    if shown_above(effect[:, -1:] - _MARGIN, alpha=0.05).item():
        return False
    earlier, final = effect[:, :-1], effect[:, -1:]
    both = np.stack([earlier - _MARGIN, earlier - final], axis=2)
    p = sign_flip_max_t(both, rng=rng, n_resamples=_FLIPS).p
    return bool((p <= 0.05).all(axis=1).any())


def _called_otherwise(scale: Scale) -> Iterator[Finding]:
    """How often a curve that rises once and for all is called something else, or a plateau that
    stays is called a decline."""
    repetitions, rng = max(100, scale.repetitions // 2), scale.rng(5, 3)
    otherwise = declines = naive = 0
    for _ in range(repetitions):
        profile = effect_profile(13, onset=rng.uniform(3, 7), plateau=_TOP, shape="step")
        effect = planted_effect(rng, profile, n_scenes=_SCENES, correlation=0.5)
        found = emergence_layer(effect, rng=rng, margin=_MARGIN, n_resamples=_FLIPS)
        otherwise += not found.monotone
        declines += found.declines
        # That a layer's mean exceeds the last one's by the margin is seen, not shown.
        naive += bool((found.mean[:-1] > found.mean[-1] + _MARGIN).any())
    for name, count, least, most in (
        ("monotone curves called otherwise", otherwise, 0.0, 0.05),
        ("a plateau that stays called a decline", declines, 0.0, 0.05),
        ("a fall of the mean that nothing tests fails", naive, 0.3, 1.0),
    ):
        yield scale.rate("4", name, count / repetitions, least, most, repetitions=repetitions)
