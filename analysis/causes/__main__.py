"""Is what is readable also used? Where an answer comes from, and through which layers it goes.

    python -m analysis.causes --attr color
    python -m analysis.causes --attr color shape material --quick
    python -m analysis.causes --attr label --model FOLDER --data images:FOLDER

Takes pairs of images that the same question has two answers for, puts rows of one image's pass into
the other's, and measures how much of the difference in the answer moves with them: at the image's
positions, the object's, the question's and the answer's, at every layer. Says from which layer the
answer is readable, until which it is taken from the image, and from which it is carried at the
answer position; with controls that must move nothing. Prints tables and sentences, and writes
results.json and a figure per attribute.
"""

import sys
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from analysis.causes.drawing import PANELS, save_causes_figure
from analysis.causes.found import Asked, Caused
from analysis.causes.report import causes_text
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, kept_or_measured
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import MOST_SCENES, Between, Within

STUDY = "causes"
COMMAND = "python -m analysis.causes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes(AttributeOptions):
    """Is what is readable also used, and from where?"""

    runs_more: ClassVar[bool] = True

    pairs: Literal["auto", "minimal", "matched"] = "auto"
    """minimal: the same scene with one attribute of one object changed (bundled data, and what
    python -m data_prep.render --pairs renders); matched: two scenes that the same text is asked of,
    for any data; auto: minimal where the data has such pairs."""
    most: Annotated[int, Within(10, MOST_SCENES)] = 200
    """The most pairs of an attribute that are taken."""
    quick: bool = False
    """At most 44 pairs, and 12 for the controls with many passes."""
    nothing: Annotated[float, Between(0, 0.5, remedy="0.1 is usual")] = 0.1
    """The share of the total effect that counts as nothing."""

    @property
    def judges(self) -> bool:
        return self.pairs == "matched"  # minimal pairs are no items of the run

    def require_consistent(self) -> None:
        if self.engine == "ray":
            raise UserError("causes are measured by one process, got --engine ray: leave it out")


def main(options: Causes, say: Say = print) -> StudyResult[dict[str, Caused]]:
    """Measures what has not been measured yet, and says what it found."""
    opened = open_run(options)
    found = {name: _found(opened, name, options) for name in options.attributes(opened.data)}
    folder = opened.run.folder
    for name, each in found.items():
        figure = save_causes_figure(name, each, folder)[0]
        say(causes_text(name, each))
        say(f"results: {folder / FILE_NAME}   figure: {figure}\n")
    pictures = {
        f"{name}, {what}": picture(draw, each)
        for name, each in found.items()
        for what, draw in PANELS.items()
    }
    return StudyResult(found=found, folder=folder, pictures=pictures)


run = study_function(Causes, main, command=COMMAND)


def _found(opened: OpenRun, name: str, options: Causes) -> Caused:
    """The causes of one attribute: from the run, if the same was asked there, or measured now."""
    asked = Asked(
        pairs=options.pairs, most=options.most, quick=options.quick, margin=options.nothing
    )

    def measure() -> Caused:
        # Here, because it imports torch.
        from analysis.causes.measure import measured_causes

        return measured_causes(opened, name, asked)

    return kept_or_measured(
        opened.run, STUDY, name, Caused, same=lambda old: old.asked == asked, measure=measure,
        about=opened.about,
    )  # fmt: skip


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Causes, command=COMMAND, arguments=sys.argv[1:]))
