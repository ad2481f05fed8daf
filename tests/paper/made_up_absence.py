"""What is found about absent things in a run of which everything is known: of yes and no, of colors
that are asked for under a premise, and of methods with every verdict."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.absence.found import Discriminated
from analysis.effects.found import Crossing, FoundEmergence, Interval, LayerSet, LayerSetAbove
from analysis.hallucination.found import (
    Abstained,
    AtLayer,
    Calibrated,
    Certain,
    Detected,
    Hallucinated,
    MoreInside,
    Signal,
)
from analysis.hallucination.names import PROBE, SIGNAL_NAMES
from analysis.mitigation.found import AgainstShift, Compared, Harm, Judged, Kind, Mitigated, Verdict
from analysis.typed import written
from tests.paper.made_up_findings import LAST

DANGEROUS = "50%_of <b>$x_1$</b>"
"""A method whose name is a danger to TeX and to a page."""
_BEST = {
    "stated": 0.90, "information": 0.70, "entropy": 0.55, "image": 0.91, "last": 0.89,
    "words": 0.87, "attention": 0.78, PROBE: 0.94,
}  # fmt: skip


def hallucination(last: int = LAST) -> dict[str, Any]:
    """Both kinds of questions as results.json holds them."""
    return {
        "exist": written(hallucinated(last=last)),
        "color": written(hallucinated(premise=True, last=last)),
    }


def mitigation() -> dict[str, Any]:
    """What methods do, as results.json holds it."""
    return {"exist": written(mitigated())}


def near(value: float, by: float = 0.02) -> Interval:
    return Interval(estimate=value, low=value - by, high=value + by)


def hallucinated(
    *, premise: bool = False, probe: bool = True, wrong: bool = True, last: int = LAST
) -> Hallucinated:
    """What is found of questions of one name; without `probe` none could be fitted, without `wrong`
    nearly all were answered right."""
    names = [name for name in SIGNAL_NAMES if probe or name != PROBE]
    notes = () if probe else ("no probe of absent answers: too few items of one side",)
    return Hallucinated(
        kind="premise" if premise else "existence",
        most=600,
        n_items=1200,
        n_scenes=600,
        n_groups=300,
        n_texts=60,
        absent=detected(names, n_items=1200, n_positive=600, last=last),
        wrong=detected(names, n_items=1200, n_positive=214, last=last) if wrong else None,
        abstained={name: abstained(0.07 if name == PROBE else 0.09) for name in names},
        calibrated=Calibrated(
            n_items=600 if premise else 1200, stated=0.834, right=0.822, error=near(0.03),
            error_if_calibrated=0.027, brier=near(0.121),
        ),
        said=None if premise else discriminated(yes=0.515),
        by_probe=discriminated(yes=0.5) if probe and not premise else None,
        certain=Certain(present=near(0.82), absent=near(0.7), answered=near(0.923))
        if premise
        else None,
        notes=notes,
        level=0.95,
        n_resamples=10_000,
    )  # fmt: skip


def discriminated(*, yes: float, criterion: float = -0.06, by: float = 0.09) -> Discriminated:
    return Discriminated(
        hits=near(0.837), false_alarms=near(0.193), yes=near(yes), accuracy=near(0.822),
        d_prime=near(1.84, 0.15), criterion=near(criterion, by),
    )  # fmt: skip


def detected(names: list[str], *, n_items: int, n_positive: int, last: int) -> Detected:
    """Signals that rise around layer 2.5 to what they are at best; attention lacks layer 0."""
    signals = {name: signal(name, last) for name in names}
    return Detected(
        n_items=n_items,
        n_positive=n_positive,
        n_groups=300,
        signals=signals,
        baselines={"without the image": near(0.5, 0.01), "text alone": near(0.5, 0.01)},
        inside=tuple(
            MoreInside(
                layer=layer,
                difference=near(-0.3 if layer == 0 else 0.01 * layer, 0.015),
                p=0.0001 if layer in (0, last - 1, last) else 0.4,
            )
            for layer in range(last + 1)
        ) if PROBE in names else (),
    )  # fmt: skip


def signal(name: str, last: int) -> Signal:
    first = 1 if name == "attention" else 0
    rise = [1 / (1 + math.exp(-2.5 * (layer - 2.5))) for layer in range(last + 1)]
    return Signal(
        layers=tuple(
            AtLayer(
                layer=layer, area=near(0.5 + (_BEST[name] - 0.5) * rise[layer]),
                p=0.0002 if layer > 1 else 0.6,
            )
            for layer in range(first, last + 1)
        ),
        p_holm=0.0008,
        emerged=None if first else emerged(last),
    )  # fmt: skip


def emerged(last: int = LAST) -> FoundEmergence:
    """A rise that is half done at layer 2.5."""
    return FoundEmergence(
        outcome="emerged",
        lambda_half=Crossing(estimate=2.5, low=2.4, high=2.7, level=0.95),
        layer=None,
        monotone=True,
        declines=False,
        fb_half=LayerSet(low=2, high=3),
        fb_delta=LayerSetAbove(low=1, high=2, delta=0.05),
        lambda_first=2,
        lambda_sustained=2,
        plateau=(last - 1, last),
        plateau_effect=0.8,
        horizon=last,
        level=0.95,
        detectable_effect=0.04,
        n_scenes=300,
    )


def abstained(area: float) -> Abstained:
    coverage = tuple(step / 10 for step in range(1, 11))
    return Abstained(
        coverage=coverage,
        risk=tuple(near(0.178 * each**2, 0.01) for each in coverage),
        area=near(area),
        best_area=0.02,
        at=near(area + 0.05),
    )


def with_signal(found: Hallucinated, name: str, **changed: Any) -> Hallucinated:
    """The same with another signal of absence."""
    signals = {**found.absent.signals}
    signals[name] = replace(signals[name], **changed)
    return replace(found, absent=replace(found.absent, signals=signals))


def mitigated(
    verdicts: Mapping[str, tuple[Kind, Verdict, float]] | None = None,
    *,
    premises: tuple[str, ...] = ("color",),
    cut_after: int | None = 4,
) -> Mitigated:
    """What is found of methods, by default of one with every verdict. `verdicts` hold kind, verdict
    and difference of AUROC by the method's name."""
    given: Mapping[str, tuple[Kind, Verdict, float]] = verdicts or {
        "contrast: noise (VCD)": ("decoding", "no gain", 0.001),
        "contrast: image cut late (SIRA)": ("decoding", "loss", -0.021),
        "DoLa": ("decoding", "not shown", 0.012),
        "attention raised (PAI)": ("intervention", "not shown", -0.011),
        "absence by a probe": ("probe", "gain", 0.04),
        "plausibility cut alone": ("placebo", "no gain", 0.0),
        "threshold moved": ("placebo", "no gain", 0.0),
        DANGEROUS: ("combination", "gain", 0.031),
    }
    methods = {
        name: judged(*one, premises=premises, declines=one[0] in ("probe", "combination"))
        for name, one in given.items()
    }
    if premises:
        only = judged("prompt", "not shown", 0.0, premises=premises, declines=True)
        methods['"or none" in the prompt'] = replace(
            only, answers=None, area=None, gain=None, verdict=None, accuracy=None,
            against_shift=None, setting="",
        )  # fmt: skip
    notes = () if cut_after else ("left out: methods that cut the image late",)
    return Mitigated(
        most=600,
        premises=premises,
        n_tuned=301,
        n_scenes=299,
        n_groups=150,
        n_items=598,
        greedy=discriminated(yes=0.515),
        greedy_area=near(0.9),
        methods=methods,
        cut_after=cut_after,
        margin=0.01,
        notes=notes,
        level=0.95,
        n_resamples=10_000,
    )


def judged(
    kind: Kind, verdict: Verdict, gain: float, *, premises: tuple[str, ...], declines: bool = False
) -> Judged:
    """One method: what wins or loses does so against the shift, and in questions about what is
    there, too."""
    shown = verdict in ("gain", "loss")
    return Judged(
        kind=kind,
        setting="strength 1",
        passes=0.0 if kind == "placebo" else 0.6,
        answers=discriminated(yes=0.515 if verdict == "no gain" else 0.515 + 2 * gain),
        area=near(0.9 + gain),
        gain=compared(gain, shown=shown, equivalent=verdict == "no gain"),
        verdict=verdict,
        accuracy=compared(gain / 2, shown=shown),
        against_shift=AgainstShift(shifted=0.82, difference=compared(gain / 2, shown=shown)),
        harm={
            name: Harm(
                n_there=400,
                n_absent=400,
                right=near(0.79),
                lost=compared(-0.05 if declines else 0.0, shown=declines),
                declined_absent=near(0.71) if declines else None,
                declined_present=near(0.062) if declines else None,
                area=near(0.84),
                more=compared(0.17 if declines else 0.0, shown=declines),
            )
            for name in premises
        },
    )


def compared(
    estimate: float, *, shown: bool, equivalent: bool = False, by: float = 0.012
) -> Compared:
    return Compared(
        estimate=estimate, low=estimate - by, high=estimate + by, p=0.0003 if shown else 0.31,
        equivalent=equivalent,
    )  # fmt: skip
