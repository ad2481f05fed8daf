"""At which layer does a model know an attribute of what it sees, and how sure is that?

    python -m analysis.emergence --attr color
    python -m analysis.emergence --attr all --readout all --model FOLDER --data clevr:FOLDER:val

Measures what is not measured yet, prints a table and a sentence for each attribute and readout,
sets readouts side by side, and writes the files of the run: items, residuals, readouts, scores,
effects, results.json and figures.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.drawing.figures import save_emergence_figure
from analysis.effects.found import Finding
from analysis.emergence.answers_report import said_text, trees_text
from analysis.emergence.estimates import estimate
from analysis.emergence.found import Ladder, ReadoutsCompared
from analysis.emergence.ladder import RUNGS, ladder
from analysis.emergence.ladder_report import ladder_text, save_ladder_figure
from analysis.emergence.loudness_figure import save_loudness_figure
from analysis.emergence.readout_differences import readout_differences
from analysis.emergence.readout_report import readout_table, save_readout_figure
from analysis.emergence.report import attribute_table, loudness_sentence, sentence
from analysis.emergence.tables import effect_rows, score_rows
from analysis.readouts.readings import require_same_lens, take_readings
from analysis.readouts.registry import (
    LINEAR_PROBE,
    LOGIT_LENS,
    NAMES,
    READOUTS,
    ReadoutNameOrAll,
)
from analysis.run.items import askable_items
from analysis.run.opened import OpenRun
from analysis.run.results import (
    FILE_NAME,
    add_finding,
    add_study,
    finding_of,
    read_results,
    study_result,
)
from analysis.run.scene_values import accuracies, common_effects
from analysis.typed import read_back, written
from data_prep.attributes import stream_key
from data_prep.errors import UserError, one_line_errors

COMMAND = "python -m analysis.emergence"
STUDY, LADDER = "readouts", "ladder"
SAYING = "said"
SAID, THERE = LOGIT_LENS.name, LINEAR_PROBE.name
"""The two readouts at the ends of the ladder of readers: what is said, and what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence(AttributeOptions):
    """At which layer does a model know an attribute of what it sees, and how sure is that?"""

    readout: tuple[ReadoutNameOrAll, ...] = (LOGIT_LENS.name,)
    """What reads the residuals: the model's own output map (logit_lens), the same after a
    translator fitted to the model's last layer (tuned_lens), a map fitted to labels
    (linear_probe), or all, side by side."""
    lens: Path | None = None
    """Folder of a tuned lens trained elsewhere, in our format or that of the tuned-lens package;
    default: lenses are fitted to the run, cross-fitted by scene."""
    allow_other_head: bool = False
    """Read a lens of the tuned-lens package all the same whose head is not the model's, as of a
    decoder that was trained further; the findings say so."""

    say: bool = False
    """Do nothing but print what the model really says, greedily, beside what is read at the last
    layer: for as many items as --scenes, 50 of each attribute unless given. The check to begin
    with on a new model."""
    show_answers: bool = False
    """Do nothing but print how the answers are written after the prompt, token by token, and at
    which positions they are read."""

    @property
    def readouts(self) -> tuple[str, ...]:
        """The readouts asked for, each once."""
        if not self.readout:
            raise UserError(f"--readout needs at least one of {', '.join(NAMES)}, or all")
        names: tuple[str, ...] = self.readout
        return NAMES if "all" in names else tuple(dict.fromkeys(names))


def main(options: Emergence) -> None:
    """Runs the study, or what is left of it, and prints what it found."""
    readouts, opened = options.readouts, open_run(options)
    names = options.attributes(opened.data)
    if options.show_answers or options.say:
        for name in names:
            if options.show_answers:
                print(_shown_answers(opened, name))
            if options.say:
                print(_said(opened, name))
        return
    _require_lens(opened, names, options)
    for name in names:
        for readout in readouts:
            _finding(opened, name, readout, options)
    # After the last is measured, for Holm's adjustment is over all of them.
    chosen = {
        name: {each: finding_of(opened.run, name, each) for each in readouts} for name in names
    }
    lines, sentences, ladders = [], [], {}
    for name, findings in chosen.items():
        for readout, found in findings.items():
            lines.append(attribute_table(name, found, readout=readout))
            sentences.append(sentence(name, found, readout=readout))
            sentences.append(loudness_sentence(name, found, readout=readout))
        if len(readouts) > 1:
            lines.append(readout_table(name, findings, _compared(opened, name, findings)))
        if {SAID, THERE} <= set(readouts):
            ladders[name] = _ladder(opened, name)
            lines.append(ladder_text(name, ladders[name]))
    folder = opened.run.folder
    main_readout = {name: next(iter(found.values())) for name, found in chosen.items()}
    figures = save_emergence_figure(main_readout, folder)
    save_loudness_figure(main_readout, folder)
    if len(readouts) > 1:
        save_readout_figure(chosen, folder)
    if ladders:
        save_ladder_figure(ladders, folder)
    print("\n".join([*lines, *sentences]))
    print(f"\nresults: {folder / 'results.json'}   figure: {figures[0]}")


def _require_lens(opened: OpenRun, names: Sequence[str], options: Emergence) -> None:
    """UserError for an unusable --lens that is still to be read by, before the model works."""
    results = read_results(opened.run)
    readouts = [each for each in options.readouts if READOUTS[each].takes_lens]
    left = [
        name
        for name in names
        if results is None or not set(readouts) <= set(results.of_attribute(name))
    ]
    if options.lens is None or not readouts or not left:
        return
    from analysis.readouts.tuned_lens import read_lens

    for name in left:
        for readout in readouts:
            require_same_lens(opened, name, readout, options.lens)
    read_lens(opened, options.lens, allow_other_head=options.allow_other_head)


def _shown_answers(opened: OpenRun, name: str) -> str:
    from analysis.capture.answer_trees import answer_trees
    from probes.token_names import token_names

    items = askable_items(opened.run, opened.data, name)
    trees = answer_trees(opened, opened.data.answer_set(items), items["question"])
    vlm = opened.load_model()
    return trees_text(name, trees, token_names(vlm.tokenizer, vlm.unembedding.n_vocab).names)


def _said(opened: OpenRun, name: str) -> str:
    """Asks the model, keeps what it said in the run, and gives it as text."""
    from analysis.emergence.said_answers import said_answers, said_results

    known = study_result(read_results(opened.run), SAYING)
    found = said_results(said_answers(opened, name), level=opened.run.study.level)
    known[name] = written(found)
    add_study(opened.run, SAYING, known, opened.about)
    return said_text(name, found)


def _finding(opened: OpenRun, name: str, readout: str, options: Emergence) -> None:
    """Measures one attribute under one readout, unless the run holds it."""
    run, lens = opened.run, options.lens
    require_same_lens(opened, name, readout, lens)
    results = read_results(run)
    if results is not None and readout in results.of_attribute(name):
        return
    run.require_free()  # before minutes of statistics, not after them
    readings = take_readings(
        opened, name, readout, lens=lens, allow_other_head=options.allow_other_head
    )
    # Readouts of an attribute differ in nothing but the readout, their random draws included.
    estimates = estimate(readings, run.study, key=stream_key(name))
    key = ["attribute", "readout"]
    run.replace_rows("scores", score_rows(estimates, readings, readout), key=key)
    run.replace_rows("effects", effect_rows(estimates, readings, readout), key=key)
    add_finding(run, name, readout, estimates.results, opened.about)


def _compared(opened: OpenRun, name: str, findings: Mapping[str, Finding]) -> ReadoutsCompared:
    """The comparison of the readouts, from the run or made now."""
    run = opened.run
    known = study_result(read_results(run), STUDY)
    if name in known:
        old = read_back(ReadoutsCompared, known[name], f"{FILE_NAME} of {run.folder}")
        if old.readouts == tuple(findings):
            return old
    scenes, effects = common_effects(run, [(name, readout) for readout in findings])
    by_readout = {
        readout: {
            "effect": effects[name, readout],
            "accuracy": accuracies(run, (name, readout), scenes),
        }
        for readout in findings
    }
    emerged = {readout: found.lambda_half is not None for readout, found in findings.items()}
    found = readout_differences(by_readout, emerged, run.study, key=stream_key(name))
    known[name] = written(found)
    add_study(run, STUDY, known, opened.about)
    return found


def _ladder(opened: OpenRun, name: str) -> Ladder:
    """The ladder of readers, from the run or made now."""
    run = opened.run
    known = study_result(read_results(run), LADDER)
    if name in known:
        return read_back(Ladder, known[name], f"{FILE_NAME} of {run.folder}")
    said, there = (name, SAID), (name, THERE)
    _, effects = common_effects(run, [said, there])
    _, held = common_effects(run, [said, there], reader="held")
    rungs: dict[str, Any] = dict(
        zip(RUNGS, (effects[said], held[said], effects[there]), strict=True)
    )
    found = ladder(rungs, run.study, key=stream_key(name))
    known[name] = written(found)
    add_study(run, LADDER, known, opened.about)
    return found


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Emergence, command=COMMAND, arguments=sys.argv[1:]))
