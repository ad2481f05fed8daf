"""What readouts say on the images of the pairs, and how far that is from what is handed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from analysis.causes.asking import pair_items
from analysis.causes.found import EDGES, Edge, Gap, Readable, Shares
from analysis.causes.shares import PairRows
from analysis.causes.swaps import ANSWER, IMAGE
from analysis.effects.effect import effect_of
from analysis.effects.emergence_results import emergence_results
from analysis.effects.found import Interval
from analysis.readouts.readings import take_readings_of_items
from analysis.readouts.registry import LINEAR_PROBE, LOGIT_LENS, READOUTS, TUNED_LENS
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.pairs.pair import Pairs
from stats import adjusted_p, cluster_bootstrap, emergence_layer, no_share
from stats.crossing_gap import CrossingCurve, crossing_gap
from stats.scenes import scene_rows

NO_LENS = (
    "the tuned lens is left out: python -m analysis.emergence --readout tuned_lens fits it to the "
    "run"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """The effect of the image under each readout, as share of the entropy of the answers: one row
    per pair, in the order of the pairs' ids."""

    effects: dict[str, Float[ndarray, "pair layer"]]
    notes: tuple[str, ...]


def read_rows(opened: OpenRun, pairs: Pairs, digest: str, *, probe: bool) -> ReadRows:
    """Reads both images of every pair, by the logit lens, by the tuned lens where the run has one,
    and by a linear probe where the pairs are enough to fit one."""
    attribute = pairs.pairs[0].attribute
    items, shown = pair_items(pairs), shown_pairs(opened, pairs)
    has_lens = (opened.run.readouts(TUNED_LENS.name) / "folds").exists()
    there = {LOGIT_LENS.name: True, TUNED_LENS.name: has_lens, LINEAR_PROBE.name: probe}
    names = [name for name, is_there in there.items() if is_there]
    effects = {}
    for name in names:
        readings = take_readings_of_items(
            shown, items, name, name=f"causes-{digest}", shuffled=False
        )
        rng = opened.run.study.rng(Stream.CAUSES_INFORMATION, stream_key(attribute))
        effects[name] = _by_pair(effect_of(readings, rng=rng).item_effect, pairs, items)
    return ReadRows(effects=effects, notes=() if has_lens else (NO_LENS,))


def shown_pairs(opened: OpenRun, pairs: Pairs) -> OpenRun:
    """The run with the images of the pairs among those of its data."""
    data = replace(opened.data, open_image=pairs.open_image, image_size=pairs.image_size)
    return replace(opened, data=data)


def readable_of(opened: OpenRun, rows: ReadRows, key: int) -> dict[str, Readable]:
    """Curve and layer of each readout on the pairs."""
    study = opened.run.study
    found = {}
    for number, (name, effect) in enumerate(rows.effects.items()):
        interval = cluster_bootstrap(
            effect,
            np.arange(len(effect)),
            rng=study.rng(Stream.CAUSES_READ_INTERVALS, key, number),
            n_resamples=study.n_resamples,
            level=study.level,
        )
        emerged = emergence_results(
            emergence_layer(
                effect,
                rng=study.rng(Stream.CAUSES_CROSSINGS, key, number),
                margin=study.margin,
                plateau=study.plateau,
                horizon=study.horizon,
                level=study.level,
                n_resamples=study.n_resamples,
            )
        )
        ends = zip(interval.estimate, interval.low, interval.high, strict=True)
        found[name] = Readable(
            effect=tuple(
                Interval(estimate=float(middle), low=float(low), high=float(high))
                for middle, low, high in ends
            ),
            half=emerged.lambda_half,
            fb_half=emerged.fb_half,
            plateau_effect=emerged.plateau_effect,
        )
    return found


def gaps_of(
    opened: OpenRun,
    read: ReadRows,
    readable: Mapping[str, Readable],
    rows: PairRows,
    shares: Shares,
    key: int,
) -> tuple[Gap, ...]:
    """From each readout's layer to both ends of the hand-over, on the same pairs, redrawn together;
    of those that have a layer."""
    study = opened.run.study
    pairs = [
        (name, edge)
        for name in read.effects
        for edge in EDGES
        if readable[name].half is not None and _has_layer(shares, edge)
    ]
    found = []
    for name, edge in pairs:
        kind = IMAGE if edge == "out" else ANSWER
        gap = crossing_gap(
            CrossingCurve(rows=read.effects[name], plateau=study.plateau),
            CrossingCurve(rows=rows.moved[kind], total=rows.total, falls=edge == "out"),
            rng=study.rng(Stream.CAUSES_GAPS, key, list(READOUTS).index(name), EDGES.index(edge)),
            level=study.level,
            n_resamples=study.n_resamples,
        )
        found.append((name, edge, gap))
    adjusted = adjusted_p(np.array([gap.p for _, _, gap in found])) if found else ()
    return tuple(
        Gap(
            readout=name, edge=edge, estimate=gap.estimate, low=gap.low, high=gap.high, p=gap.p,
            p_holm=float(p_holm),
        )
        for (name, edge, gap), p_holm in zip(found, adjusted, strict=True)
    )  # fmt: skip


def unused_layers(
    readable: Mapping[str, Readable], rows: PairRows, *, margin: float, level: float
) -> dict[str, tuple[int, ...]]:
    """By readout, the layers at which the attribute is shown readable at the answer position, while
    what lies there is shown to move nothing that matters.

    Readable from the upper end of the readout's set on; moving nothing in the unbroken run from
    layer 1 in which that is shown. Both are fixed sequences of tests, so that all layers hold
    together. At layer 0 the answer position holds nothing but its own token.
    """
    last = rows.moved[ANSWER].shape[1] - 1
    nothing = no_share(
        rows.moved[ANSWER], rows.total, margin=margin, level=level, layers=range(1, last + 1)
    )
    run = len(nothing.shown) if nothing.shown.all() else int(np.argmin(nothing.shown))
    found = {}
    for name, each in readable.items():
        first = each.fb_half.high if each.half is not None else None
        found[name] = () if first is None else tuple(range(max(first, 1), run + 1))
    return found


def _has_layer(shares: Shares, edge: Edge) -> bool:
    over = shares.out if edge == "out" else shares.into
    return over is not None and over.at is not None


def _by_pair(
    values: Float[ndarray, "item layer"], pairs: Pairs, items: pd.DataFrame
) -> Float[ndarray, "pair layer"]:
    """Means over both sides of every pair; `items` are first all bases, then all sources."""
    ids: Sequence[str] = [each.pair_id for each in pairs.pairs] * (len(items) // len(pairs.pairs))
    return scene_rows(values, ids)
