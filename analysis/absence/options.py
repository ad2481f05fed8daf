"""The options of the commands that ask about what is absent."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from analysis.absence.questions import chosen_questions
from analysis.commands.options import RunOptions
from data_prep.errors import UserError
from data_prep.option_rules import MOST_SCENES, Within
from data_prep.scene_data import SceneData


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceOptions(RunOptions):
    """What is asked about, and of how many scenes."""

    runs_more: ClassVar[bool] = True

    about: tuple[str, ...] = ("usual",)
    """exist ("Is there a large red cube?"), or an attribute of CLEVR-style scenes whose false
    premises are asked ("What color is the large cube?" where there is none); presence for COCO and
    POPE; usual: exist and color, or presence; all."""
    most: Annotated[int, Within(40, MOST_SCENES)] = 500
    """The most scenes that each is asked of."""

    def require_consistent(self) -> None:
        if self.engine == "ray":
            raise UserError(
                "questions about what is absent are asked by one process, got --engine ray: leave "
                "it out"
            )

    def require_attributes(self, data: SceneData) -> None:
        RunOptions.require_attributes(self, data)
        chosen_questions(data, self.about)
