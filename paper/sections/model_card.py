"""Appendix: how well the bundled model answers, from the card that comes with it."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from paper.evidence.record import RunRecord
from paper.output.floats import Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\section{Model card}\label{sec:\run:model-card}
The bundled model is a model organism: a real LLaVA, small enough to be trained and read on a
laptop, that answers questions about rendered scenes and knows nothing else. Its vision tower was
trained on the labels of patches, then its projector on naming what a patch shows, then projector
and language model on questions, answers and captions, with the tower as it was; the scenes of the
evaluation were rendered with a seed of their own. \tabref{model-card} gives its accuracy. Read the
layers of this paper beside it: an attribute that the model gets wrong has less to emerge.

\placetable{model-card}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in _card().splitlines() if line.startswith("|")]  # fmt: skip
    header, body = rows[0], [row for row in rows[1:] if not row[0].startswith("-")]
    yield Table(
        name="model-card",
        caption=(
            "Accuracy of the bundled model on held-out scenes, by kind of question, number of "
            "objects and attribute: share of greedy answers over the whole vocabulary that are "
            "right, with intervals over scenes."
        ),
        frame=grouped([dict(zip(header, row, strict=True)) for row in body]),
        align="lllrlrr",
    )


@cache
def _card() -> str:
    # A file beside the model, not the package: nothing of it is imported.
    card = files("probes").joinpath("bundled", "model", "README.md")
    return card.read_text(encoding="utf-8")


SECTION = Section(
    name="model_card",
    place=20,
    part="appendix",
    made_by="",
    holds=lambda record: record.results.model == "bundled",
    text=_text,
    tables=_tables,
)
