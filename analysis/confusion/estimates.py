"""From the probabilities of competing words to curves, layers of overtaking, what the image adds,
and answers that turn from right to wrong."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.confusion.found import (
    Asked,
    Compared,
    Confused,
    Matrix,
    MatrixAtLayer,
    Overtaking,
    RatioAtLayer,
    Turned,
    WordAtLayer,
    WordCurve,
)
from analysis.confusion.image_adds import added_rows, part_alone, parts
from analysis.confusion.rivals import Rivals, under
from analysis.effects.found import LayerSet
from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings
from analysis.run.study import Study
from analysis.streams import Stream
from stats import (
    BootstrapInterval,
    ClusterShare,
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
    asked: Asked,
) -> Confused:
    """Results of one attribute; `other` holds the readings of each item with another scene's image.

    Log-ratios, and what the image adds to them, are means over scenes in bits, with intervals for
    each layer alone. Their p-values are two-sided, from sign flips of scenes, adjusted over layers
    by the maximum t. For what the image adds, the omnibus p-values of the pairs are also adjusted
    for each other (Holm). Shares of scenes have exact intervals, since there is one item per scene.
    """
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    together, *pairs = _all_compared(readings, words, other, rivals, study, key)
    return Confused(
        answers=tuple(readings.answers),
        near={
            each.answer: tuple(str(r.near) for r in rivals if r.answer == each.answer)
            for each in rivals
            if each.answer is not None
        },
        n_items=len(scenes),
        n_scenes=len(set(scenes.tolist())),
        level=study.level,
        n_resamples=study.n_resamples,
        notes=(*words.notes, *readings.notes),
        together=together,
        pairs=tuple(pairs),
        words=tuple(_word_curves(readings, words, rivals, study.level)),
        matrix=_matrix(readings, study.level),
        made_from=asked,
    )


def _all_compared(
    readings: Readings,
    words: WordReadings,
    other: WordReadings,
    rivals: Sequence[Rivals],
    study: Study,
    key: int,
) -> list[Compared]:
    """The results for all answers together, then for each pair of words."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    pairs = list(zip(rivals, under(rivals, other), strict=True))
    by_scene = [scene_rows(own.ratio, scenes[own.rows]) for own, _ in pairs]
    ratios = [_tested(rows, study, _RATIOS, (key, number)) for number, rows in enumerate(by_scene)]
    added = [
        _tested(added_rows(readings, words, own, shuffled), study, _ADDED, (key, number))
        for number, (own, shuffled) in enumerate(pairs)
    ]
    tests = [test for test, _ in added]
    return [
        Compared(
            answer=own.answer,
            near=own.near,
            n_scenes=ratio[0].n_scenes,
            omnibus_p=ratio[0].omnibus_p,
            layers=_by_layer(ratio, more),
            overtaking=_overtaking(rows, study.level),
            turned=_turned(own, study.level),
            turned_shuffled=_turned(shuffled, study.level),
            added=part,
        )
        for (own, shuffled), rows, ratio, more, part in zip(
            pairs,
            by_scene,
            ratios,
            added,
            [part_alone(tests[0], study.level), *parts(tests[1:], study.level)],
            strict=True,
        )
    ]


def _by_layer(
    ratio: tuple[SignFlipTest, BootstrapInterval], added: tuple[SignFlipTest, BootstrapInterval]
) -> tuple[RatioAtLayer, ...]:
    """The log-ratios and what the image adds to them, layer by layer."""
    (plain, own), (test, more) = ratio, added
    return tuple(
        RatioAtLayer(
            layer=layer,
            ratio_bits=own.estimate[layer].item(),
            low=own.low[layer].item(),
            high=own.high[layer].item(),
            p=plain.p[layer].item(),
            added_bits=more.estimate[layer].item(),
            added_low=more.low[layer].item(),
            added_high=more.high[layer].item(),
            added_p=test.p[layer].item(),
        )
        for layer in range(len(plain.p))
    )


def _overtaking(by_scene: Float[ndarray, "scene layer"], level: float) -> Overtaking:
    found = overtaking_layer(by_scene, level=level)
    layers = LayerSet(low=found.layers.low, high=found.layers.high)
    return Overtaking(layer=found.layer, set=layers)


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


def _turned(rivals: Rivals, level: float) -> Turned:
    """Scenes whose answer was right at some layer: how many of them end with the competing word."""
    was_right = int(rivals.ever_right.sum())
    turned = int((rivals.ever_right & rivals.ends_near).sum())
    if not was_right:
        return Turned(n_right=0, n_turned=turned, share=None, low=None, high=None)
    found = share_interval(np.array(turned), np.array(was_right), level=level)
    return Turned(
        n_right=was_right,
        n_turned=turned,
        share=found.share.item(),
        low=found.low.item(),
        high=found.high.item(),
    )


def _word_curves(
    readings: Readings,
    words: WordReadings,
    rivals: Sequence[Rivals],
    level: float,
) -> Iterator[WordCurve]:
    """For every answer the curves of each of its words: the share among all words, and the
    probability, by layer."""
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    rows_of = {each.answer: each.rows for each in rivals if each.answer is not None}
    for answer, rows in rows_of.items():
        for word in (answer, *(str(each.near) for each in rivals if each.answer == answer)):
            both = np.exp2(np.stack([words.share_of(word)[rows], words.of(word)[rows]], axis=2))
            # What is 1 but for rounding must not leave the scale.
            interval = cluster_share(np.clip(both, 0, 1), scenes[rows], level=level)
            yield WordCurve(
                answer=answer,
                word=word,
                right=word == answer,
                n_scenes=interval.n_scenes,
                layers=tuple(_word_at(interval, layer) for layer in range(both.shape[1])),
            )


def _word_at(both: ClusterShare, layer: int) -> WordAtLayer:
    """The numbers of one word at one layer: the second axis holds the word's share and its
    probability."""
    (share, probability), low, high = both.estimate[layer], both.low[layer], both.high[layer]
    return WordAtLayer(
        layer=layer,
        share=share.item(),
        share_low=low[0].item(),
        share_high=high[0].item(),
        probability=probability.item(),
        probability_low=low[1].item(),
        probability_high=high[1].item(),
    )


def _matrix(readings: Readings, level: float) -> Matrix:
    """Which answer is the most probable, by layer: a row for each right answer, with shares of its
    scenes."""
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
        layers.append(
            MatrixAtLayer(
                layer=layer,
                share=_cells(found.share),
                low=_cells(found.low),
                high=_cells(found.high),
            )
        )
    return Matrix(
        right=tuple(readings.answers[place] for place in there),
        chosen=tuple(readings.answers),
        n_scenes=tuple(totals[there].tolist()),
        layers=tuple(layers),
    )


def _cells(shares: Float[ndarray, "right chosen"]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in shares.tolist())
