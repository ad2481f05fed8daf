"""Why not stated bits? Three simulated worlds that know the same, and say it unlike loudly.

    python -m analysis.worlds --run RUN

Reads three worlds with the same knowledge at every layer, whose logits are constant, grow from
layer to layer, or grow in the last three layers, by information and by stated bits; writes what
each says of the layer of emergence into results.json of the run, and a figure.
"""

import sys
from dataclasses import dataclass
from typing import ClassVar

from analysis.commands.options import RunOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.run.results import FILE_NAME, add_study, read_results, study_result
from analysis.typed import read_back, written
from analysis.worlds.estimates import world_estimates
from analysis.worlds.figure import save_worlds_figure
from analysis.worlds.found import FoundWorlds
from data_prep.errors import one_line_errors

STUDY = "worlds"
COMMAND = "python -m analysis.worlds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worlds(RunOptions):
    """Why not stated bits? Three simulated worlds that know the same, and say it unlike loudly."""

    scores_suffice: ClassVar[bool] = True


def main(options: Worlds, say: Say = print) -> StudyResult[FoundWorlds]:
    """Simulates the worlds, or takes what was found before, and says what each estimate says."""
    opened = open_run(options)
    folder = opened.run.folder
    kept = study_result(read_results(opened.run), STUDY)
    if kept:
        found = read_back(FoundWorlds, kept, f"{FILE_NAME} of {folder}")
    else:
        found = world_estimates(opened.run.study)
        add_study(opened.run, STUDY, written(found), opened.about)
    figure = save_worlds_figure(found, folder)[0]
    say(worlds_text(found))
    say(f"\nresults: {folder / 'results.json'}   figure: {figure}")
    sentences = tuple(worlds_text(found).splitlines())
    return StudyResult(found=found, folder=folder, sentences=sentences)


run = study_function(Worlds, main, command=COMMAND)


def worlds_text(found: FoundWorlds) -> str:
    """A sentence for each world."""
    level = f"{100 * found.level:g}%"
    lines = [
        f"All three worlds know the same, crossing half of it at layer {found.truth:.1f} "
        f"({found.n_scenes} scenes, {found.n_answers} answers)."
    ]
    for world in found.worlds:
        by_information, by_stated = (
            "no layer"
            if layer is None
            else f"layer {layer.estimate:.1f} ({level} CI {layer.low:.1f} to {layer.high:.1f})"
            for layer in (world.layer, world.stated_layer)
        )
        first, last = world.loudness[0], world.loudness[-1]
        lines.append(
            f"{world.name} loudness (from {first:g} to {last:g}): {by_information} "
            f"by information, {by_stated} by stated bits against shuffled images."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Worlds, command=COMMAND, arguments=sys.argv[1:]))
