"""Single items to look at: the image, the question, and the answer that each layer would give."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.examples.found import Example, FoundExamples
from data_prep.errors import UserError
from data_prep.files.image_file import UnreadableImageError
from data_prep.files.images import rendered_rgb
from paper.drawing.example_grid import draw_image, draw_top_tokens
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure
from paper.sections.section import Section

_TEXT = r"""
\subsection{Examples}\label{sec:\run:examples}
Curves are means; single items show what they are means of. The figures below give \val{examples.n}
with the most probable tokens of the whole vocabulary at each layer, or at some of many. They were
not chosen by their looks, and they carry no evidence: what holds for scenes at large stands in the
sections above.
"""


def _items(record: RunRecord) -> Sequence[Example]:
    found = record.found("examples", FoundExamples)
    return () if found is None else found.items


def _text(record: RunRecord) -> str:
    items = _items(record)
    places = "".join(rf"\placefigure{{example-{place}}}" + "\n" for place in _letters(len(items)))
    return f"{_TEXT}\n{places}"


def _letters(n_items: int) -> str:
    """One letter per figure, such as "abc" for three items. At most the first twelve items are
    shown, to keep the paper short."""
    return "abcdefghijkl"[:n_items]


def _values(record: RunRecord) -> Iterator[Value]:
    n_items = len(_letters(len(_items(record))))
    text = f"{n_items} items" if n_items > 1 else "one item"
    yield Value(key="examples.n", text=text, where="studies/examples/items")


def _figures(record: RunRecord) -> Iterator[Figure]:
    items = _items(record)
    for place, item in zip(_letters(len(items)), items, strict=False):
        yield _figure(record, place, item)


def _figure(record: RunRecord, place: str, item: Example) -> Figure:
    image = _image(record, item.image)

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2, width_ratios=(1, 3.1))
        draw_image(left, image, f"answer: {item.answer}")
        draw_top_tokens(right, item.layers)

    n_rows = min(len(item.layers), 12)
    return Figure(
        name=f"example-{place}",
        title="Most probable tokens by layer",
        caption=(
            f"\u201c{item.question}\u201d One item ({item.item_id}), logit lens: the most "
            "probable tokens of the whole vocabulary by layer, darker with probability, and the "
            "probability of the right answer within its answer set. A dot stands for a "
            "space; a single scene has no interval and no level."
        ),
        size=(TEXT_WIDTH_IN, 0.7 + 0.17 * n_rows),
        draw=draw,
        holds_images=True,
    )


def _image(record: RunRecord, name: str) -> np.ndarray:
    """An image of the run as an array. UserError if its file lies outside of the run's folder or is
    not an image."""
    path = (record.folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(record.folder.resolve()):
        raise UserError(
            f"the image {name!r} of an example lies outside its run {record.folder}: run the study "
            "examples again"
        )
    try:
        return np.asarray(rendered_rgb(lambda: path.open("rb"), name))
    except UnreadableImageError as error:
        raise UserError(
            f"cannot read the example image {path} ({error.reason}): run examples again"
        ) from error


SECTION = Section(
    name="examples",
    place=70,
    made_by="python -m analysis.examples --run {run}",
    holds=lambda record: bool(_items(record)),
    text=_text,
    values=_values,
    figures=_figures,
)
