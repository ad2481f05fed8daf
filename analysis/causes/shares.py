"""From what swaps did to the shares of the total effect, and where it is handed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from analysis.causes.found import Following, HandOver, Shares, Window
from analysis.causes.swaps import ANSWER, IMAGE, OBJECT, QUESTION, REST, Swap, Swapped
from analysis.effects.found import Crossing, Interval, LayerSet, WholeLayer, fields_of
from analysis.run.study import Study
from analysis.streams import Stream
from stats import follows, hand_over, hand_over_window, moved_share
from stats.scenes import scene_rows

LEAST_PAIRS = 10
"""Fewest pairs of which shares are estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRows:
    """What swaps moved, in bits, one row per pair: means over both directions."""

    pair_ids: tuple[str, ...]
    moved: dict[str, Float[ndarray, "pair layer"]]
    """By the kind of positions."""
    total: Float[ndarray, " pair"]
    base: Float[ndarray, " pair"]
    """The log odds of the source's answer against the base's, for the base's image."""
    source: Float[ndarray, " pair"]
    """The same for the source's image."""
    right: Bool[ndarray, " pair"]
    """Whether both images are answered right, of all the attribute's answers."""

    def of(self, chosen: Bool[ndarray, " pair"]) -> "PairRows":
        """The rows of some pairs."""
        return PairRows(
            pair_ids=tuple(np.array(self.pair_ids)[chosen].tolist()),
            moved={kind: values[chosen] for kind, values in self.moved.items()},
            total=self.total[chosen],
            base=self.base[chosen],
            source=self.source[chosen],
            right=self.right[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimating:
    """How the estimates of an attribute are made."""

    study: Study
    key: int
    """A number of the attribute's own, so that each has its own random draws."""
    margin: float
    """The share of the total effect that counts as nothing."""

    @property
    def level(self) -> float:
        """Level of intervals and sets."""
        return self.study.level

    @property
    def n_resamples(self) -> int:
        """How often pairs are redrawn."""
        return self.study.n_resamples


def pair_rows(swaps: Sequence[Swap], found: Swapped) -> PairRows:
    """The rows of the pairs' own swaps, of which every pair has both directions, the base's as
    recipient first."""
    ids = [each.pair_id for each in swaps]

    def rows(values: Float[ndarray, "swap layer"]) -> Float[ndarray, "pair layer"]:
        return scene_rows(values.astype(np.float64), ids)

    forward, order = slice(0, None, 2), np.argsort(ids[::2], kind="stable")
    return PairRows(
        pair_ids=tuple(sorted(set(ids))),
        moved={kind: rows(values) for kind, values in found.moved.items()},
        total=rows(found.total[:, None])[:, 0],
        base=found.recipient[forward][order].astype(np.float64),
        source=found.donor[forward][order].astype(np.float64),
        right=rows(found.right[:, None])[:, 0] == 1,
    )


def shares_of(rows: PairRows, how: Estimating, *, beats_chance: bool) -> Shares:
    """The share of every kind of positions at every layer, and the hand-over, where the answer is
    shown to follow the image, and more than by random weights."""
    following = follows(rows.base, rows.source, level=how.level)
    places = {kind: share(moved, rows.total, level=how.level) for kind, moved in rows.moved.items()}
    apart = rows.moved[IMAGE] + rows.moved[QUESTION] + rows.moved[ANSWER]
    within = None
    if OBJECT in rows.moved:
        within = rows.moved[IMAGE] - rows.moved[OBJECT] - rows.moved[REST]
    shown = following.shown and beats_chance
    return Shares(
        n_pairs=len(rows.total),
        follows=Following(
            share_right=following.share_right,
            share_wrong=following.share_wrong,
            low=following.low,
            p=following.p,
            margin=following.margin,
            total_bits=following.total_mean,
            total_p=following.total_p,
            shown=following.shown,
        ),
        places=places,
        interaction=share(rows.total[:, None] - apart, rows.total, level=how.level),
        image_interaction=None if within is None else share(within, rows.total, level=how.level),
        out=handed_over(rows, IMAGE, how) if shown else None,
        into=handed_over(rows, ANSWER, how) if shown else None,
        window=_window(rows, how) if shown else None,
        level=how.level,
    )


def share(
    moved: Float[ndarray, "pair layer"], total: Float[ndarray, " pair"], *, level: float
) -> tuple[Interval, ...]:
    """The share of the total effect that is moved at each layer, a ratio of means."""
    found = moved_share(moved, total, level=level)
    return intervals(found.estimate, found.low, found.high)


def intervals(
    estimate: Float[ndarray, " layer"],
    low: Float[ndarray, " layer"],
    high: Float[ndarray, " layer"],
) -> tuple[Interval, ...]:
    """An interval per layer. JSON knows no infinity: an end that there is not is as far as numbers
    go."""
    far = np.finfo(np.float64).max
    ends = (np.nan_to_num(each, nan=0.0, posinf=far, neginf=-far) for each in (estimate, low, high))
    return tuple(
        Interval(estimate=float(middle), low=float(left), high=float(right))
        for middle, left, right in zip(*ends, strict=True)
    )


def handed_over(rows: PairRows, kind: str, how: Estimating) -> HandOver:
    """Where the share of a kind of positions falls (image) or rises (answer) through one half."""
    found = hand_over(
        rows.moved[kind],
        rows.total,
        falls=kind == IMAGE,
        rng=how.study.rng(Stream.CAUSES_HAND_OVER, how.key, int(kind == IMAGE)),
        level=how.level,
        n_resamples=how.n_resamples,
    )
    return HandOver(
        at=None if found.half is None else Crossing(**fields_of(found.half)),
        layer=None if found.layer is None else _whole(found.layer),
        fb_half=LayerSet(low=found.fb_half.low, high=found.fb_half.high),
        from_start=found.from_start,
        monotone=found.monotone,
    )


def _whole(layer: object) -> WholeLayer:
    named: Mapping[str, int] = fields_of(layer)
    return WholeLayer(**{name: named[name] for name in ("estimate", "low", "high")})


def _window(rows: PairRows, how: Estimating) -> Window:
    found = hand_over_window(rows.moved[IMAGE], rows.total, margin=how.margin, level=how.level)
    return Window(start=found.start, end=found.end, margin=found.margin)
