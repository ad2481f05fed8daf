"""What can a linear probe read at each layer, and is it the residual stream or the probe?

    python -m analysis.probes --attr shape
    python -m analysis.probes --attr shape --position object
    python -m analysis.probes --attr all --model FOLDER --data clevr:FOLDER:val

Fits probes cross-fitted by scene, with control task, description length and baselines; shares
the run folder, items and residuals with analysis.emergence. Prints a table per attribute and
writes results.json, probe_scores.parquet, the probes themselves and a figure per attribute.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Picture, Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.probes.figure import draw_accuracy, draw_selectivity, save_probe_figure
from analysis.probes.found import Probed
from analysis.probes.report import probe_rows, probe_table
from analysis.readouts.readings import take_readings
from analysis.readouts.registry import LINEAR_PROBE
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_part, read_results, study_result
from analysis.streams import Stream
from analysis.typed import read_back, written
from data_prep.attributes import stream_key
from data_prep.errors import one_line_errors
from data_prep.terminal.progress import Progress

if TYPE_CHECKING:
    from analysis.capture.residuals import PositionName

STUDY = "probes"
COMMAND = "python -m analysis.probes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes(AttributeOptions):
    """What can a linear probe read at each layer, and is it the residual stream or the probe?"""

    position: Literal["answer", "question", "image", "object"] = "answer"
    """Where the residual stream is read: at the answer position, at the last token of the question
    (before what the prompt writes after it), as the mean over all image tokens, or as the mean over
    those that show the object which is asked about."""

    def captures(self, opened: OpenRun) -> "tuple[tuple[str, PositionName], ...]":
        return tuple((name, self.position) for name in self.attributes(opened.data))


def main(options: Probes, say: Say = print) -> StudyResult[dict[str, Probed]]:
    """Fits what is not fitted yet, and says what it found of each attribute."""
    opened = open_run(options)
    names = options.attributes(opened.data)
    run, position = opened.run, options.position
    study = study_result(read_results(run), STUDY)
    known = study.get(position, {})
    every: dict[str, Probed] = {}
    for name in names:
        if name in known:
            found = read_back(Probed, known[name], f"{FILE_NAME} of {run.folder}")
        else:
            found = _measure(opened, name, position)
            add_part(run, STUDY, [position, name], written(found), opened.about)
        figure = save_probe_figure(name, found, run.folder, position)[0]
        say(probe_table(name, found, position))
        say(f"results: {run.folder / 'results.json'}   figure: {figure}\n")
        every[name] = found
    pictures: dict[str, Picture] = {}
    for name, found in every.items():
        pictures[f"accuracy, {name}"] = picture(draw_accuracy, found)
        pictures[f"selectivity, {name}"] = picture(draw_selectivity, found)
    return StudyResult(
        found=every, folder=run.folder, rows=probe_rows(every, position), pictures=pictures
    )


run = study_function(Probes, main, command=COMMAND)


def _measure(opened: OpenRun, name: str, position: "PositionName") -> Probed:
    # Here, because these import torch.

    from analysis.capture.residuals import capture_residuals
    from analysis.effects.effect import item_information
    from analysis.probes.comparisons import comparisons
    from analysis.probes.estimates import probe_results, score_rows
    from analysis.run.items import item_notes
    from probes.linear_probe import DescriptionLength, by_layers, online_code
    from probes.scores import item_scores

    run = opened.run
    readings = take_readings(opened, name, LINEAR_PROBE.name, position=position)
    residuals = capture_residuals(opened, readings.items, position)
    scores = item_scores(readings.real, readings.answer_index)
    told = item_information(
        readings.real,
        readings.answer_index,
        readings.items["scene_id"].to_numpy(dtype=str),
        rng=run.study.rng(Stream.PROBE_INFORMATION, stream_key(name)),
    )
    left_out = list(item_notes(readings.items))
    each = comparisons(opened, readings, residuals, position, left_out=left_out)
    compared = list(Progress(each, what=f"probes {name}", unit="baseline"))
    length = by_layers(
        residuals.real,
        # With a generator of its own for each part: all parts send the same orders.
        lambda part, _: online_code(
            part,
            readings.answer_index,
            scenes=readings.items["scene_id"].tolist(),
            answers=readings.answers,
            rng=run.study.rng(Stream.PROBE_CODE, stream_key(name)),
        ),
        DescriptionLength.joined,
    )
    rows = score_rows(readings, scores, told, compared).assign(position=position)
    run.replace_rows("probe_scores", rows, key=["attribute", "position"])
    return probe_results(readings, scores, told, compared, length, run.study, left_out=left_out)


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Probes, command=COMMAND, arguments=sys.argv[1:]))
