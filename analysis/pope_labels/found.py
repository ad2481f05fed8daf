"""How many labels were changed, as a result that keeps its type."""

from typing import Annotated, Literal

from pydantic import Field

from analysis.effects.found import Interval
from analysis.typed import result

Label = Literal["yes", "no"]
Count = Annotated[int, Field(ge=0)]


@result
class ChangedShare:
    """The share of some labels that was changed, with two intervals: one that is right, and one
    that is not."""

    counted: float
    """Labels that were changed, divided by all of these labels."""
    over_images: Interval
    """Mean over images of each image's own share. Images are the units that were sampled, so this
    interval is valid whatever the labels of an image have in common. The mean is `counted` where
    all images have equally many of these labels."""
    as_independent: Interval
    """`counted` with the interval that it had if each label were drawn and judged on its own."""
    worth: float
    """How many independent labels would leave the mean over images as uncertain as it is."""
    n_labels: Count
    n_images: Annotated[int, Field(ge=2)]

    @property
    def too_narrow_by(self) -> float:
        """How many times as wide as that of independent labels the interval over images is."""
        right, wrong = self.over_images, self.as_independent
        return (right.high - right.low) / (wrong.high - wrong.low)


@result
class Changed:
    """What became of all labels yes, or of all labels no, in one file or in several."""

    where: str
    """Name of the file, or words for several files."""
    label: Label
    """The label before it was corrected."""
    n_ambiguous: Count
    """Labels whose question was judged ambiguous. They are left out of the corrected file."""
    n_changed: Count
    """Labels that became the other one."""
    of_all: ChangedShare
    """Share of all labels; an ambiguous one counts as not changed."""
    of_judged: ChangedShare | None
    """Share of the labels that are not ambiguous; None where fewer than 2 images have one."""


@result
class ChangedLabels:
    """How many labels were changed in each file, over all files, and of distinct questions."""

    level: float
    """Level of all intervals."""
    files: tuple[Changed, ...]
    """Yes and no of each file."""
    lines: tuple[Changed, ...]
    """Yes and no over all files, every line counted: a question that stands in three files counts
    three times."""
    distinct: tuple[Changed, ...]
    """Yes and no over all files, each question about an image counted once."""

    @property
    def rows(self) -> tuple[Changed, ...]:
        """All that is to be shown. A single file is not shown again as all files."""
        return self.files if len(self.files) == len(self.lines) else (
            *self.files, *self.lines, *self.distinct
        )  # fmt: skip
