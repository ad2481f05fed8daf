"""Makes the data of a study from a table of scores: there are items and answers, and no images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError
from data_prep.given_scores.scores import GivenScores, given_scores
from data_prep.given_scores.table_file import read_scores_file
from data_prep.questions import Question
from data_prep.scene_data import SceneData

KIND = "scores"
SCORES_ONLY = (
    "this run holds scores only, and this needs the model or the images: do it in a run of a model "
    "that is here (--model, --data)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AskedElsewhere:
    """Stands for the questions of a table of scores: they were asked by whoever made it."""

    attributes: Mapping[str, Attribute]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def usual(self) -> tuple[str, ...]:
        return tuple(self.attributes)

    def offers(self, scene: Any, name: str, questions: str) -> tuple[Question, ...]:
        return ()

    def why_not(self, scene: Any, name: str, questions: str) -> str:
        return "only scores are here"

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        return "add rows about it to the table of scores"


def open_scores_file(file: Path, *, limit: int | None = None) -> SceneData:
    """The data of a table of scores in a Parquet or CSV file. UserError for any fault of it."""
    return scores_data(given_scores(read_scores_file(file), file.name, limit=limit))


def scores_data(given: GivenScores) -> SceneData:
    """The data of a study that rests on scores from elsewhere."""
    attributes = {
        name: attribute_of(name, {answer: (answer,) for answer in answers})
        for name, answers in given.answers.items()
    }
    return SceneData(
        scenes=(),
        asking=_AskedElsewhere(attributes=attributes),
        open_image=_no_image,
        image_size=_no_image,
        name=f"{KIND}:{given.source}",
        fingerprint=given.fingerprint,
        scores=given,
    )


def are_scores(spec: str) -> bool:
    """Whether the name of some data is that of a table of scores.

    >>> are_scores("scores:captured.parquet"), are_scores("bundled")
    (True, False)
    """
    return spec.partition(":")[0] == KIND


def _no_image(key: str) -> NoReturn:
    raise UserError(SCORES_ONLY)
