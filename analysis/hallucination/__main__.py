"""Is it known inside that a thing is not there, from which layer, and is it said?

    python -m analysis.hallucination
    python -m analysis.hallucination --about exist color shape
    python -m analysis.hallucination --model FOLDER --data pope:val2014:coco_pope_random.json

Asks about things that are in the image and things that are not; where scenes are described, so
matched that neither the text nor the scene alone tells which. Measures how well absence, and a
wrong answer, is told by what each layer says, by what the image's tokens say, by attention and by a
linear probe; what holding back the least sure answers gains; and whether stated probabilities mean
what they say. Prints tables and sentences, and writes results.json and a figure per name.
"""

import sys
from dataclasses import dataclass

from analysis.absence.options import AbsenceOptions
from analysis.absence.questions import chosen_questions
from analysis.commands.options import open_run, parse_options
from analysis.hallucination.drawing import PANELS, save_hallucination_figure
from analysis.hallucination.found import Hallucinated
from analysis.hallucination.report import hallucination_text
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, kept_or_measured
from data_prep.errors import one_line_errors

STUDY = "hallucination"
COMMAND = "python -m analysis.hallucination"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hallucination(AbsenceOptions):
    """Is it known inside that a thing is not there, and is it said?"""


def main(options: Hallucination, say: Say = print) -> StudyResult[dict[str, Hallucinated]]:
    """Measures what has not been measured yet, and says what it found."""
    opened = open_run(options)
    folder, every = opened.run.folder, {}
    for name in chosen_questions(opened.data, options.about):
        found = _found(opened, name, options.most)
        figure = save_hallucination_figure(name, found, folder)[0]
        say(hallucination_text(name, found))
        every[name] = found
        say(f"results: {folder / FILE_NAME}   figure: {figure}\n")
    pictures = {
        f"{name}, {what}": picture(draw, each)
        for name, each in every.items()
        for what, draw in PANELS.items()
    }
    return StudyResult(found=every, folder=folder, pictures=pictures)


run = study_function(Hallucination, main, command=COMMAND)


def _found(opened: OpenRun, name: str, most: int) -> Hallucinated:
    """The results of one name: from the run, if as many scenes were asked there, or measured
    now."""

    def measure() -> Hallucinated:
        # Here, because it imports torch.
        from analysis.hallucination.measure import measured_hallucination

        return measured_hallucination(opened, name, most=most)

    return kept_or_measured(
        opened.run, STUDY, name, Hallucinated, same=lambda old: old.most == most, measure=measure,
        about=opened.about,
    )  # fmt: skip


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Hallucination, command=COMMAND, arguments=sys.argv[1:]))
