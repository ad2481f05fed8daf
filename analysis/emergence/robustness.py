"""The layer of emergence under other choices of analysis that are just as defensible.

An interval shows what the choice of scenes leaves uncertain; the range over these choices shows
what the choices of the analyst do. Each choice repeats the estimate and the tests that decide on
emergence. Only the shuffled test is the same for all, since no choice changes its null hypothesis.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxtyping import Float
from numpy import ndarray

from analysis.effects.effect import Effect, Stated, effect_of, entropy_bits, guessed
from analysis.effects.found import Choice
from analysis.effects.measured import Measured, other_windows
from analysis.effects.shares_done import Done, unheard
from analysis.readouts.taken import Readings
from analysis.run.study import Study
from analysis.streams import Stream
from stats import emergence_layer
from stats.scenes import scene_rows

PRIMARY = "as declared"
_REDRAWS = 3
_FOLDS = 10
# Of gates only: no interval is given for a choice.
_FLIPS = 999
# How many choices there are for most studies: by it work that is left is judged.
_USUALLY = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    name: str
    rows: Float[ndarray, "scene layer"]
    window: tuple[int, int]
    window_p: float
    """p-value of the shuffled control over the window of this choice."""


def robustness(
    measured: Measured, study: Study, *, key: int, done: Done = unheard
) -> tuple[Choice, ...]:
    """Outcome and layer under every choice, the declared one first; `estimate` is None where there
    is no layer."""
    rows = []
    for number, choice in enumerate(_choices(measured, study, key)):
        found = emergence_layer(
            choice.rows,
            rng=study.rng(Stream.CHOICES, key, number),
            margin=study.margin,
            plateau=choice.window,
            horizon=study.horizon,
            level=study.level,
            n_resamples=min(_FLIPS, study.n_resamples),
            omnibus_p=measured.shuffled.omnibus_p,
            other_plateau_p=choice.window_p,
            interval=False,
        )
        estimate = None if found.lambda_half is None else found.lambda_half.estimate
        rows.append(Choice(choice=choice.name, outcome=found.outcome, estimate=estimate))
        done(len(rows) / _USUALLY)
    return tuple(rows)


def _choices(measured: Measured, study: Study, key: int) -> Iterator[_Choice]:
    readings, main, shuffled = measured.readings, measured.main, measured.shuffled
    own_p, *others_p = shuffled.window_p

    def choice(name: str, rows: Float[ndarray, "scene layer"]) -> _Choice:
        return _Choice(name=name, rows=rows, window=measured.plateau, window_p=own_p)

    yield choice(PRIMARY, main.rows)
    yield choice("reader with offsets", measured.held.rows)
    yield choice("information, blank not taken off", main.real_rows)
    if readings.whole is not None:
        words = replace(readings, **readings.whole)
        yield choice(
            "whole words", effect_of(words, rng=study.rng(Stream.CHOICES_WHOLE_WORDS, key)).rows
        )
    for name, rows in _skills(readings, main, measured.stated).items():
        yield choice(name, rows)
    windows = other_windows(measured.plateau, measured.horizon)
    for (name, window), p in zip(windows.items(), others_p, strict=True):
        yield _Choice(name=name, rows=main.rows, window=window, window_p=p)
    for redraw in range(_REDRAWS):
        again = effect_of(readings, rng=study.rng(Stream.CHOICES_FOLDS, key, redraw), again=main)
        yield choice(f"folds drawn again ({redraw + 1})", again.rows)
    if main.real.n_scenes >= _FOLDS:
        finer = effect_of(
            readings, rng=study.rng(Stream.CHOICES_FOLDS, key, _REDRAWS), folds=_FOLDS, again=main
        )
        yield choice(f"{_FOLDS} folds", finer.rows)
    yield choice(
        "stated bits against shuffled images, as in older work",
        shuffled.stated_rows / entropy_bits(readings),
    )


def _skills(
    readings: Readings, main: Effect, stated: Stated
) -> dict[str, Float[ndarray, "scene layer"]]:
    """Right answers and Brier score by scene and layer, each as share of what guessing leaves to
    gain."""
    answer, scenes = readings.answer_index, readings.items["scene_id"].to_numpy(dtype=str)
    own, guess = stated.by_answer.of(answer), guessed(main.real, answer)
    right = scene_rows(own.correct - guess["correct"], scenes)
    brier = scene_rows(guess["brier"] - own.brier, scenes)
    return {
        "right answers, above guessing": right / (1 - scene_rows(guess["correct"], scenes).mean()),
        "Brier score, above guessing": brier / scene_rows(guess["brier"], scenes).mean(),
    }
