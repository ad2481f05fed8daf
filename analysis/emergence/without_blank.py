"""What scores without a blank condition still tell: everything but the effect of the image.

Without the same questions under a blank image it is not known how much of an answer the question
gives away alone. So there is no effect of the image, no emergence and no test against blank images,
and nothing is made up in their place. Information beyond guessing, right answers, stated bits, how
loudly they are stated, and the test against other scenes' images need the real image alone.
"""

import numpy as np
from numpy import ndarray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.effects.controls import shuffled_control
from analysis.effects.effect import answer_scores, entropy_bits, stated_of
from analysis.effects.found import Interval
from analysis.printed import printed
from analysis.readouts.given import given_readings
from analysis.readouts.taken import Readings
from analysis.run.items import items_of, labels_of, require_enough, require_readable
from analysis.run.opened import OpenRun
from analysis.run.results import add_part
from analysis.run.study import Study
from analysis.streams import Stream
from analysis.typed import result, written
from analysis.wording import READOUT_NAMES, p_value
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from stats import cluster_bootstrap, information, loudness
from stats.scenes import scene_rows

STUDY = "without_blank"


@result
class RealLayer:
    """The numbers of one layer under the items' own images; scores are means over scenes."""

    layer: int
    information: Interval
    """What the readout tells about the answer beyond guessing, with whatever the question gives
    away, as share of the entropy of the answers."""
    correct: float
    stated: float
    """log2 of the readout's own probability of the answer."""
    brier: float
    scale: Interval
    """The factor by which the scores must be multiplied to mean what they say."""
    p_shuffled: float
    """p-value against other scenes' images, one-sided and adjusted over layers."""


@result
class RealAlone:
    """One attribute under one readout, of scores that have no blank condition."""

    layers: tuple[RealLayer, ...]
    omnibus_p_shuffled: float
    answer_entropy_bits: float
    n_scenes: int
    n_items: int
    level: float
    n_resamples: int
    notes: tuple[str, ...]


def told_without_blank(opened: OpenRun, name: str, readout: str) -> str:
    """Measures what is defined without a blank condition, keeps it in the run's results, and gives
    it as text."""
    found = real_alone(opened, name, readout)
    add_part(opened.run, STUDY, [name, readout], written(found), opened.about)
    return real_alone_text(name, readout, found)


def real_alone(opened: OpenRun, name: str, readout: str) -> RealAlone:
    """Measures what is defined without a blank condition. UserError for a run that has no table of
    scores at hand."""
    given, study = opened.data.scores, opened.run.study
    if given is None:
        raise UserError("--without-blank is for a table of scores, got none: name it with --scores")
    items = items_of(opened.run, opened.data, name)
    require_enough(items)
    require_readable(items)
    tensors, notes = given_readings(given, items, readout, study, without_blank=True)
    answers = given.answers[name]
    readings = Readings(
        items=items,
        answers=answers,
        answer_index=labels_of(items, answers),
        real=tensors["real"],
        blank=np.full_like(tensors["real"], np.nan),  # there is none; nothing below reads it
        swapped=tensors.get("swapped"),
        notes=notes,
    )
    return _measured(readings, study, key=stream_key(name))


def _measured(readings: Readings, study: Study, *, key: int) -> RealAlone:
    stated, scenes = stated_of(readings), readings.items["scene_id"].to_numpy(dtype=str)
    # The same folds as beside a blank condition, so that its later arrival changes nothing here.
    folds = np.random.default_rng(int(study.rng(Stream.FOLDS, key).integers(2**63)))
    own = answer_scores(readings.real)
    told = information(own, readings.answer_index, scenes, rng=folds)
    entropy = entropy_bits(readings)
    rows = scene_rows(told.bits, scenes) / entropy
    interval = cluster_bootstrap(
        rows,
        np.arange(len(rows)),
        rng=study.rng(Stream.EFFECT_INTERVAL, key),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    control = shuffled_control(
        readings,
        stated,
        windows=(),
        rng=study.rng(Stream.SHUFFLED, key),
        n_resamples=study.n_resamples,
    )
    loud = loudness(own, readings.answer_index, scenes, level=study.level)
    right = stated.by_answer.of(readings.answer_index)
    means = {
        score: scene_rows(getattr(right, score), scenes).mean(axis=0)
        for score in ("bits", "correct", "brier")
    }
    return RealAlone(
        layers=tuple(
            RealLayer(
                layer=layer,
                information=_at(interval.estimate, interval.low, interval.high, layer),
                correct=means["correct"][layer].item(),
                stated=means["bits"][layer].item(),
                brier=means["brier"][layer].item(),
                scale=_at(loud.scale, loud.low, loud.high, layer),
                p_shuffled=control.p[layer].item(),
            )
            for layer in range(rows.shape[1])
        ),
        omnibus_p_shuffled=control.omnibus_p,
        answer_entropy_bits=entropy,
        n_scenes=len(rows),
        n_items=len(readings.items),
        level=study.level,
        n_resamples=study.n_resamples,
        notes=(*readings.notes, *control.notes),
    )


def _at(estimate: ndarray, low: ndarray, high: ndarray, layer: int) -> Interval:
    return Interval(estimate=estimate[layer].item(), low=low[layer].item(), high=high[layer].item())


def real_alone_text(name: str, readout: str, found: RealAlone) -> str:
    """A table with a row per layer, and what cannot be said."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}, {READOUT_NAMES[readout]}, without a blank condition: {found.n_scenes} "
        f"scenes, {found.n_items} items, H = {found.answer_entropy_bits:.2f} bits",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="inform.: what is told beyond guessing, with whatever the question gives away, as "
        f"share of H, with {level} interval over scenes. p: against other scenes' images, adjusted "
        "over layers.",
        caption_justify="left",
    )
    for header in ("layer", "inform.", f"{level} CI", "right", "stated", "scale", "p shuf."):
        table.add_column(header, justify="right", no_wrap=True)
    for row in found.layers:
        told = row.information
        table.add_row(
            str(row.layer),
            f"{told.estimate:.2f}",
            f"{told.low:.2f} to {told.high:.2f}",
            f"{row.correct:.2f}",
            f"{row.stated:.2f}",
            f"{row.scale.estimate:.2f}",
            p_value(row.p_shuffled),
        )
    notes = "".join(f"  note: {note}\n" for note in found.notes)
    return (
        f"{printed(table)}\n{notes}{name}: no effect of the image, and no layer of emergence: they "
        "are what is told beyond a blank image, and the scores have no such rows.\n"
    )
