"""Measures the causes of one attribute's answers: pairs, swaps, controls, and their estimates."""

from functools import partial

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.causes.asking import Swaps, pairs_of, swaps_of
from analysis.causes.cut import cut_shares
from analysis.causes.directed import directed_layers
from analysis.causes.elsewhere import elsewhere_ranks
from analysis.causes.erased import erased_layers
from analysis.causes.found import Asked, Caused, Nothing, Shares
from analysis.causes.nothing import nothing_moved
from analysis.causes.parts import Measuring, control_layers, control_parts, main_part
from analysis.causes.readable import gaps_of, read_rows, readable_of, unused_layers
from analysis.causes.shares import LEAST_PAIRS, Estimating, PairRows, pair_rows, shares_of
from analysis.causes.swaps import Swapped
from analysis.effects.found import Interval
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.interventions.gate import check_interventions


def measured_causes(opened: OpenRun, attribute: str, asked: Asked) -> Caused:
    """The causes of one attribute's answers. What has been run before is taken from the run.

    UserError if there are too few pairs, for a model that has no image positions, and GateError if
    interventions on the model do not do what they say.
    """
    pairs = pairs_of(opened, attribute, asked.pairs, most=asked.n_pairs)
    if len(pairs.pairs) < LEAST_PAIRS:
        raise UserError(
            f"causes of {attribute} need at least {LEAST_PAIRS} pairs, got {len(pairs.pairs)}: use "
            "more scenes"
        )
    swaps = swaps_of(opened, pairs)
    vlm = opened.load_model()
    _require_image_positions(opened, swaps)
    gate = check_interventions(vlm)
    key, study = stream_key(attribute), opened.run.study
    measuring = Measuring(
        opened=opened,
        swaps=swaps,
        attribute=attribute,
        folder=opened.run.folder / "causes" / f"{attribute}-{swaps.digest}",
        vlm=vlm,
    )
    main = main_part(measuring)
    rows = pair_rows(swaps.main, main)
    how = Estimating(
        level=study.level,
        margin=asked.margin,
        n_resamples=study.n_resamples,
        rng=partial(study.rng, Stream.CAUSES_SHARES, key),
    )
    every = shares_of(rows, how)
    read = read_rows(opened, pairs, swaps.digest)
    readable = readable_of(opened, read, key)
    cut, not_cut = _cut(measuring, asked, how)
    return Caused(
        asked=asked,
        pairs=pairs.kind,
        n_pairs=len(pairs.pairs),
        skipped=dict(pairs.skipped),
        changed_outside={str(more): share for more, share in (pairs.changed_outside or {}).items()},
        every=every,
        right=_right(rows, study_rng=how),
        readable=readable,
        gaps=gaps_of(opened, read, readable, rows, every, key),
        unused=unused_layers(readable, rows, margin=asked.margin, level=study.level),
        nothing=_nothing(measuring, rows, asked),
        elsewhere=elsewhere_ranks(measuring, asked.n_dear),
        directed=directed_layers(measuring, asked.n_dear, how),
        erased=erased_layers(measuring, asked.n_dear, how),
        cut=cut,
        distance=_distances(main),
        gate=gate.worst,
        safe_from=gate.safe_from,
        whole_from=gate.whole_from,
        level=study.level,
        n_resamples=study.n_resamples,
        notes=(*read.notes, *not_cut),
    )


def _cut(
    measuring: Measuring, asked: Asked, how: Estimating
) -> tuple[tuple[Interval, ...], tuple[str, ...]]:
    """The shares left after a cut; where the implementation of attention takes no mask, none, and
    why."""
    try:
        return cut_shares(measuring, asked.n_dear, how), ()
    except UserError as error:
        return (), (f"attention to the image is not cut: {error}",)


def _right(rows: PairRows, study_rng: Estimating) -> Shares | None:
    """The shares of the pairs that are answered right on both sides; None for too few of them."""
    if int(rows.right.sum()) < LEAST_PAIRS:
        return None
    return shares_of(rows.of(rows.right), study_rng)


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
