"""At which layer does a model know an attribute of what it sees, and how sure is that?

    python -m analysis.emergence --attr color
    python -m analysis.emergence --attr all --readout all --model FOLDER --data clevr:FOLDER:val

Measures what is not measured yet, prints a table and a sentence for each attribute and readout,
sets readouts side by side, and writes the files of the run: items, residuals, readouts, scores,
effects, results.json and figures.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.drawing.figures import save_emergence_figure
from analysis.effects.found import Finding
from analysis.emergence.explained_figure import save_explained_figure
from analysis.emergence.found import Ladder, ReadoutsCompared, Said
from analysis.emergence.ladder_report import ladder_text, save_ladder_figure
from analysis.emergence.loudness_figure import save_loudness_figure
from analysis.emergence.readout_report import readout_table, save_readout_figure
from analysis.emergence.report import attribute_table, loudness_sentence, sentence
from analysis.emergence.result import Emerged, emergence_result
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.readouts.given import held_by_all
from analysis.readouts.readings import require_same_lens
from analysis.readouts.registry import (
    LINEAR_PROBE,
    LOGIT_LENS,
    NAMES,
    READOUTS,
    TUNED_LENS,
    ReadoutNameOrAll,
)
from analysis.run.items import askable_items
from analysis.run.opened import OpenRun
from analysis.run.results import (
    FILE_NAME,
    add_part,
    finding_of,
    read_results,
    study_result,
)
from analysis.run.scene_values import accuracies, common_effects
from analysis.run.scores_only import with_scores
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

    scores_suffice: ClassVar[bool] = True

    scores: Path | None = None
    """Parquet or CSV file of answer scores that were captured elsewhere, in the place of a model
    and of data (--model is then the name that reports shall have): columns item, scene, attribute,
    text, answer, condition (real, blank, shuffled), layer, and one of natural log-probabilities
    for every possible answer."""
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
    without_blank: bool = False
    """With --scores that have no rows of condition blank: do nothing but measure what is defined
    without them, and no effect of the image."""

    @property
    def judges(self) -> bool:
        return not (self.say or self.show_answers or self.without_blank)

    @property
    def n_readouts(self) -> int:
        return len(self.readouts)

    def captures(self, opened: OpenRun) -> tuple[tuple[str, Literal["answer"]], ...]:
        fitted = self.lens is None and TUNED_LENS.name in self.readouts
        names = (*self.attributes(opened.data), *(opened.lens_attributes if fitted else ()))
        return tuple((name, "answer") for name in dict.fromkeys(names))

    @property
    def readouts(self) -> tuple[str, ...]:
        """The readouts asked for, each once."""
        if not self.readout:
            raise UserError(f"--readout needs at least one of {', '.join(NAMES)}, or all")
        names: tuple[str, ...] = self.readout
        return NAMES if "all" in names else tuple(dict.fromkeys(names))


def main(options: Emergence, say: Say = print) -> StudyResult[Emerged]:
    """Runs the study, or what is left of it, and says what it found."""
    if options.scores is not None:
        options = replace(options, plan=with_scores(options.plan, options.scores))
    readouts = options.readouts
    _require_lens_is_read(readouts, options)
    opened = open_run(options)
    names = options.attributes(opened.data)
    if opened.data.scores is not None and "all" in options.readout:
        readouts = held_by_all(opened.data.scores, names)
    if not options.judges:
        return _looked_at(opened, names, options, say)
    _require_lens(opened, names, options)
    _measure(opened, names, readouts, options)
    # After the last is measured, for Holm's adjustment is over all of them.
    chosen = {
        name: {each: finding_of(opened.run, name, each) for each in readouts} for name in names
    }
    lines, sentences, compared, ladders = [], [], {}, {}
    for name, findings in chosen.items():
        for readout, found in findings.items():
            lines.append(attribute_table(name, found, readout=readout))
            sentences.append(sentence(name, found, readout=readout))
            sentences.append(loudness_sentence(name, found, readout=readout))
        if len(readouts) > 1:
            compared[name] = _compared(opened, name, findings)
            lines.append(readout_table(name, findings, compared[name]))
        if {SAID, THERE} <= set(readouts):
            ladders[name] = _ladder(opened, name)
            lines.append(ladder_text(name, ladders[name]))
    found, folder = (
        Emerged(attributes=chosen, compared=compared, ladders=ladders),
        opened.run.folder,
    )
    figure = _save_figures(found, folder)
    say("\n".join([*lines, *sentences]))
    say(f"\nresults: {folder / 'results.json'}   figure: {figure}")
    return emergence_result(found, folder, tuple(sentences))


run = study_function(Emergence, main, command=COMMAND)


def _looked_at(
    opened: OpenRun, names: Sequence[str], options: Emergence, say: Say
) -> StudyResult[Emerged]:
    """How answers are written and what the model says, before anything is measured."""
    from analysis.emergence.answers_report import said_text

    said: dict[str, Said] = {}
    for name in names:
        if options.show_answers:
            say(_shown_answers(opened, name))
        if options.say:
            said[name] = _said(opened, name)
            say(said_text(name, said[name]))
        for readout in options.readouts if options.without_blank else ():
            from analysis.emergence.without_blank import told_without_blank

            say(told_without_blank(opened, name, readout))
    return emergence_result(Emerged(said=said), opened.run.folder)


def _save_figures(found: Emerged, folder: Path) -> Path:
    """Draws all figures; gives the main one."""
    main_readout = {name: next(iter(each.values())) for name, each in found.attributes.items()}
    figure, _ = save_emergence_figure(main_readout, folder)
    save_loudness_figure(main_readout, folder)
    if found.compared:
        save_readout_figure(found.attributes, folder)
    if found.ladders:
        save_ladder_figure(found.ladders, folder)
    for name, each in main_readout.items():
        if each.lambda_half is not None:  # the first that has a layer to point at
            save_explained_figure(each, name, folder)
            break
    return figure


def _measure(
    opened: OpenRun, names: Sequence[str], readouts: Sequence[str], options: Emergence
) -> None:
    """Measures what the run does not hold."""
    results = read_results(opened.run)
    for name in names:
        known = () if results is None else results.of_attribute(name)
        for readout in readouts:
            require_same_lens(opened, name, readout, options.lens)
            if readout in known:
                continue
            # Here, because a finished run does not wait for the statistics.
            from analysis.emergence.measure import measure

            measure(
                opened, name, readout, lens=options.lens, allow_other_head=options.allow_other_head
            )


def _require_lens_is_read(readouts: Sequence[str], options: Emergence) -> None:
    """UserError for what is said about a lens that nothing reads by."""
    if options.lens is not None and not any(READOUTS[each].takes_lens for each in readouts):
        raise UserError(
            f"--lens is read by {TUNED_LENS.name} alone, got --readout {' '.join(readouts)}: add "
            f"--readout {TUNED_LENS.name}, or leave --lens out"
        )
    if options.allow_other_head and options.lens is None:
        raise UserError(
            "--allow-other-head is about a lens from elsewhere, got no --lens: name one, or leave "
            "it out"
        )


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
    from analysis.emergence.answers_report import trees_text
    from probes.token_names import token_names

    items = askable_items(opened.run, opened.data, name)
    trees = answer_trees(opened, opened.data.answer_set(items), items["question"])
    vlm = opened.load_model()
    return trees_text(name, trees, token_names(vlm.tokenizer, vlm.unembedding.n_vocab).names)


def _said(opened: OpenRun, name: str) -> Said:
    """Asks the model, and keeps what it said in the run."""
    from analysis.emergence.said_answers import said_answers, said_results

    found = said_results(said_answers(opened, name), level=opened.run.study.level)
    add_part(opened.run, SAYING, [name], written(found), opened.about)
    return found


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
    # Here and below, because a finished run does not wait for the statistics.
    from analysis.emergence.readout_differences import readout_differences

    found = readout_differences(by_readout, emerged, run.study, key=stream_key(name))
    add_part(run, STUDY, [name], written(found), opened.about)
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
    from analysis.emergence.ladder import RUNGS, ladder

    rungs: dict[str, Any] = dict(
        zip(RUNGS, (effects[said], held[said], effects[there]), strict=True)
    )
    found = ladder(rungs, run.study, key=stream_key(name))
    add_part(run, LADDER, [name], written(found), opened.about)
    return found


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Emergence, command=COMMAND, arguments=sys.argv[1:]))
