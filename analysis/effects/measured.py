"""The numbers from which an attribute's results are estimated: effects, stated probabilities and
the shuffled control."""

from dataclasses import dataclass

from jaxtyping import Shaped
from numpy import ndarray

from analysis.effects.controls import Shuffled, shuffled_control
from analysis.effects.effect import Effect, Stated, effect_of, stated_of
from analysis.effects.shares_done import Done, unheard, within
from analysis.readouts.taken import Readings
from analysis.run.study import Study
from analysis.streams import Stream
from stats.arguments import plateau_window


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is measured of one attribute under one readout, before anything is concluded from it."""

    readings: Readings
    main: Effect
    """The effect by the declared readers, which results are about."""
    held: Effect
    """The effect by readers that have an offset for each answer besides."""
    stated: Stated
    shuffled: Shuffled
    """The shuffled control. Its windows are the declared plateau, then those of `other_windows`."""
    plateau: tuple[int, int]
    """First and last layer of the declared plateau window."""
    horizon: int
    """The last layer that is considered."""

    @property
    def scenes(self) -> Shaped[ndarray, " item"]:
        """The scene of each item."""
        return self.readings.items["scene_id"].to_numpy(dtype=str)


def measured(readings: Readings, study: Study, *, key: int, done: Done = unheard) -> Measured:
    """Effects by both kinds of readers, on the same folds, and the test against other images.

    `key` is a number of the attribute's own, so that each has its own random draws.
    """
    main = effect_of(readings, rng=study.rng(Stream.FOLDS, key))
    done(0.25)
    held = effect_of(readings, rng=study.rng(Stream.FOLDS, key), offsets=True)
    done(0.5)
    stated = stated_of(readings)
    horizon = main.rows.shape[1] - 1 if study.horizon is None else study.horizon
    window = plateau_window(study.plateau, horizon)
    plateau = window.start, window.stop - 1
    shuffled = shuffled_control(
        readings,
        stated,
        windows=(plateau, *other_windows(plateau, horizon).values()),
        rng=study.rng(Stream.SHUFFLED, key),
        n_resamples=study.n_resamples,
        done=within(done, 0.5, 1.0),
    )
    return Measured(
        readings=readings,
        main=main,
        held=held,
        stated=stated,
        shuffled=shuffled,
        plateau=plateau,
        horizon=horizon,
    )


def other_windows(plateau: tuple[int, int], horizon: int) -> dict[str, tuple[int, int]]:
    """Other plateau windows: the last quarter, the last third and the last one of the layers up to
    the horizon, by name. None appears twice, and none is the declared plateau."""
    states = horizon + 1
    named = {"quarter": max(1, states // 4), "third": max(1, states // 3), "layer": 1}
    windows: dict[str, tuple[int, int]] = {}
    for name, length in named.items():
        window = (states - length, states - 1)
        if window != plateau and window not in windows.values():
            windows[f"plateau of the last {name}"] = window
    return windows
