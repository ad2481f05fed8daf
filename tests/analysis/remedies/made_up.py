"""Made-up results of remedies: plausible, and measured by nobody."""

from dataclasses import replace

from analysis.effects.found import Interval
from analysis.remedies.found import (
    MEASURES,
    AgainstPlain,
    HeldOut,
    Judged,
    Measure,
    OverSeeds,
    Remedied,
    Trained,
)

_LEVELS: dict[Measure, float] = {
    "detection": 0.0,
    "over_refusal": 0.0,
    "right": 0.87,
    "said_area": 0.55,
    "probe_area": 0.8,
    "exist_accuracy": 0.81,
    "exist_yes": 0.5,
    "exist_area": 0.9,
}
EFFECTS: dict[str, dict[Measure, float]] = {
    "plain": {},
    "none5": {"detection": 0.45, "over_refusal": 0.01, "said_area": 0.35},
    "contrast": {"detection": 0.8, "right": -0.15, "exist_yes": -0.2},
}


def around(value: float, reach: float = 0.03) -> Interval:
    return Interval(estimate=value, low=value - reach, high=value + reach)


def _share(value: float) -> Interval:
    return Interval(estimate=value, low=max(0.0, value - 0.03), high=min(1.0, value + 0.03))


def judged(arm: str, seed: int, *, bare_no: float = 0.0) -> Judged:
    return Judged(
        trained=Trained(
            arm=arm, seed=seed, steps=600, images_seen=12000, exchanges_seen=87000,
            tokens_seen=1856023, weights="a" * 64, model="sha256:" + "b" * 64,
        ),
        measures={
            name: _share(level + EFFECTS[arm].get(name, 0.0) + 0.01 * seed)
            for name, level in _LEVELS.items()
        },
        bare_no=bare_no,
    )  # fmt: skip


def against(arm: str, measure: Measure, seeds: tuple[int, ...]) -> AgainstPlain:
    effect = EFFECTS[arm].get(measure, 0.002)
    over = OverSeeds(
        mean=around(effect, 0.012), tau=0.004, p=0.004 if abs(effect) > 0.1 else 0.4,
        p_holm=0.008 if abs(effect) > 0.1 else 0.8,
        p_equivalence=0.9 if abs(effect) > 0.02 else 0.03,
    )  # fmt: skip
    return AgainstPlain(
        arm=arm,
        measure=measure,
        by_seed={seed: around(effect + 0.01 * seed) for seed in seeds},
        over=over if len(seeds) > 1 else None,
    )


def remedied(
    arms: tuple[str, ...] = ("plain", "none5", "contrast"), seeds: tuple[int, ...] = (0, 1, 2)
) -> Remedied:
    """Results of these arms, all with these seeds."""
    return Remedied(
        about=("color", "shape"),
        n_scenes=400,
        n_premises=800,
        n_premise_groups=200,
        n_existence=796,
        n_existence_groups=199,
        questions="0123456789abcdef",
        data="bundled",
        data_fingerprint="c" * 64,
        start="sha256:" + "d" * 64,
        held_out=HeldOut(n_compared=4397, trained_on="remedy-scenes, split train"),
        models=tuple(judged(arm, seed) for arm in arms for seed in seeds),
        against_plain=tuple(
            against(arm, name, seeds) for arm in arms if arm != "plain" for name in MEASURES
        ),
        margin=0.02,
        level=0.95,
        notes=("left out, for their training has not ended: none20-0",),
        versions={"onset": "0.1.0"},
        commands=("python -m analysis.remedies --models runs/remedies",),
    )


def with_no(found: Remedied) -> Remedied:
    """The same, in which one model says a bare no."""
    return replace(found, models=(judged("plain", 0, bare_no=0.25), *found.models[1:]))
