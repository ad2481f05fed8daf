"""Measures the causes of one attribute's answers: pairs, swaps, controls, and their estimates."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.causes.asking import Swaps, pair_items, pairs_of, swaps_of
from analysis.causes.chance import against_random
from analysis.causes.cut import cut_shares, why_not_cut
from analysis.causes.directed import directed_layers
from analysis.causes.elsewhere import elsewhere_ranks
from analysis.causes.erased import erased_layers, why_not_erased
from analysis.causes.fitting import why_no_probe
from analysis.causes.found import Asked, Caused, Nothing, Shares
from analysis.causes.nothing import nothing_moved
from analysis.causes.parts import Measuring, control_layers, control_parts, main_part
from analysis.causes.readable import gaps_of, read_rows, readable_of, unused_layers
from analysis.causes.shares import LEAST_PAIRS, Estimating, PairRows, pair_rows, shares_of
from analysis.causes.swaps import Swapped
from analysis.effects.found import Interval
from analysis.run.items import labels_of
from analysis.run.opened import OpenRun
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.interventions.gate import check_interventions


def measured_causes(opened: OpenRun, attribute: str, asked: Asked) -> Caused:
    """The causes of one attribute's answers. What has been run before is taken from the run.

    UserError if there are too few pairs, for a model that has no image positions, and GateError if
    interventions on the model do not do what they say.
    """
    measuring = _measuring(opened, attribute, asked)
    vlm, pairs = measuring.vlm, measuring.swaps.pairs
    _require_image_positions(opened, measuring.swaps)
    gate = check_interventions(vlm)
    study, key = opened.run.study, stream_key(attribute)
    no_probe, not_erased = _why_no_probe(measuring), why_not_erased(measuring)
    how = Estimating(study=study, key=key, margin=asked.margin)
    main = main_part(measuring)
    rows = pair_rows(measuring.swaps.main, main)
    by_chance = against_random(measuring)
    beats = isinstance(by_chance, str) or by_chance.p <= 1 - study.level + 1e-12
    every = shares_of(rows, how, beats_chance=beats)
    read = read_rows(opened, pairs, measuring.swaps.digest, probe=no_probe is None)
    readable = readable_of(opened, read, key)
    cut = _cut(measuring, asked, how)
    return Caused(
        asked=asked,
        pairs=pairs.kind,
        n_pairs=len(pairs.pairs),
        skipped=dict(pairs.skipped),
        changed_outside={str(more): share for more, share in (pairs.changed_outside or {}).items()},
        by_chance=None if isinstance(by_chance, str) else by_chance,
        every=every,
        right=_right(rows, how, beats),
        readable=readable,
        gaps=gaps_of(opened, read, readable, rows, every, key),
        unused=unused_layers(readable, rows, margin=asked.margin, level=study.level)
        if every.follows.shown and beats
        else {},
        nothing=_nothing(measuring, rows, asked),
        elsewhere=elsewhere_ranks(measuring, asked.n_dear),
        directed=() if no_probe else directed_layers(measuring, asked.n_dear, how),
        erased=() if not_erased else erased_layers(measuring, asked.n_dear, how),
        cut=() if isinstance(cut, str) else cut,
        distance=_distances(main),
        gate=gate.worst,
        safe_from=gate.safe_from,
        whole_from=gate.whole_from,
        level=study.level,
        n_resamples=study.n_resamples,
        notes=(*read.notes, *_left_out(by_chance, cut, no_probe, not_erased)),
    )


def _measuring(opened: OpenRun, attribute: str, asked: Asked) -> Measuring:
    pairs = pairs_of(opened, attribute, asked.pairs, most=asked.n_pairs)
    if len(pairs.pairs) < LEAST_PAIRS:
        raise UserError(
            f"causes of {attribute} need at least {LEAST_PAIRS} pairs, got {len(pairs.pairs)}: use "
            "more scenes"
        )
    swaps = swaps_of(opened, pairs)
    return Measuring(
        opened=opened,
        swaps=swaps,
        attribute=attribute,
        folder=opened.run.folder / "causes" / f"{attribute}-{swaps.digest}",
        vlm=opened.load_model(),
    )


def _left_out(
    by_chance: object, cut: object, no_probe: str | None, not_erased: str | None
) -> tuple[str, ...]:
    """What was left out, each with the reason."""
    named = {
        "copies of random weights": by_chance if isinstance(by_chance, str) else None,
        "the cut of attention to the image": cut if isinstance(cut, str) else None,
        "the linear probe and its directions": no_probe,
        "the erasure": not_erased,
    }
    return tuple(f"left out: {what} ({why})" for what, why in named.items() if why)


def _why_no_probe(measuring: Measuring) -> str | None:
    """Why no probe can be fitted at the answer position; None if one can."""
    items = pair_items(measuring.swaps.pairs)
    answers = measuring.opened.data.answer_set(items).answers
    return why_no_probe(labels_of(items, answers), items["scene_id"].tolist(), answers)


def _cut(measuring: Measuring, asked: Asked, how: Estimating) -> tuple[Interval, ...] | str:
    """The shares left after a cut, or why attention is not cut: its implementation takes no
    mask."""
    if why := why_not_cut(measuring.vlm):
        return why
    return cut_shares(measuring, asked.n_dear, how)


def _right(rows: PairRows, how: Estimating, beats: bool) -> Shares | None:
    """The shares of the pairs that are answered right on both sides; None for too few of them."""
    if int(rows.right.sum()) < LEAST_PAIRS:
        return None
    return shares_of(rows.of(rows.right), how, beats_chance=beats)


def _nothing(measuring: Measuring, rows: PairRows, asked: Asked) -> tuple[Nothing, ...]:
    layers = control_layers(measuring.n_layers)
    level = measuring.opened.run.study.level
    return tuple(
        nothing_moved(name, own, found, rows, layers=layers, margin=asked.margin, level=level)
        for name, (own, found) in control_parts(measuring).items()
    )


def _distances(main: Swapped) -> dict[str, tuple[float, ...]]:
    return {kind: _medians(values) for kind, values in main.distance.items()}


def _medians(values: Float[ndarray, "swap layer"]) -> tuple[float, ...]:
    """Medians over swaps; 0 at layers that were not run, where nothing was changed."""
    return tuple(
        0.0 if np.isnan(column).all() else float(np.nanmedian(column)) for column in values.T
    )


def _require_image_positions(opened: OpenRun, swaps: Swaps) -> None:
    """UserError for a family whose image is looked at beside the text: it has no positions to swap.

    It is asked before anything is run.
    """
    vlm, swap = opened.load_model(), swaps.main[0]
    try:
        image_tokens(vlm, vlm.processed([swaps.pairs.open_image(swap.recipient)], [swap.question]))
    except UserError as error:
        raise UserError(
            f"{type(vlm.model).__name__} has no image positions whose rows could be swapped: its "
            "image is looked at by cross attention; take a model whose image stands in its "
            "sequence"
        ) from error
