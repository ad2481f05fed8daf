"""What helps against hallucination without training: discrimination, or only another threshold?

    python -m analysis.mitigation
    python -m analysis.mitigation --about exist color material
    python -m analysis.mitigation --model FOLDER --data coco:FOLDER

Runs methods of the literature on the same questions, all greedily: contrasts with other passes,
with earlier layers, changes inside the pass, prompts, abstention by a probe, and placebos. Each is
tuned on a third of the scenes and judged on the others, against greedy answers and against greedy
answers whose threshold is moved until as many are yes. Prints tables and sentences, and writes
results.json and a figure.
"""

import sys
from dataclasses import dataclass

from analysis.absence.options import AbsenceOptions
from analysis.absence.questions import chosen_questions
from analysis.commands.options import open_run, parse_options
from analysis.mitigation.drawing import PANELS, save_mitigation_figure
from analysis.mitigation.found import Mitigated
from analysis.mitigation.report import mitigation_rows, mitigation_text
from analysis.mitigation.wording import sentences
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, kept_or_measured
from data_prep.absence.existence import EXIST
from data_prep.errors import UserError, one_line_errors
from data_prep.photographs.labels import PRESENCE
from data_prep.scene_data import SceneData

STUDY = "mitigation"
COMMAND = "python -m analysis.mitigation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigation(AbsenceOptions):
    """What helps against hallucination, and what only moves the threshold?"""

    def require_attributes(self, data: SceneData) -> None:
        AbsenceOptions.require_attributes(self, data)
        self.main(data)

    def main(self, data: SceneData) -> str:
        """The questions of yes and no on which methods are tuned. UserError if there are none."""
        for name in chosen_questions(data, self.about):
            if name in (EXIST, PRESENCE):
                return name
        raise UserError(
            "methods are tuned on questions of yes and no, got --about "
            f"{' '.join(self.about)}: ask about {EXIST} or {PRESENCE}, too"
        )


def main(options: Mitigation, say: Say = print) -> StudyResult[Mitigated]:
    """Measures what has not been measured yet, and says what it found."""
    opened = open_run(options)
    name = options.main(opened.data)
    every = chosen_questions(opened.data, options.about)
    found = _found(opened, name, tuple(each for each in every if each != name), options.most)
    folder = opened.run.folder
    figure = save_mitigation_figure(name, found, folder)[0]
    say(mitigation_text(name, found))
    say(f"results: {folder / FILE_NAME}   figure: {figure}")
    return StudyResult(
        found=found,
        folder=folder,
        rows=mitigation_rows(found),
        sentences=tuple(sentences(name, found)),
        pictures={what: picture(draw, found) for what, draw in PANELS.items()},
    )


run = study_function(Mitigation, main, command=COMMAND)


def _found(opened: OpenRun, name: str, premises: tuple[str, ...], most: int) -> Mitigated:
    """The results of the run, if the same was asked there, or measured now."""

    def same(old: Mitigated) -> bool:
        return (old.most, old.premises) == (most, premises)

    def measure() -> Mitigated:
        # Here, because it imports torch.
        from analysis.mitigation.measure import measured_mitigation

        return measured_mitigation(opened, name, premises, most=most)

    return kept_or_measured(
        opened.run, STUDY, name, Mitigated, same=same, measure=measure, about=opened.about
    )


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Mitigation, command=COMMAND, arguments=sys.argv[1:]))
