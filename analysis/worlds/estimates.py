"""Three simulated worlds with the same knowledge, stated more or less loudly, by both measures."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import log_softmax

from analysis.effects.found import Interval
from analysis.run.study import Study
from analysis.streams import Stream
from analysis.worlds.found import FoundWorlds, LayerMean, World
from stats import cluster_bootstrap, emergence_layer, information, shuffled_label_test
from stats.half_crossing import half_plateau_crossing
from stats.simulate import effect_profile
from stats.simulated_worlds import (
    SimulatedAnswers,
    Voice,
    loudness_profile,
    simulated_answer_scores,
)

VOICES: tuple[Voice, ...] = ("constant", "growing", "late")
_LAST, _N_SCENES, _N_ANSWERS = 12, 200, 4
_POPULATION = 20_000
_EVIDENCE = effect_profile(_LAST + 1, onset=4.9, plateau=2.2)


def world_estimates(study: Study) -> FoundWorlds:
    """The layer of emergence by information and by stated bits in each world; the scenes are the
    same in all worlds.

    `truth` is where information crosses half of its plateau in a sample of 20,000 scenes.
    """
    entropy = float(np.log2(_N_ANSWERS))
    found = []
    for voice in VOICES:
        world = _world(voice, _N_SCENES, study.rng(Stream.WORLD_SCENES))
        told = _information(world, study) / entropy
        stated = _stated(world, study) / entropy
        found.append(
            World(
                name=voice,
                loudness=tuple(loudness_profile(_LAST + 1, voice).tolist()),
                information=_curve(told, study),
                stated=_curve(stated, study),
                layer=_layer(told, study),
                stated_layer=_layer(stated, study),
            )
        )
    large = _world("constant", _POPULATION, study.rng(Stream.WORLD_POPULATION))
    plateau = slice(_LAST + 1 - (_LAST + 1) // 4, _LAST + 1)
    curve = _information(large, study).mean(axis=0)
    return FoundWorlds(
        truth=half_plateau_crossing(curve[None], plateau)[0].item(),
        n_scenes=_N_SCENES,
        n_answers=_N_ANSWERS,
        n_layers=_LAST,
        level=study.level,
        worlds=tuple(found),
    )


def _world(voice: Voice, n_scenes: int, rng: np.random.Generator) -> SimulatedAnswers:
    return simulated_answer_scores(
        rng,
        _EVIDENCE,
        n_scenes=n_scenes,
        loudness=loudness_profile(_LAST + 1, voice),
        shares=[1 / _N_ANSWERS] * _N_ANSWERS,
    )


def _information(world: SimulatedAnswers, study: Study) -> Float[ndarray, "scene layer"]:
    """Information with the image minus that without, in bits; each scene is asked once."""
    real, blank = (
        information(scores, world.answers, world.scenes, rng=study.rng(Stream.WORLD_READERS)).bits
        for scores in (world.scores, world.blank)
    )
    return real - blank


def _stated(world: SimulatedAnswers, study: Study) -> Float[ndarray, "scene layer"]:
    """Stated bits under the own image minus those under other scenes' images: the effect of older
    work."""
    bits = log_softmax(world.scores, axis=1) / np.log(2)
    return shuffled_label_test(
        bits,
        world.answers,
        world.questions,
        scenes=world.scenes,
        rng=study.rng(Stream.WORLD_ESTIMATES),
        n_resamples=1,
    ).scene_effect


def _curve(rows: Float[ndarray, "scene layer"], study: Study) -> tuple[LayerMean, ...]:
    found = cluster_bootstrap(
        rows,
        np.arange(len(rows)),
        rng=study.rng(Stream.WORLD_ESTIMATES),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    ends = zip(found.estimate.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
    return tuple(
        LayerMean(layer=layer, estimate=one, low=low, high=high)
        for layer, (one, low, high) in enumerate(ends)
    )


def _layer(rows: Float[ndarray, "scene layer"], study: Study) -> Interval | None:
    crossing = emergence_layer(
        rows,
        rng=study.rng(Stream.WORLD_ESTIMATES),
        margin=study.margin,
        level=study.level,
        n_resamples=study.n_resamples,
    ).lambda_half
    if crossing is None:
        return None
    return Interval(estimate=crossing.estimate, low=crossing.low, high=crossing.high)
