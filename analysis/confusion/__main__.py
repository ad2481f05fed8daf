"""Which word does a model mean: a cube or a square, metal or silver, and from which layer on?

    python -m analysis.confusion --attr shape
    python -m analysis.confusion --attr shape --words cube=square,box sphere=circle --say-3d

Follows words that compete with the right one through the layers, in a run that it shares with
analysis.emergence: how probable each is, from which layer on the competing one is the likelier,
whether that is the image's doing or would be so under another image, how often an answer that was
right at some layer ends as the competing one, and which answers are taken for which. `--say-3d`
asks the same again with "3D" in the question, which needs the model. Prints tables and sentences
per attribute, and writes results.json, two tables of items and three figures.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import pandas as pd

from analysis.commands.model_layers import require_layers_of_model, require_up_to
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.confusion.figures import save_confusion_figures
from analysis.confusion.found import Asked, Confused, OtherWording
from analysis.confusion.report import confusion_sentences, confusion_table
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.readouts.readings import take_readings
from analysis.readouts.registry import LOGIT_LENS
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_part, read_results, study_result
from analysis.streams import Stream
from analysis.typed import read_back, written
from data_prep.attributes import Attribute, stream_key
from data_prep.command_line import NamedTexts
from data_prep.competing_words import competition, default_words, words_of
from data_prep.errors import UserError, one_line_errors
from data_prep.items import attribute_of_items
from data_prep.option_rules import MOST_LAYERS, Within
from stats.scenes import scene_rows

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from analysis.confusion.rivals import Rivals
    from analysis.readouts.word_readings import WordReadings

STUDY = "confusion"
COMMAND = "python -m analysis.confusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion(AttributeOptions):
    """Which word does a model mean, and from which layer on?"""

    runs_more: ClassVar[bool] = True

    words: NamedTexts = field(default_factory=dict)
    """Competing words by answer, in place of the built-in ones of that answer's attribute:
    --words cube=square,box. The first of each answer is the one that is compared throughout."""
    say_3d: bool = False
    """Ask once more with "3D" before the attribute's name ("What 3D shape is the red thing?"), and
    compare."""
    margin_bits: Annotated[float, Within(1e-6, 1000)] = 0.5
    """With --say-3d: least difference of log-odds that matters, in bits; "no difference" is said
    where all that is larger can be ruled out."""
    layers: Annotated[
        tuple[int, ...], Within(0, MOST_LAYERS, remedy="layers are counted from 0")
    ] = ()
    """Layers whose confusions are drawn; default: five, first and last among them."""


def main(options: Confusion, say: Say = print) -> StudyResult[dict[str, Confused]]:
    """Follows the words through the layers, or reads what was found before, and says it."""
    named = {answer: words_of(text) for answer, text in options.words.items()}
    opened = open_run(options)
    near = _near_words(opened, options.attributes(opened.data), named)
    folder, every = opened.run.folder, {}
    for name, words in near.items():
        asked = Asked(
            words=words,
            say_3d=options.say_3d,
            margin_bits=options.margin_bits if options.say_3d else None,
        )
        found = _found(opened, name, asked, options.layers)
        require_up_to(len(found.matrix.layers) - 1, options.layers, "--layers")
        figures = save_confusion_figures(name, found, folder, options.layers)
        every[name] = found
        say(confusion_table(name, found))
        say("\n".join(confusion_sentences(name, found)))
        drawn = ", ".join(str(each) for each in figures if each.suffix == ".pdf")
        say(f"\nresults: {folder / FILE_NAME}   figures: {drawn}")
    return StudyResult(found=every, folder=folder)


run = study_function(Confusion, main, command=COMMAND)


def _near_words(
    opened: OpenRun, names: tuple[str, ...], named: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The competing words of each answer, by attribute. UserError if there are none, or for an
    answer that no attribute has."""
    near: dict[str, dict[str, tuple[str, ...]]] = {}
    known: list[str] = []
    for name in names:
        answers = opened.data.attributes[name].answers
        known += answers
        words = {answer: named[answer] for answer in answers if answer in named}
        near[name] = words if named else default_words(name)
    for answer in named:
        if answer not in known:
            raise UserError(
                f"--words names answers of {', '.join(names)}, got {answer!r}: choose from "
                f"{', '.join(known)}"
            )
    if not any(near.values()):
        raise UserError(
            f"there are no competing words for {', '.join(names)}: name some, as in --words "
            f"{known[0]}=WORD,WORD"
        )
    return {name: words for name, words in near.items() if words}


def _found(opened: OpenRun, name: str, asked: Asked, layers: tuple[int, ...]) -> Confused:
    """The results of one attribute: from the run, if the same was asked there, or computed now."""
    known: dict[str, Any] = study_result(read_results(opened.run), STUDY)
    if name in known:
        old = read_back(Confused, known[name], f"{FILE_NAME} of {opened.run.folder}")
        if old.made_from == asked:
            return old
    require_layers_of_model(opened, layers, "--layers")
    found = _followed(opened, name, asked)
    add_part(opened.run, STUDY, [name], written(found), opened.about)
    return found


def _followed(opened: OpenRun, name: str, asked: Asked) -> Confused:
    # Here, because these import torch.
    from analysis.capture.residuals import capture_residuals
    from analysis.confusion.estimates import confusion_results
    from analysis.confusion.rivals import rivals_of
    from analysis.confusion.rows import answer_rows, word_rows
    from analysis.readouts.word_readings import word_readings

    run, key = opened.run, stream_key(name)
    items = items_of(run, opened.data, name)
    competing = competition(opened.data.answer_set(items), asked.words)
    groups = competing.groups
    readings = take_readings(opened, name, LOGIT_LENS.name)
    captured = capture_residuals(opened, items, words=groups)
    shown, _ = captured.shuffled(items, run.study.rng(Stream.CONFUSION_DONORS, key))
    read = word_readings(opened, items, captured.real, groups)
    other = word_readings(opened, items, shown, groups)
    rivals, notes = rivals_of(readings, read, competing)
    found = confusion_results(readings, read, other, rivals, run.study, key=key, asked=asked)
    found = replace(found, notes=(*found.notes, *notes))
    rows = [
        word_rows(items, read, wording="plain", condition="real"),
        word_rows(items, other, wording="plain", condition="shuffled"),
    ]
    if asked.margin_bits is not None:
        again, changed = _with_3d(opened, items, groups, rivals, asked.margin_bits)
        found = replace(found, say_3d=changed)
        rows.append(word_rows(items, again, wording="3D", condition="real"))
    run.replace_rows("confusion_words", pd.concat(rows, ignore_index=True), key=["attribute"])
    run.replace_rows("confusion_answers", answer_rows(readings), key=["attribute"])
    return found


def _with_3d(
    opened: OpenRun,
    items: pd.DataFrame,
    groups: Attribute,
    rivals: "Sequence[Rivals]",
    margin_bits: float,
) -> "tuple[WordReadings, OtherWording]":
    """Readings of the same words after the question with "3D", and what that question changes for
    all answers together."""
    from analysis.confusion.other_question import wording_results
    from analysis.confusion.rivals import under
    from analysis.confusion.say_3d import items_with_3d, rows_with_3d
    from analysis.readouts.word_readings import word_readings

    solid = items_with_3d(items)
    again = word_readings(opened, solid, rows_with_3d(opened, solid, groups), groups)
    plain, other = rivals[0], under(rivals, again)[0]
    scenes = items["scene_id"].to_numpy()[plain.rows]
    changed = wording_results(
        scene_rows(plain.ratio, scenes),
        scene_rows(other.ratio, scenes),
        opened.run.study,
        key=stream_key(attribute_of_items(items)),
        margin_bits=margin_bits,
    )
    return again, changed


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Confusion, command=COMMAND, arguments=sys.argv[1:]))
