"""Single items to look at: what each layer would say, token by token.

    python -m analysis.examples
    python -m analysis.examples --items 5 --tokens 10

Draws items at random from a run and writes their most probable tokens by layer, under the logit
lens, into results.json, with their images beside it. Examples carry no evidence: they show what
the curves are means of.
"""

import io
import sys
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from analysis.capture.token_texts import token_texts
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.examples.found import Example, ExampleLayer, FoundExamples, MadeFrom
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.readouts.readings import take_readings
from analysis.readouts.registry import LOGIT_LENS
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_study, read_results, study_result
from analysis.streams import Stream
from analysis.typed import read_back, written
from data_prep.attributes import stream_key
from data_prep.errors import UserError, one_line_errors
from data_prep.files.durable import write_durably
from data_prep.option_rules import MOST_TOKENS, Within

STUDY = "examples"
COMMAND = "python -m analysis.examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples(AttributeOptions):
    """Single items: their most probable tokens by layer."""

    items: Annotated[int, Within(1, 10_000)] = 1
    """Items of each attribute, drawn at random."""
    tokens: Annotated[int, Within(1, MOST_TOKENS)] = 5
    """Most probable tokens at each layer."""


def main(options: Examples, say: Say = print) -> StudyResult[FoundExamples]:
    """Reads the items, or what was read before, and says them."""
    opened = open_run(options)
    names = options.attributes(opened.data)
    asked = MadeFrom(attributes=tuple(names), n_items=options.items, n_tokens=options.tokens)
    known = study_result(read_results(opened.run), STUDY)
    where = f"{FILE_NAME} of {opened.run.folder}"
    found = read_back(FoundExamples, known, where) if known else None
    if found is None or found.made_from != asked:
        items = [item for name in names for item in _items(opened, name, options)]
        found = FoundExamples(items=tuple(items), made_from=asked)
        add_study(opened.run, STUDY, written(found), opened.about)
    for item in found.items:
        say(_shown(item))
    say(f"results: {opened.run.folder / 'results.json'}")
    return StudyResult(found=found, folder=opened.run.folder)


run = study_function(Examples, main, command=COMMAND)


def _items(opened: OpenRun, name: str, options: Examples) -> list[Example]:
    from analysis.capture.output_map import output_map
    from analysis.capture.residuals import capture_residuals
    from probes.logit_lens import lens_summaries

    readings = take_readings(opened, name, LOGIT_LENS.name)
    table = readings.items
    rng = opened.run.study.rng(Stream.EXAMPLES, stream_key(name))
    chosen = np.sort(rng.choice(len(table), min(options.items, len(table)), replace=False))
    residuals = capture_residuals(opened, table).real.select(chosen.tolist()).read()
    unembedding = output_map(opened)
    said = lens_summaries(residuals, unembedding, k=options.tokens)
    names = token_texts(opened, unembedding.n_vocab)
    items = []
    for place, row in enumerate(chosen.tolist()):
        own = np.exp2(readings.real[row, :, readings.answer_index[row]])
        layers = []
        for layer in range(len(own)):
            tokens = names.of(said.token_ids[place, layer].tolist())
            top = zip(tokens, map(float, said.probabilities[place, layer]), strict=True)
            layers.append(
                ExampleLayer(layer=layer, top=tuple(top), answer_probability=float(own[layer]))
            )
        item = table.iloc[row]
        items.append(
            Example(
                item_id=str(item["item_id"]),
                question=str(item["question"]),
                answer=str(item["answer"]),
                image=_kept_image(opened, str(item["image"]), f"{name}-{place}"),
                layers=tuple(layers),
            )
        )
    return items


def _kept_image(opened: OpenRun, key: str, name: str) -> str:
    """Writes the image into the run; gives the name of its file there."""
    folder = opened.run.folder / "examples"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    stream = io.BytesIO()
    opened.data.open_image(key).save(stream, format="PNG")
    write_durably(folder / f"{name}.png", stream.getvalue())
    return f"examples/{name}.png"


def _shown(item: Example) -> str:
    from analysis.drawing.token_labels import printed_token

    lines = [f"{item.item_id}: {item.question!r} -> {item.answer}"]
    for row in item.layers:
        shown = (f"{printed_token(name)} {probability:.2f}" for name, probability in row.top)
        top = "  ".join(shown)
        lines.append(f"  layer {row.layer:2d}  p(answer) {row.answer_probability:.2f}  {top}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Examples, command=COMMAND, arguments=sys.argv[1:]))
