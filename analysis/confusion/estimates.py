"""From competing words to curves, layers of overtaking, what the image adds, and turned answers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.confusion.image_adds import added_rows, part_alone, parts
from analysis.confusion.rivals import Rivals, under
from analysis.readouts.readings import Readings
from analysis.readouts.word_readings import WordReadings
from analysis.run.study import Study
from analysis.streams import Stream
from stats import (
    BootstrapInterval,
    SignFlipTest,
    cluster_bootstrap,
    cluster_share,
    overtaking_layer,
    share_interval,
    sign_flip_max_t,
)
from stats.scenes import scene_rows

_RATIOS = Stream.CONFUSION_RATIO_TESTS, Stream.CONFUSION_RATIO_INTERVALS
_ADDED = Stream.CONFUSION_ADDED_TESTS, Stream.CONFUSION_ADDED_INTERVALS


def confusion_results(
    readings: Readings,
    words: WordReadings,
    other: WordReadings,
    rivals: Sequence[Rivals],
    study: Study,
    *,
    key: int,
) -> dict[str, Any]:
    """Results of one attribute, as plain numbers; `other` has each item with another scene's image.

    Log-ratios, and what the image adds to them, are means over scenes in bits with intervals each
    alone; their p are two-sided sign flips of scenes, adjusted over layers by the maximum t. Of
    what the image adds, the pairs' omnibus p are adjusted for each other too (Holm). Shares of
    scenes have exact intervals: there is one item per scene.
    """
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    together, *pairs = _all_compared(readings, words, other, rivals, study, key)
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
        "words": list(_word_curves(readings, words, rivals, study.level)),
        "matrix": _matrix(readings, study.level),
    }


def _all_compared(
    readings: Readings,
    words: WordReadings,
    other: WordReadings,
    rivals: Sequence[Rivals],
    study: Study,
    key: int,
) -> list[dict[str, Any]]:
    """What is found of all answers together, then of each pair."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    compared, tests = [], []
    for number, (own, shuffled) in enumerate(zip(rivals, under(rivals, other), strict=True)):
        by_scene = scene_rows(own.ratio, scenes[own.rows])
        added = added_rows(readings, words, own, shuffled)
        found, test = _compared(by_scene, added, study, key, number)
        for name, each in (("turned", own), ("turned_shuffled", shuffled)):
            found[name] = _turned(each, study.level)
        compared.append({"answer": own.answer, "near": own.near, **found})
        tests.append(test)
    added_parts = [part_alone(tests[0], study.level), *parts(tests[1:], study.level)]
    return [found | {"added": part} for found, part in zip(compared, added_parts, strict=True)]


def _compared(
    by_scene: Float[ndarray, "scene layer"],
    added: Float[ndarray, "some layer"],
    study: Study,
    key: int,
    number: int,
) -> tuple[dict[str, Any], SignFlipTest]:
    """Ratios and what the image adds to them, and the test of the latter."""
    plain, ratio = _tested(by_scene, study, _RATIOS, (key, number))
    test, more = _tested(added, study, _ADDED, (key, number))
    crossing = overtaking_layer(by_scene, level=study.level)
    layers = [
        {
            "layer": layer,
            "ratio_bits": ratio.estimate[layer].item(),
            "low": ratio.low[layer].item(),
            "high": ratio.high[layer].item(),
            "p": plain.p[layer].item(),
            "added_bits": more.estimate[layer].item(),
            "added_low": more.low[layer].item(),
            "added_high": more.high[layer].item(),
            "added_p": test.p[layer].item(),
        }
        for layer in range(len(plain.p))
    ]
    found = {
        "n_scenes": plain.n_scenes,
        "omnibus_p": plain.omnibus_p,
        "layers": layers,
        "overtaking": {
            "layer": crossing.layer,
            "set": {"low": crossing.layers.low, "high": crossing.layers.high},
        },
    }
    return found, test


def _tested(
    by_scene: Float[ndarray, "scene layer"],
    study: Study,
    streams: tuple[Stream, Stream],
    key: tuple[int, int],
) -> tuple[SignFlipTest, BootstrapInterval]:
    test = sign_flip_max_t(
        by_scene,
        rng=study.rng(streams[0], *key),
        n_resamples=study.n_resamples,
        tail="two-sided",
    )
    interval = cluster_bootstrap(
        by_scene,
        np.arange(len(by_scene)),
        rng=study.rng(streams[1], *key),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    return test, interval


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
    level: float,
) -> Iterator[dict[str, Any]]:
    """By answer, each of its words: share among all words, and probability, by layer."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    rows_of = {each.answer: each.rows for each in rivals if each.answer is not None}
    for answer, rows in rows_of.items():
        names = [answer, *(each.near for each in rivals if each.answer == answer)]
        for name in names:
            word = str(name)
            both = np.exp2(np.stack([words.share_of(word)[rows], words.of(word)[rows]], axis=2))
            # What is 1 but for rounding must not leave the scale.
            interval = cluster_share(np.clip(both, 0, 1), scenes[rows], level=level)
            layers = []
            for layer in range(both.shape[1]):
                row: dict[str, Any] = {"layer": layer}
                for place, what in enumerate(("share", "probability")):
                    row[what] = interval.estimate[layer, place].item()
                    row[f"{what}_low"] = interval.low[layer, place].item()
                    row[f"{what}_high"] = interval.high[layer, place].item()
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
