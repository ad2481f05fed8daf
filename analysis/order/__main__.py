"""Which attribute emerges first, and how sure is the order?

    python -m analysis.order
    python -m analysis.order --attr color shape material --readout linear_probe

Compares the layers of emergence of attributes on the scenes that they share, in a run whose
attributes have been measured (python -m analysis.emergence). The order of --attr is the one that
is tested. It is called declared only if the study file with which the run was begun fixed it, in a
table [order] with attr = ["color", "shape", "material"]:

    python -m analysis.emergence --study FILE --run RUN
    python -m analysis.order --study FILE --run RUN
"""

import sys
from dataclasses import dataclass
from typing import ClassVar

from analysis.commands.declared_order import order_given
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.order.estimates import order_results
from analysis.order.figure import draw_order, save_order_figure
from analysis.order.found import AskedOrder, FoundOrder
from analysis.order.report import order_rows, order_sentences, order_text
from analysis.readouts.registry import LOGIT_LENS, ReadoutName
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_study, finding_of, read_results, study_result
from analysis.run.scene_values import common_effects
from analysis.streams import Stream
from analysis.typed import read_back, written
from data_prep.errors import UserError, one_line_errors

STUDY = "order"
COMMAND = "python -m analysis.order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(AttributeOptions):
    """Which attribute emerges first, and how sure is the order?"""

    scores_suffice: ClassVar[bool] = True

    attr: tuple[str, ...] = ("usual",)
    """Attributes in the order that is tested. Results call it the order given; they call it
    declared only if the study file with which the run was begun (--study) named just these, in
    this order, in its table [order]: attr = ["color", "shape"]. What is given here later, or
    written into that file later, does not count."""
    readout: ReadoutName = LOGIT_LENS.name
    """By which readout the attributes are compared."""


def main(options: Order, say: Say = print) -> StudyResult[FoundOrder]:
    """Compares the attributes, or reads what was found before, and says it."""
    opened = open_run(options)
    names = options.attributes(opened.data)
    if len(names) < 2:
        raise UserError(f"an order needs at least 2 attributes, got {', '.join(names)}: name more")
    asked = AskedOrder(readout=options.readout, given=names, **order_given(opened.run, names))
    found, folder = _kept(opened), opened.run.folder
    if found is None or found.asked != asked:
        found = _compared(opened, asked)
        add_study(opened.run, STUDY, written(found), opened.about)
    shown = f"results: {folder / 'results.json'}"
    if found.differences:
        shown += f"   figure: {save_order_figure(found, folder)[0]}"
    say(f"{order_text(found)}\n\n{shown}")
    return StudyResult(
        found=found,
        folder=folder,
        rows=order_rows(found),
        sentences=order_sentences(found),
        pictures={"order": picture(draw_order, found)} if found.differences else {},
    )


run = study_function(Order, main, command=COMMAND)


def _kept(opened: OpenRun) -> FoundOrder | None:
    """The order that the run's results hold already; None if they hold none."""
    kept = study_result(read_results(opened.run), STUDY)
    return read_back(FoundOrder, kept, f"{FILE_NAME} of {opened.run.folder}") if kept else None


def _compared(opened: OpenRun, asked: AskedOrder) -> FoundOrder:
    run, names, readout = opened.run, asked.given, asked.readout
    _, effects = common_effects(run, [(name, readout) for name in names])
    findings = {name: finding_of(run, name, readout) for name in names}
    return order_results(
        {name: effects[name, readout] for name in names},
        findings,
        run.study,
        asked=asked,
        rng=run.study.rng(Stream.ORDER),
    )


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Order, command=COMMAND, arguments=sys.argv[1:]))
