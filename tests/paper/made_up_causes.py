"""What is found about causes in a run of which everything is known: one attribute with everything,
one without an object, and one whose answer does not follow the image."""

import math
from typing import Any

from analysis.causes.found import (
    Asked,
    ByChance,
    Caused,
    Directed,
    Elsewhere,
    Erased,
    Following,
    Gap,
    HandOver,
    Nothing,
    Readable,
    Shares,
    Window,
)
from analysis.effects.found import Crossing, Interval, LayerSet, WholeLayer
from analysis.typed import written
from tests.paper.made_up_findings import LAST

FAR = 1.7976931348623157e308
OTHER = "50%_of <b>$x_1$</b>"
"""An attribute of somebody's own data, whose name is a danger to TeX and to a page."""


def causes(last: int = LAST) -> dict[str, Any]:
    """All three attributes as results.json holds them."""
    return {
        "color": written(caused(last=last)),
        "shape": written(caused(follows=False, has_object=False, last=last)),
        "material": written(caused(has_object=False, last=last)),
    }


def caused(*, follows: bool = True, has_object: bool = True, last: int = LAST) -> Caused:
    """What is found of one attribute: the effect leaves the image at layer 2.9."""
    pairs = "minimal" if has_object else "matched"
    return Caused(
        asked=Asked(pairs="auto", most=300, quick=False, margin=0.1),
        pairs=pairs,
        n_pairs=240,
        skipped={},
        changed_outside={"8": 0.013} if has_object else {},
        by_chance=ByChance(n_copies=19, n_pairs=40, own=0.8 if follows else 0.0, largest=0.1,
                           p=0.05 if follows else 1.0),
        every=shares(240, follows=follows, has_object=has_object, last=last),
        right=shares(200, has_object=has_object, last=last) if follows else None,
        readable={
            "logit_lens": readable(2.4, last),
            "linear_probe": readable(1.8 if follows else None, last),
        },
        gaps=gaps() if follows else (),
        unused={"logit_lens": (), "linear_probe": (2,) if follows else ()},
        nothing=nothing(last),
        elsewhere=tuple(
            Elsewhere(layer=layer, object=0.7, median=0.04, largest=0.2, n_draws=39, n_pairs=100,
                      p=0.025)
            for layer in (0, 1, 3)
        ) if has_object else (),
        directed=tuple(
            Directed(layer=layer, probe=near(layer / 10), random=near(0.01), permuted=near(0.02),
                     probe_above_random=0.0004, distance=1.2)
            for layer in range(1, last + 1)
        ),
        erased=tuple(erased(layer) for layer in range(4)) if has_object else (),
        cut=tuple(near(0.95 * layer / last) for layer in range(last + 1)) if has_object else (),
        distance={"image": (0.5,) * (last + 1)},
        gate=1e-6,
        safe_from=0,
        whole_from=0,
        level=0.95,
        n_resamples=10_000,
        notes=("the tuned lens is left out",),
    )  # fmt: skip


def near(value: float) -> Interval:
    return Interval(estimate=value, low=value - 0.03, high=value + 0.03)


def shares(n_pairs: int, *, follows: bool = True, has_object: bool, last: int) -> Shares:
    """Shares that are handed over around layer 3; of no meaning where nothing follows."""
    given = [1 / (1 + math.exp(2.5 * (layer - 2.9))) for layer in range(last + 1)]
    unknown = Interval(estimate=0.0, low=-FAR, high=FAR)

    def curve(factor: float, offset: float = 0.0) -> tuple[Interval, ...]:
        return tuple(near(offset + factor * each) if follows else unknown for each in given)

    places = {"image": curve(1.0)}
    if has_object:
        places |= {"object": curve(0.8), "rest": curve(0.15)}
    # As results.json has them: in any order.
    places = {"answer": curve(-0.95, 0.95)} | places | {"question": curve(0.0, 0.02)}
    return Shares(
        n_pairs=n_pairs,
        follows=Following(
            share_right=0.84 if follows else 0.21, share_wrong=0.01 if follows else 0.2,
            low=0.78 if follows else -0.05, p=0.0001 if follows else 0.6, margin=0.1,
            total_bits=11.6 if follows else 0.01, total_p=0.0001 if follows else 0.4,
            shown=follows,
        ),
        places=places,
        interaction=curve(-0.05, 0.03),
        image_interaction=curve(0.05) if has_object else None,
        out=over(2.9) if follows else None,
        into=over(3.1) if follows else None,
        window=Window(start=1, end=5, margin=0.1) if follows else None,
        level=0.95,
    )  # fmt: skip


def crossing(at: float) -> Crossing:
    return Crossing(estimate=at, low=at - 0.1, high=at + 0.2, level=0.95)


def over(at: float) -> HandOver:
    whole = math.ceil(at)
    return HandOver(
        at=crossing(at), layer=WholeLayer(estimate=whole, low=whole, high=whole),
        fb_half=LayerSet(low=2, high=4), from_start=False, monotone=True,
    )  # fmt: skip


def readable(at: float | None, last: int) -> Readable:
    onset = 99 if at is None else at
    effect = [0.7 / (1 + math.exp(-2.5 * (layer - onset))) for layer in range(last + 1)]
    return Readable(
        effect=tuple(map(near, effect)), half=None if at is None else crossing(at),
        fb_half=LayerSet(low=int(min(onset, last)), high=None), plateau_effect=0.7,
    )  # fmt: skip


def gaps() -> tuple[Gap, ...]:
    return (
        Gap(readout="logit_lens", edge="out", estimate=0.5, low=0.2, high=0.8, p=0.001,
            p_holm=0.004),
        Gap(readout="linear_probe", edge="in", estimate=-0.1, low=-0.5, high=0.3, p=0.6,
            p_holm=0.6),
    )  # fmt: skip


def nothing(last: int) -> tuple[Nothing, ...]:
    layers = tuple(range(last))

    def one(what: str, most: float | None, *, shown: bool) -> Nothing:
        return Nothing(
            what=what, n_pairs=230, layers=layers,
            shares=tuple(near(-0.08 if layer == 2 else 0.01) for layer in layers),
            shown=shown, p=0.001 if shown else 0.2, most=most, margin=0.1,
        )  # fmt: skip

    return (
        one("image of another scene with the same answer", 0.08, shown=True),
        one(f"same images, asked for {OTHER} of the changed object", None, shown=False),
    )


def erased(layer: int) -> Erased:
    return Erased(
        layer=layer, retained=near(0.2), retained_other=near(0.97), other=OTHER,
        probe_before=0.98, probe_after=near(0.2), chance=0.18, other_before=0.9,
        other_after=near(0.89), fell=layer < 2, distance=0.7,
    )  # fmt: skip
