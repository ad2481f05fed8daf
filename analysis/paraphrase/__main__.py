"""How much of a layer is the wording of the question, and where would another wording put it?

    python -m analysis.paraphrase
    python -m analysis.paraphrase --attr color --paraphrases my-words.toml

Asks the items of a run again in other words, each wording with its blank and shuffled images, and
takes the wording as a random effect: the spread of layers over wordings beside what the scenes
leave uncertain, and an interval for a wording that was not asked. The file holds a list for each
attribute, at least two texts beside the question as asked:

    color = ["What is the color of the {thing}?", "Which {attribute} does the {thing} have?"]
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.paraphrase.asking import asked_items, wording_readings, wordings_of
from analysis.paraphrase.drawing import save_wordings_figure
from analysis.paraphrase.estimates import paraphrase_estimates
from analysis.paraphrase.found import Paraphrased
from analysis.paraphrase.report import wordings_sentence, wordings_table
from analysis.readouts.registry import LOGIT_LENS, VocabularyName
from analysis.run.opened import OpenRun
from analysis.run.results import kept_or_measured
from data_prep.errors import one_line_errors

STUDY = "paraphrase"
COMMAND = "python -m analysis.paraphrase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paraphrase(AttributeOptions):
    """How much of a layer is the wording of the question?"""

    runs_more: ClassVar[bool] = True

    paraphrases: Path | None = None
    """TOML file with a list of texts for each attribute, in which {attribute} stands for what is
    asked, {thing} for the object of a referring question, {category} for that of presence; default:
    five built-in ones, for CLEVR's attributes and presence."""
    readout: VocabularyName = LOGIT_LENS.name
    """By which readout; a linear probe would have to be fitted to every wording."""


def main(options: Paraphrase, say: Say = print) -> StudyResult[dict[str, Paraphrased]]:
    """Asks in every wording what has not been asked yet, and says what it found."""
    opened = open_run(options)
    for name in options.attributes(opened.data):  # before the model works for the first
        wordings_of(asked_items(opened, name), options.paraphrases)
    found = {name: _found(opened, name, options) for name in options.attributes(opened.data)}
    folder = opened.run.folder
    figure = save_wordings_figure(found, folder)[0]
    for name, each in found.items():
        say(wordings_table(name, each))
    say("\n".join(wordings_sentence(name, each) for name, each in found.items()))
    say(f"\nresults: {folder / 'results.json'}   figure: {figure}")
    sentences = tuple(wordings_sentence(name, each) for name, each in found.items())
    return StudyResult(found=found, folder=folder, sentences=sentences)


run = study_function(Paraphrase, main, command=COMMAND)


def _found(opened: OpenRun, name: str, options: Paraphrase) -> Paraphrased:
    """The results of one attribute: from the run, if the same was asked there, or asked and
    estimated now."""
    items = asked_items(opened, name)
    wordings = wordings_of(items, options.paraphrases)

    def same(old: Paraphrased) -> bool:
        asked = tuple(each.pattern for each in old.wordings[1:])
        return (old.readout, asked) == (options.readout, wordings.patterns)

    def measure() -> Paraphrased:
        readings = wording_readings(opened, items, wordings.patterns, options.readout)
        return paraphrase_estimates(
            readings,
            wordings.patterns,
            opened.run.study,
            readout=options.readout,
            source=wordings.source,
        )

    return kept_or_measured(
        opened.run, STUDY, name, Paraphrased, same=same, measure=measure, about=opened.about
    )


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Paraphrase, command=COMMAND, arguments=sys.argv[1:]))
