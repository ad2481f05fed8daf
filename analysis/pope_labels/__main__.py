"""How many labels of a benchmark do its corrected labels change?

    python -m analysis.pope_labels \
        --pope coco_pope_random.json coco_pope_popular.json coco_pope_adversarial.json \
        --corrected coco_repope_random.json coco_repope_popular.json coco_repope_adversarial.json

Reads files in the form of POPE and of RePOPE (`data_prep.absence.pope`), prints two tables and what
may be said, and writes nothing. The three files of POPE ask the same questions whose label is yes,
and share some whose label is no. So the same label may count three times, and an interval that
takes every line for a question of its own is too narrow. Here the image is the unit.

Of the files as published, 9.27% of yes and 1.71% of no are changed (Neuhaus & Hein 2025,
arXiv:2504.15707). These are shares of every line, ambiguous ones included.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from analysis.pope_labels.labels import changed_labels
from analysis.pope_labels.reading import read_labels
from analysis.pope_labels.report import labels_text
from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from data_prep.option_rules import Between, Filled, require_rules

COMMAND = "python -m analysis.pope_labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class PopeLabels:
    """How many labels of a benchmark do its corrected labels change?"""

    pope: Annotated[tuple[Path, ...], Filled("at least one file")]
    """Files of questions in POPE's form."""
    corrected: Annotated[tuple[Path, ...], Filled("at least one file")]
    """Files of corrected labels for the same questions, as RePOPE has them, in the same order."""
    level: Annotated[float, Between(0, 1, remedy="0.95 is usual")] = 0.95
    """Level of the intervals."""

    def __post_init__(self) -> None:
        require_rules(self, typed=True)


def main(options: PopeLabels) -> None:
    """Reads the files, counts and prints."""
    labels = read_labels(options.pope, options.corrected)
    print(labels_text(changed_labels(labels, level=options.level)))


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(PopeLabels, command=COMMAND, arguments=sys.argv[1:]))
