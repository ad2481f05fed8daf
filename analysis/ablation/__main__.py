"""Does the answer need the image tokens that show the object, or any as many?

    python -m analysis.ablation --attr color
    python -m analysis.ablation --study llava-1.5-7b-coco-ablation

The ablation of Neo et al. (2024, arXiv:2410.07149): the tokens that show an object are set to the
mean row of other images, and right answers are counted. Beside them, scene by scene, as many tokens
of the largest norm (register-like) and as many elsewhere in the image, drawn ten times; and a
paired test, which that study did not have. For rendered scenes, and for COCO's object, animal and
presence, whose boxes it knows.
"""

import sys
from dataclasses import dataclass
from typing import Annotated, ClassVar

from analysis.ablation.found import FoundAblation
from analysis.ablation.report import ablation_text
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, kept_or_measured
from data_prep.errors import one_line_errors
from data_prep.option_rules import MOST_LAYERS, Within

STUDY = "ablation"
COMMAND = "python -m analysis.ablation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation(AttributeOptions):
    """Does the answer need the image tokens that show the object?"""

    runs_more: ClassVar[bool] = True

    layer: Annotated[int, Within(0, MOST_LAYERS)] = 0
    """The layer at which tokens are ablated; 0: what enters the decoder."""


def main(options: Ablation, say: Say = print) -> StudyResult[dict[str, FoundAblation]]:
    """Ablates what has not been ablated yet, and says what it found."""
    opened = open_run(options)
    found: dict[str, FoundAblation] = {}
    for name in options.attributes(opened.data):
        found[name] = _found(opened, name, options.layer)
        say(ablation_text(name, found[name]))
    say(f"\nresults: {opened.run.folder / FILE_NAME}")
    return StudyResult(found=found, folder=opened.run.folder)


run = study_function(Ablation, main, command=COMMAND)


def _found(opened: OpenRun, name: str, layer: int) -> FoundAblation:
    def measure() -> FoundAblation:
        # Here, because it imports torch.
        from analysis.ablation.measure import measured_ablation

        return measured_ablation(opened, name, layer=layer)

    return kept_or_measured(
        opened.run, STUDY, name, FoundAblation, same=lambda old: old.layer == layer,
        measure=measure, about=opened.about,
    )  # fmt: skip


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Ablation, command=COMMAND, arguments=sys.argv[1:]))
