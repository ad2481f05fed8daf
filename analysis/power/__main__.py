"""What would a study find? Its own procedure on simulated scenes, before it is run.

`python -m analysis.power --study study.toml --layers 32 --effect 0.3 --sd 0.6` prints, for several
numbers of scenes, how often information of that size is found and how wide its sets are. A last
line says how many pairs of scenes it takes to find that a method tells better than the baseline
what is in an image, which needs no study: --area-gain 0.03 --area 0.89 --methods 15.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.commands.shipped_studies import study_named
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import Between, Filled, Within
from stats import (
    PowerCurve,
    clusters_for_area_gain,
    minimum_detectable_effect,
    power_curve,
    scenes_for_equivalence,
    scenes_to_detect,
)
from stats.simulate import Shape, effect_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Simulate a declared study for several numbers of scenes."""

    study: Path | None = None
    """Study file; margin, plateau window, horizon, level and seed are taken from it."""
    layers: Annotated[int, Within(1, 1000)] = 10
    """L, the model's blocks; there are L + 1 states."""
    effect: Annotated[
        float,
        Within(1e-6, 1, remedy="it is a share of the answer's entropy, no image tells more than 1"),
    ] = 0.3
    """Information that the image adds on the plateau, as share of the answer's entropy H."""
    sd: Annotated[float, Within(1e-6, 1000)] = 0.6
    """Standard deviation of that between scenes, in shares of H: .4 to .8 in the bundled run."""
    onset: Annotated[float | None, Within(0, 1000)] = None
    """Layer of half the plateau; default: two fifths of the layers."""
    shape: Shape = "sigmoid"
    """How the effect rises."""
    rise: Annotated[float, Within(1e-3, 1000)] = 4.0
    """Layers that the rise takes."""
    correlation: Annotated[float, Between(-1, 1)] = 0.9
    """Correlation of the noise between neighbouring layers."""
    scenes: Annotated[tuple[int, ...], Filled("a number"), Within(2, 100_000)] = (50, 100, 200, 400)
    """Numbers of scenes to try."""
    repetitions: Annotated[int, Within(1, 100_000)] = 200
    """Simulated studies for each."""
    area_gain: Annotated[float, Between(0, 0.5)] = 0.03
    """Gain in area under the ROC curve, over the baseline, that a method is to be found by."""
    area: Annotated[float, Between(0, 1)] = 0.89
    """The baseline's area under the ROC curve."""
    methods: Annotated[int, Within(1, 1000)] = 15
    """Methods that are compared with the baseline, and adjusted for by Holm."""
    area_correlation: Annotated[float, Between(-1, 1)] = 0.9
    """Correlation of the noise in a method's and the baseline's scores."""


def simulate(arguments: Arguments, study: Study) -> PowerCurve:
    """The power curve of the study. UserError for settings that cannot be simulated."""
    onset = 0.4 * arguments.layers if arguments.onset is None else arguments.onset
    try:
        profile = effect_profile(
            arguments.layers + 1,
            onset=float(onset),
            plateau=arguments.effect,
            shape=arguments.shape,
            rise=arguments.rise,
        )
        return power_curve(
            profile,
            sd=arguments.sd,
            n_scenes=arguments.scenes,
            margin=study.margin,
            rng=study.rng(Stream.POWER),
            correlation=arguments.correlation,
            repetitions=arguments.repetitions,
            level=study.level,
            plateau=study.plateau,
            horizon=study.horizon,
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def area_sentence(arguments: Arguments, study: Study) -> str:
    """How many scenes a gain in area takes. UserError for settings that cannot be simulated."""
    try:
        needed = clusters_for_area_gain(
            arguments.area_gain,
            area=arguments.area,
            correlation=arguments.area_correlation,
            n_methods=arguments.methods,
            rng=study.rng(Stream.POWER, 1),
            level=study.level,
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    return (
        f"Power .8 takes about {needed.n_clusters} pairs of scenes ({needed.n_scenes} scenes, each "
        f"asked the pair's two questions) to find a gain of {arguments.area_gain:g} in area under "
        f"the curve over a baseline of {arguments.area:g}, after Holm over {arguments.methods} "
        f"methods, if scores correlate by {arguments.area_correlation:g}."
    )


def report(arguments: Arguments, study: Study, curve: PowerCurve) -> tuple[Table, str]:
    """The curve as a table, and the scenes needed in a sentence."""
    table = Table(box=None, pad_edge=False)
    for column in ("scenes", "found", "a layer", "interval (layers)", "set (layers)",
                   "least information at .8"):  # fmt: skip
        table.add_column(column, justify="right")
    tests = arguments.layers + 1
    detectable = [
        minimum_detectable_effect(
            n_scenes=int(n), sd=arguments.sd, n_layers=tests, level=study.level
        ).item()
        for n in curve.n_scenes
    ]
    columns = zip(curve.n_scenes, curve.detected, curve.emerged, curve.half_width,
                  curve.set_width, detectable, strict=True)  # fmt: skip
    for n, found, layer, half, fb, least in columns:
        width = "-" if np.isnan(half) else f"{half:.1f}"
        table.add_row(str(n), f"{found:.2f}", f"{layer:.2f}", width, f"{fb:.1f}", f"{least:.3f}")
    detect = scenes_to_detect(arguments.effect, sd=arguments.sd, n_layers=tests, level=study.level)
    absent = scenes_for_equivalence(study.margin, sd=arguments.sd, level=study.level)
    return table, (
        f"Power .8 takes about {detect} scenes to find information of {arguments.effect:g} H at "
        f"one of {tests} layers, and {absent} to show that there is none above the margin of "
        f"{study.margin:g} H at a layer."
    )


def main() -> None:
    """Runs the command."""
    with one_line_errors():
        arguments = from_command_line(Arguments, command="python -m analysis.power")
        study = Study() if arguments.study is None else study_named(arguments.study).plan
        # Its spinner moves the cursor, which what is printed otherwise must not.
        terminal = Console(stderr=True, file=sys.__stderr__)
        terminal.quiet = not terminal.is_terminal
        with terminal.status("simulating"):
            curve = simulate(arguments, study)
            table, sentence = report(arguments, study, curve)
            area = area_sentence(arguments, study)
        console = Console(width=100)
        console.print(table)
        console.print(sentence)
        console.print(area)


if __name__ == "__main__":
    main()
