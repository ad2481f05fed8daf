"""How well signals tell absence, or a wrong answer, at each layer, and whether more is known inside
than is said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.effects.emergence_results import emergence_results
from analysis.effects.found import FoundEmergence, Interval
from analysis.hallucination.found import AtLayer, Detected, MoreInside, Signal
from analysis.hallucination.names import PROBE, STATED
from analysis.hallucination.signals import Signals
from analysis.run.study import Study
from analysis.streams import Stream
from stats import adjusted_p, clustered_area, emergence_layer, sign_flip_max_t, swap_contrasts
from stats.area_difference import area_difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """What signals are to tell, of which items, and how it is judged."""

    positive: Bool[ndarray, " item"]
    groups: ndarray
    """The group of each item, which is what is sampled."""
    study: Study
    key: int
    """Tells this question and target from others, for the random draws."""


def detected(
    told: Told, signals: Signals, baselines: Mapping[str, Float[ndarray, " item"]]
) -> Detected:
    """The areas of all signals by layer, with tests adjusted over layers and signals."""
    areas = {name: _Areas(told, values) for name, values in signals.items()}
    holm = adjusted_p(np.array([float(each.p.min()) for each in areas.values()]))
    inside: tuple[MoreInside, ...] = ()
    if PROBE in areas:
        inside = _more_inside(told, areas[PROBE], areas[STATED])
    fixed = np.column_stack(list(baselines.values()))
    at_once = clustered_area(fixed, told.positive, told.groups, level=told.study.level)
    return Detected(
        n_items=len(told.positive),
        n_positive=int(told.positive.sum()),
        n_groups=len(np.unique(told.groups)),
        signals={
            name: Signal(layers=each.layers(), p_holm=float(p), emerged=_emerged(told, each, place))
            for place, ((name, each), p) in enumerate(zip(areas.items(), holm, strict=True))
        },
        baselines={
            name: Interval(
                estimate=float(at_once.estimate[place]),
                low=float(at_once.low[place]),
                high=float(at_once.high[place]),
            )
            for place, name in enumerate(baselines)
        },
        inside=inside,
    )


class _Areas:
    """The area of one signal at the layers that it is defined for."""

    def __init__(self, told: Told, values: Float[ndarray, "item layer"]) -> None:
        self.known = np.flatnonzero(np.isfinite(values).all(axis=0))
        self.whole = len(self.known) == values.shape[1]
        kept = values[:, self.known]
        self.found = clustered_area(kept, told.positive, told.groups, level=told.study.level)
        self.p = sign_flip_max_t(
            _contrasts(told, kept, self.found.rows),
            rng=told.study.rng(Stream.ABSENCE_TESTS, told.key),
            n_resamples=told.study.n_resamples,
            tail="two-sided",
        ).p

    def layers(self) -> tuple[AtLayer, ...]:
        found = self.found
        return tuple(
            AtLayer(
                layer=int(layer),
                area=Interval(
                    estimate=float(found.estimate[place]),
                    low=float(found.low[place]),
                    high=float(found.high[place]),
                ),
                p=float(self.p[place]),
            )
            for place, layer in enumerate(self.known)
        )


def _contrasts(
    told: Told, values: Float[ndarray, "item layer"], rows: Float[ndarray, "group layer"]
) -> Float[ndarray, "group layer"]:
    """What is as likely as its negative in each group if the signal tells nothing: the difference
    of ranks within the group where every group holds both sides, which is exact; else what each
    group adds to the area."""
    n_groups = len(rows)
    both = {
        side: len(np.unique(told.groups[told.positive == side])) == n_groups
        for side in (False, True)
    }
    if all(both.values()):
        return swap_contrasts(values, told.positive, told.groups)
    return rows - 0.5


def _emerged(told: Told, areas: _Areas, place: int) -> FoundEmergence | None:
    if not areas.whole:
        return None
    study = told.study
    return emergence_results(
        emergence_layer(
            2 * areas.found.rows - 1,
            rng=study.rng(Stream.ABSENCE_LAYERS, told.key, place),
            margin=study.margin,
            plateau=study.plateau,
            horizon=study.horizon,
            level=study.level,
            n_resamples=study.n_resamples,
        )
    )


def _more_inside(told: Told, probe: _Areas, said: _Areas) -> tuple[MoreInside, ...]:
    """The probe at each layer against what is said at the last one, on the same items."""
    rows, last = probe.found.rows, said.found.rows[:, -1:]
    found = area_difference(rows, last, level=told.study.level)
    p = sign_flip_max_t(
        rows - last,
        rng=told.study.rng(Stream.ABSENCE_GAPS, told.key),
        n_resamples=told.study.n_resamples,
        tail="two-sided",
    ).p
    return tuple(
        MoreInside(
            layer=int(layer),
            difference=Interval(
                estimate=float(found.estimate[place]),
                low=float(found.low[place]),
                high=float(found.high[place]),
            ),
            p=float(p[place]),
        )
        for place, layer in enumerate(probe.known)
    )
