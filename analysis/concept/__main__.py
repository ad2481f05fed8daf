"""Does a model recognise what kind of image it sees, at which layer, and how sure is that?

    python -m analysis.concept --data images:FUNDUS --contrast OTHERS --words fundus retina eye
    python -m analysis.concept --run RUN --words fundus retina --against photo cat
    python -m analysis.concept --run RUN --words fundus --export --layers 3 7
    python -m analysis.concept --run RUN --words fundus --decode age --table labels.csv

Asks both folders an open question and follows the probability of the concept's words through the
layers: own images against the contrast, both the contrast and a blank image
to be beaten on the plateau.
`--export` writes residuals and labels for a decoder of one's own, `--decode` fits a simple one.
Prints a table and a sentence, and writes results.json, tables of items and figures.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from analysis.commands.model_layers import require_layers_of_model, require_up_to
from analysis.commands.options import RunOptions, open_run, parse_options
from analysis.concept.figures import draw_decoded, save_concept_figure, save_decode_figure
from analysis.concept.found import Asked, FoundConcept
from analysis.concept.report import (
    concept_sentence,
    concept_table,
    decode_sentence,
    decode_table,
)
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.folder import Run
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_study, read_results, study_result
from analysis.typed import read_back, written
from data_prep.attributes import Attribute, stream_key
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import MOST_LAYERS, Filled, Within
from data_prep.photographs.value_column import Kind

if TYPE_CHECKING:
    import pandas as pd

    from analysis.concept.decoded_column import ColumnOfItems

STUDY = "concept"
COMMAND = "python -m analysis.concept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept(RunOptions):
    """Does a model recognise what kind of image it sees, and at which layer?"""

    runs_more: ClassVar[bool] = True

    words: tuple[str, ...] = ()
    """Words for what the own folder shows; their probabilities are added."""
    against: tuple[str, ...] = ()
    """Words to hold them against: the score is then the log-odds, and not log2 p over the whole
    vocabulary."""
    question: Annotated[str, Filled("a text", remedy="write the question")] = (
        "What kind of image is this?"
    )
    """What both folders are asked."""
    export: bool = False
    """Write the residuals of the emergence layer, with labels, into the run's folder export/."""
    layers: Annotated[
        tuple[int, ...], Within(0, MOST_LAYERS, remedy="layers are counted from 0")
    ] = ()
    """With --export: other layers as well."""
    decode: str | None = None
    """A column of the CSV that a decoder is fitted to at every layer, on own images."""
    decode_as: Kind = "auto"
    """What the column holds; auto: numbers, unless they are ten whole ones or fewer."""
    table: Path | None = None
    """The CSV of --decode and --export; default: that of --data images:FOLDER:CSV."""

    def require_consistent(self) -> None:
        if self.layers and not self.export:
            raise UserError("--layers says what --export writes: add --export, or leave it out")
        if self.table is not None and not self.export and self.decode is None:
            raise UserError(
                "--table is the CSV of --decode and --export: add one of them, or leave it out"
            )


def main(options: Concept, say: Say = print) -> StudyResult[FoundConcept]:
    """Asks, or reads what was found before, and says it; then exports and decodes."""
    from analysis.concept.decoded_column import column_of, csv_columns
    from analysis.concept.readings import concept_items, concept_words

    groups = concept_words(options.words, options.against)
    opened = open_run(options)
    items = concept_items(opened)
    run = opened.run
    # Whatever is wrong with the CSV is said before the model works.
    table = options.plan.data, options.table
    columns = csv_columns(*table) if options.export else {}
    chosen = None
    if options.decode is not None:
        chosen = column_of(items, *table, options.decode, options.decode_as)
    asked = Asked(
        words=groups.words["concept"],
        against=groups.words.get("against", ()),
        question=options.question,
    )
    found = _kept(run)
    if found is not None:
        require_up_to(found.layers[-1].layer, options.layers, "--layers")
    else:
        require_layers_of_model(opened, options.layers, "--layers")
    if found is None or found.made_from != asked:
        # What was decoded follows from the question, and not from the words.
        same = found is not None and found.made_from.question == options.question
        decoded = found.decoded if found is not None and same else {}
        found = replace(_recognised(opened, items, groups, asked), decoded=decoded)
        add_study(run, STUDY, written(found), opened.about)
    figure = save_concept_figure(found, run.folder)[0]
    say(concept_table(found))
    say(concept_sentence(found))
    say(f"\nresults: {run.folder / 'results.json'}   figure: {figure}")
    if options.export:
        say(_export(opened, items, found, options, columns))
    if options.decode is not None and chosen is not None:
        found = _decode(opened, items, found, options, options.decode, chosen, say)
    pictures = {name: picture(draw_decoded, each) for name, each in found.decoded.items()}
    return StudyResult(
        found=found,
        folder=run.folder,
        sentences=(concept_sentence(found),),
        pictures=pictures,
    )


run = study_function(Concept, main, command=COMMAND)


def _kept(run: Run) -> FoundConcept | None:
    """What the run's results hold about the concept; None if it was not asked yet."""
    known = study_result(read_results(run), STUDY)
    return read_back(FoundConcept, known, f"{FILE_NAME} of {run.folder}") if known else None


def _recognised(
    opened: OpenRun, items: "pd.DataFrame", groups: Attribute, asked: Asked
) -> FoundConcept:
    from analysis.concept.estimates import concept_results, concept_rows
    from analysis.concept.readings import concept_readings

    readings = concept_readings(opened, items, asked.question, groups)
    opened.run.study.require_layers(readings.score.shape[1] - 1)
    opened.run.replace_rows("concept_scores", concept_rows(readings), key=["attribute"])
    # The draws are the concept's own: two sets of words are two tests.
    key = stream_key(" ".join([*asked.words, asked.question]))
    return concept_results(readings, opened.run.study, key=key, asked=asked)


def _export(
    opened: OpenRun,
    items: "pd.DataFrame",
    found: FoundConcept,
    options: Concept,
    columns: Mapping[str, Mapping[str, str]],
) -> str:
    from analysis.concept.export import export_residuals, exported_layers
    from analysis.concept.readings import concept_residuals, concept_words

    layers = exported_layers(found, options.layers)
    groups = concept_words(options.words, options.against)
    rows, _ = concept_residuals(opened, items, options.question, groups)
    files = export_residuals(opened.run, rows, items, options.question, layers, columns)
    said = ", ".join(map(str, layers))
    return f"exported: layers {said} of {len(items)} images to {files[0].parent}"


def _decode(
    opened: OpenRun,
    items: "pd.DataFrame",
    found: FoundConcept,
    options: Concept,
    column: str,
    chosen: "ColumnOfItems",
    say: Say,
) -> FoundConcept:
    from analysis.concept.decode import decode_results, decode_rows
    from analysis.concept.decoded_column import asked_of
    from analysis.concept.readings import concept_residuals, concept_words

    run, one = opened.run, found.decoded.get(column)
    if one is None or one.made_from != asked_of(chosen):
        groups = concept_words(options.words, options.against)
        rows, _ = concept_residuals(opened, items, options.question, groups)
        residuals = rows.select(chosen.rows).read()
        one, decoded = decode_results(residuals, chosen, run.study, key=stream_key(column))
        table = decode_rows(chosen.items, column, chosen.names, decoded)
        run.replace_rows("decode_scores", table, key=["attribute", "column"])
        found = replace(found, decoded={**found.decoded, column: one})
        add_study(run, STUDY, written(found), opened.about)
    figure = save_decode_figure(column, one, run.folder)[0]
    say(decode_table(column, one))
    say(decode_sentence(column, one))
    say(f"\nresults: {run.folder / 'results.json'}   figure: {figure}")
    return found


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Concept, command=COMMAND, arguments=sys.argv[1:]))
