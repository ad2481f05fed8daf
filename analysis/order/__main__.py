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
from typing import Any, Literal

from analysis.commands.declared_order import order_given
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.order.estimates import order_results
from analysis.order.report import order_text, save_order_figure
from analysis.run.opened import OpenRun
from analysis.run.results import add_study, finding_of, read_results, study_result
from analysis.run.scene_values import common_effects
from analysis.streams import Stream
from data_prep.errors import UserError, one_line_errors

STUDY = "order"
COMMAND = "python -m analysis.order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(AttributeOptions):
    """Which attribute emerges first, and how sure is the order?"""

    attr: tuple[str, ...] = ("usual",)
    """Attributes in the order that is tested. Results call it the order given; they call it
    declared only if the study file with which the run was begun (--study) named just these, in
    this order, in its table [order]: attr = ["color", "shape"]. What is given here later, or
    written into that file later, does not count."""
    readout: Literal["logit_lens", "tuned_lens", "linear_probe"] = "logit_lens"
    """By which readout the attributes are compared."""


def main(options: Order) -> None:
    """Compares the attributes, or reads what was found before, and prints it."""
    opened = open_run(options)
    names = options.attributes(opened.data)
    if len(names) < 2:
        raise UserError(f"an order needs at least 2 attributes, got {', '.join(names)}: name more")
    asked = {"readout": options.readout, "given": list(names), **order_given(opened.run, names)}
    found = study_result(read_results(opened.run), STUDY)
    if {name: found.get(name) for name in asked} != asked:
        found = asked | _compared(opened, names, options.readout)
        add_study(opened.run, STUDY, found, opened.about)
    print(order_text(found))
    folder = opened.run.folder
    shown = f"results: {folder / 'results.json'}"
    if found["differences"]:
        shown += f"   figure: {save_order_figure(found, folder)[0]}"
    print(f"\n{shown}")


def _compared(opened: OpenRun, names: tuple[str, ...], readout: str) -> dict[str, Any]:
    run = opened.run
    scenes, effects = common_effects(run, [(name, readout) for name in names])
    findings = {name: finding_of(run, name, readout) for name in names}
    return order_results(
        {name: effects[name, readout] for name in names},
        findings,
        run.study,
        rng=run.study.rng(Stream.ORDER),
    ) | {"n_scenes": len(scenes)}


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Order, command=COMMAND, arguments=sys.argv[1:]))
