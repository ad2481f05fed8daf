"""From the probabilities of competing words to curves, layers of overtaking, and turned answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from analysis.estimation.scene_rows import scene_rows
from analysis.readings.readings import Readings
from analysis.readings.word_readings import WordReadings
from analysis.runs.study import Study
from data_prep.competing_words import Competition
from data_prep.errors import UserError
from stats import (
    adjusted_p,
    cluster_bootstrap,
    overtaking_layer,
    share_interval,
    sign_flip_max_t,
)

LEAST_SCENES = 10
_STAGE = 20
_RATIOS, _CROSSING, _SHARES = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The log-ratio of competing words to right ones, on the items that it is about."""

    answer: str | None
    """None for all answers together, each with its first competing word."""
    near: str | None
    rows: Int[ndarray, " item"]
    ratio: Float[ndarray, "item layer"]
    """log2 p(competing) - log2 p(right), in bits; above 0 the competing word is the likelier."""
    ever_right: Bool[ndarray, " item"]
    """The right word was the likeliest of all at some layer."""
    ends_near: Bool[ndarray, " item"]
    """The competing word is, at the last layer."""


def confusion_results(
    readings: Readings, words: WordReadings, rivals: Sequence[Rivals], study: Study, *, key: int
) -> dict[str, Any]:
    """Results of one attribute, as plain numbers.

    Log-ratios are means over scenes in bits with intervals each alone; their p are two-sided
    sign flips of scenes, adjusted over layers by the maximum t, and the pairs' omnibus p for each
    other too (Holm). Shares of scenes have exact intervals: there is one item per scene.
    """
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    compared = [_compared(each, scenes, study, key, number) for number, each in enumerate(rivals)]
    together, *pairs = compared
    holm = adjusted_p(np.array([pair["omnibus_p"] for pair in pairs]))
    for pair, p in zip(pairs, holm.tolist(), strict=True):
        pair["p_holm"] = p
    return {
        "answers": list(readings.answers),
        "near": {
            str(each.answer): [r.near for r in rivals if r.answer == each.answer]
            for each in rivals
            if each.answer is not None
        },
        "n_items": len(scenes),
        "n_scenes": len(set(scenes.tolist())),
        "level": study.level,
        "n_resamples": study.n_resamples,
        "notes": [*words.notes, *readings.notes],
        "together": together,
        "pairs": pairs,
        "words": list(_word_curves(readings, words, rivals, study, key)),
        "matrix": _matrix(readings, study.level),
    }


def rivals_of(
    readings: Readings, words: WordReadings, competition: Competition
) -> tuple[list[Rivals], list[str]]:
    """All together, then every pair; and a note for each that is left out.

    UserError if none has enough scenes.
    """
    answer_of = np.array(readings.items["answer"].tolist(), dtype=object)
    best = words.log2_p.argmax(axis=2)
    pairs, notes = [], []
    for answer, names in competition.near.items():
        rows = np.flatnonzero(answer_of == answer)
        for near in names:
            if answer not in words.words or near not in words.words:
                continue  # the tokenizer's fault, which the words' own notes tell
            if len(rows) < LEAST_SCENES:
                notes.append(
                    f"'{near}' is not compared: {len(rows)} scenes have the answer '{answer}', at "
                    f"least {LEAST_SCENES} are needed"
                )
                continue
            right, other = (words.words.index(word) for word in (answer, near))
            pairs.append(
                Rivals(
                    answer=answer,
                    near=near,
                    rows=rows,
                    ratio=words.of(near)[rows] - words.of(answer)[rows],
                    ever_right=(best[rows] == right).any(axis=1),
                    ends_near=best[rows, -1] == other,
                )
            )
    if not pairs:
        why = "; ".join(notes or words.notes) or "none is named"
        raise UserError(f"no competing word can be compared ({why}): name others with --words")
    return [_together(pairs), *pairs], notes


def _together(pairs: Sequence[Rivals]) -> Rivals:
    first = list({pair.answer: pair for pair in reversed(pairs)}.values())
    return Rivals(
        answer=None,
        near=None,
        rows=np.concatenate([pair.rows for pair in first]),
        ratio=np.concatenate([pair.ratio for pair in first]),
        ever_right=np.concatenate([pair.ever_right for pair in first]),
        ends_near=np.concatenate([pair.ends_near for pair in first]),
    )


def _compared(
    rivals: Rivals, scenes: ndarray, study: Study, key: int, number: int
) -> dict[str, Any]:
    own = scenes[rivals.rows]
    by_scene = scene_rows(rivals.ratio, own)
    test = sign_flip_max_t(
        by_scene,
        rng=study.rng(_STAGE, key, _RATIOS, number),
        n_resamples=study.n_resamples,
        tail="two-sided",
    )
    interval = cluster_bootstrap(
        rivals.ratio,
        own,
        rng=study.rng(_STAGE, key, _RATIOS, number, 1),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    crossing = overtaking_layer(
        by_scene,
        rng=study.rng(_STAGE, key, _CROSSING, number),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    return {
        "answer": rivals.answer,
        "near": rivals.near,
        "n_scenes": test.n_scenes,
        "omnibus_p": test.omnibus_p,
        "layers": [
            {
                "layer": layer,
                "ratio_bits": interval.estimate[layer].item(),
                "low": interval.low[layer].item(),
                "high": interval.high[layer].item(),
                "p": test.p[layer].item(),
            }
            for layer in range(len(test.p))
        ],
        "overtaking": {
            "layer": crossing.layer,
            "low": crossing.low,
            "high": crossing.high,
            "probability": crossing.probability,
            "set": {"low": crossing.layers.low, "high": crossing.layers.high},
        },
        "turned": _turned(rivals, study.level),
    }


def _turned(rivals: Rivals, level: float) -> dict[str, Any]:
    """Of the scenes that were right at some layer, those that end with the competing word."""
    was_right = int(rivals.ever_right.sum())
    turned = int((rivals.ever_right & rivals.ends_near).sum())
    found: dict[str, Any] = {"n_right": was_right, "n_turned": turned}
    if not was_right:
        return found | {"share": None, "low": None, "high": None}
    share = share_interval(np.array(turned), np.array(was_right), level=level)
    return found | {name: getattr(share, name).item() for name in ("share", "low", "high")}


def _word_curves(
    readings: Readings,
    words: WordReadings,
    rivals: Sequence[Rivals],
    study: Study,
    key: int,
) -> Iterator[dict[str, Any]]:
    """By answer, each of its words: share among all words, and probability, by layer."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    log_all = np.logaddexp2.reduce(words.log2_p, axis=2)
    rows_of = {each.answer: each.rows for each in rivals if each.answer is not None}
    number = 0
    for answer, rows in rows_of.items():
        names = [answer, *(each.near for each in rivals if each.answer == answer)]
        for name in names:
            log_p = words.of(str(name))[rows]
            both = np.stack([np.exp2(log_p - log_all[rows]), np.exp2(log_p)], axis=2)
            interval = cluster_bootstrap(
                both,
                scenes[rows],
                rng=study.rng(_STAGE, key, _SHARES, number),
                n_resamples=study.n_resamples,
                level=study.level,
            )
            number += 1
            layers = []
            for layer in range(both.shape[1]):
                row: dict[str, Any] = {"layer": layer}
                for place, what in enumerate(("share", "probability")):
                    row[what] = interval.estimate[layer, place].item()
                    # A share that is hardly spread may get an end beyond the scale.
                    row[f"{what}_low"] = max(0.0, interval.low[layer, place].item())
                    row[f"{what}_high"] = min(1.0, interval.high[layer, place].item())
                layers.append(row)
            yield {
                "answer": answer,
                "word": name,
                "right": name == answer,
                "n_scenes": interval.n_scenes,
                "layers": layers,
            }


def _matrix(readings: Readings, level: float) -> dict[str, Any]:
    """Which answer is the likeliest, by layer: the right one in rows, shares of its scenes."""
    n_answers = len(readings.answers)
    totals = np.bincount(readings.answer_index, minlength=n_answers)
    there = np.flatnonzero(totals)
    best = readings.real.argmax(axis=2)
    layers = []
    for layer in range(readings.real.shape[1]):
        counts = np.zeros((n_answers, n_answers), dtype=np.int64)
        np.add.at(counts, (readings.answer_index, best[:, layer]), 1)
        n_rows = np.repeat(totals[there, None], n_answers, axis=1)
        found = share_interval(counts[there], n_rows, level=level)
        ends = {name: getattr(found, name).tolist() for name in ("share", "low", "high")}
        layers.append({"layer": layer, **ends})
    return {
        "right": [readings.answers[place] for place in there],
        "chosen": list(readings.answers),
        "n_scenes": totals[there].tolist(),
        "layers": layers,
    }
