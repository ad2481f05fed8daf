"""Checks of arguments that the functions of this package share.

Each check returns the argument in the form that the function works with, or raises ValueError with
a message that names the argument, the rule, the value and the remedy.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray
from numpy.typing import ArrayLike


def finite_array(
    value: ArrayLike | Sequence[float] | float,
    *,
    name: str,
    axes: Sequence[str],
    open_ended: bool = False,
) -> Float[ndarray, "..."]:
    """`value` as an array of finite float64 numbers with one dimension per name in `axes`.

    With `open_ended` it may have more dimensions. `name` is what the argument is called in
    messages. Raises ValueError for too few or too many dimensions, for an array without values and
    for a value that is missing or infinite, whose place it names.

    >>> finite_array([1, 2], name="scores", axes=["layer"])
    array([1., 2.])
    """
    array = np.asarray(value, dtype=float)
    wanted = f"[{', '.join(axes)}{', ...' if open_ended else ''}]"
    if array.ndim < len(axes) or (array.ndim > len(axes) and not open_ended):
        raise ValueError(
            f"`{name}` must have the axes {wanted}, got shape {array.shape}: reshape it"
        )
    if array.size == 0:
        raise ValueError(
            f"`{name}` {wanted} must not be empty, got shape {array.shape}: pass values"
        )
    finite = np.isfinite(array)
    if not finite.all():
        where = np.argwhere(~finite)[0]
        labels = [*axes, *(["column"] * (array.ndim - len(axes)))]
        place = ", ".join(f"{label} {index}" for label, index in zip(labels, where, strict=True))
        at = f" at {place}: leave that {labels[0]} out or score it again" if labels else ": set it"
        raise ValueError(f"`{name}` must be finite, got {array[tuple(where)]}{at}")
    return array


def enough_scenes(n_scenes: int, *, name: str, least: int = 2, why: str = "") -> None:
    """Raise ValueError if there are fewer than `least` scenes; `why` adds the reason for `least`.

    >>> enough_scenes(1, name="effect")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: need at least 2 scenes, got 1 in `effect`: add scenes ...
    """
    if n_scenes < least:
        raise ValueError(
            f"need at least {least} scenes, got {n_scenes} in `{name}`{why}: "
            "add scenes (one row, or one cluster id, per scene)"
        )


def positive(value: float, *, name: str) -> float:
    """`value` as a float, which must be finite and above zero; ValueError otherwise.

    >>> positive(0.05, name="margin")
    0.05
    """
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(
            f"`{name}` must be a positive number, got {value}: "
            "give it in the unit of the effect, such as 0.05"
        )
    return number


def probability(value: float, *, name: str) -> float:
    """`value` as a float, which must lie strictly between 0 and 1; ValueError otherwise.

    >>> probability(0.95, name="level")
    0.95
    """
    number = float(value)
    if not 0 < number < 1:
        raise ValueError(
            f"`{name}` must lie between 0 and 1, got {value}: pass a share such as 0.95"
        )
    return number


def enough_resamples(n_resamples: int, *, least: int = 1, why: str = "") -> int:
    """`n_resamples` as an integer, which must be at least `least`; ValueError otherwise.

    >>> enough_resamples(10_000)
    10000
    """
    if int(n_resamples) != n_resamples or n_resamples < least:
        raise ValueError(
            f"`n_resamples` must be a whole number of at least {least}{why}, got {n_resamples}: "
            "raise it (10000 is the default)"
        )
    return int(n_resamples)


def resamples_for_interval(n_resamples: int, level: float) -> int:
    """`n_resamples`, if it is enough for both tails of an interval at `level` to hold a resample.

    At level .95 that takes 39. Raises ValueError for fewer.

    >>> resamples_for_interval(39, 0.95)
    39
    """
    least = math.ceil(2 / (1 - level) - 1e-9) - 1
    return enough_resamples(n_resamples, least=least, why=f" for level {level:g}")


def answer_indices(
    answers: Shaped[ndarray, "..."], n_items: int, n_answers: int
) -> Int[ndarray, " item"]:
    """`answers` as indices into the answer axis of the scores, one per item.

    Raises ValueError unless there is one whole number per item, from 0 to `n_answers` - 1.

    >>> answer_indices(np.array([2, 0]), n_items=2, n_answers=3).tolist()
    [2, 0]
    """
    labels = np.asarray(answers)
    if labels.shape != (n_items,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"`answers` must hold one whole number per item ({n_items}), got "
            f"{labels.dtype} of shape {labels.shape}: pass indices into the answer axis of `scores`"
        )
    outside = (labels < 0) | (labels >= n_answers)
    if outside.any():
        item = int(np.argmax(outside))
        raise ValueError(
            f"`answers` must lie in 0..{n_answers - 1}, got {labels[item]} at item {item}: "
            "index them into the answer axis of `scores`"
        )
    return labels.astype(np.intp)


def horizon_layer(horizon: int | None, n_layers: int) -> int:
    """The last layer that is considered: `horizon`, or the last one there is where it is None.

    Raises ValueError for a horizon that is none of the layers 0 to `n_layers` - 1.

    >>> horizon_layer(None, n_layers=29), horizon_layer(20, n_layers=29)
    (28, 20)
    """
    if horizon is None:
        return n_layers - 1
    if int(horizon) != horizon or not 0 <= horizon < n_layers:
        raise ValueError(
            f"`horizon` must be a layer from 0 to {n_layers - 1}, got {horizon}: "
            "layers count from 0 (embeddings) to L (after the last block)"
        )
    return int(horizon)


def plateau_window(plateau: Sequence[int] | None, horizon: int) -> slice:
    """The layers from the first to the last of `plateau`, both included, as a slice.

    A pair `(first, last)` and a run such as `range(25, 33)` mean the same window. Where `plateau`
    is None, the window is the last quarter of the layers from 0 to `horizon`. Raises ValueError
    for layers in falling order or outside of 0 to `horizon`.

    >>> plateau_window(None, horizon=27), plateau_window((25, 32), horizon=32)
    (slice(21, 28, None), slice(25, 33, None))
    """
    if plateau is None:
        n_states = horizon + 1
        return slice(n_states - max(1, n_states // 4), n_states)
    layers = [int(layer) for layer in plateau]
    if not layers or layers != sorted(layers) or layers[0] < 0 or layers[-1] > horizon:
        raise ValueError(
            f"`plateau` must give its first and last layer within 0..{horizon}, got {plateau}: "
            "pass a pair such as (25, 32), in rising order and not beyond the horizon"
        )
    return slice(layers[0], layers[-1] + 1)
