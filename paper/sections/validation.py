"""Appendix on whether the statistics keep their promises: every claim is simulated and compared
with its bound."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.validate.found import SimulatedClaim, Validation
from analysis.wording import listed
from paper.drawing.calibration import draw_calibration
from paper.evidence.record import VALIDATION, Record
from paper.evidence.values import Value
from paper.output.floats import Figure, Table
from paper.sections.section import Section

_PANELS = {"error": "error rate", "coverage": "coverage", "power": "power"}
_CONTROLS = "of negative controls, which must fail"

_TEXT = r"""
\section{Validation of the statistics}\label{sec:\run:validation}
Every claim of the methods is a rate over simulated data sets, \val{repetitions} of them or, where
one takes long, a part of these; some are checked against all that can happen, or against another
program, instead. The seed is \val{seed}. A negative control is a claim too: that the usual way,
items in place of scenes or tests without correction, fails on the same data; without it, a
simulation that cannot fail would look like a proof. \val{verdict} \figref{calibration} shows the
rates with their Monte-Carlo intervals, and \tabref{validation} every claim.

\placefigure{calibration}
\placetable{validation}
"""


def _text(record: Record) -> str:
    return _TEXT if _rates(record) else _TEXT.replace(
        r"\figref{calibration} shows the rates with their Monte-Carlo intervals," + "\nand ", ""
    ).replace(r"\placefigure{calibration}" + "\n", "")  # fmt: skip


def _values(record: Record) -> Iterator[Value]:
    found = _found(record)
    short = [one.claim for one in found.findings if not one.holds]
    n_claims = len(found.findings)
    verdict = (
        f"Of {n_claims} claims these fall short: {listed(short)}."
        if short
        else f"All {n_claims} claims hold."
    )
    for key, text, where in (
        ("repetitions", f"{found.repetitions:,}", "repetitions"),
        ("seed", str(found.seed), "seed"),
        ("verdict", verdict, "findings"),
    ):
        yield Value(key=key, text=text, where=where, source=VALIDATION)


def _found(record: Record) -> Validation:
    return record.read(Validation, record.results)


def _rates(record: Record) -> dict[str, list[SimulatedClaim]]:
    """The claims that are rates, grouped by the name of their panel and in the order of the file.

    Negative controls have panels of their own: their rates are so far off that on a shared axis all
    other rates would look alike.
    """
    rates: dict[str, list[SimulatedClaim]] = {}
    claims = _found(record).findings
    for control in (False, True):
        for measure, panel in _PANELS.items():
            own = [
                one
                for one in claims
                if one.kind == "rate" and one.measures == measure and one.is_control is control
            ]
            if own:
                rates[f"{panel} {_CONTROLS}" if control else panel] = own
    return rates


def _figures(record: Record) -> Iterator[Figure]:
    rates = _rates(record)
    if not rates:
        return
    n_rows = sum(map(len, rates.values()))

    def draw(canvas: Canvas) -> None:
        heights = [len(own) + 1 for own in rates.values()]
        panels = canvas.subplots(len(rates), 1, squeeze=False, height_ratios=heights).ravel()
        for axes, (panel, own) in zip(panels, rates.items(), strict=True):
            draw_calibration(axes, own)
            axes.set_xlabel(panel)

    yield Figure(
        name="calibration",
        title="Calibration of the statistics",
        caption=(
            "Simulated error rates, coverage and power (unit: share of at most "
            f"{_found(record).repetitions:,} simulated data sets, each with the number of "
            "scenes that its row names). Grey: what is allowed. Lines: 95% binomial Monte-Carlo "
            "intervals. Hollow marks: negative controls, whose failing is the claim. Crosses: "
            "outside of what is allowed."
        ),
        size=(TEXT_WIDTH_IN, 0.5 + 0.16 * n_rows + 0.42 * len(rates)),
        draw=draw,
    )


def _tables(record: Record) -> Iterator[Table]:
    rows = []
    for one in _found(record).findings:
        ends = "" if one.simulated is None else " to ".join(f"{end:.3f}" for end in one.ends)
        rows.append(
            {
                "claim": one.claim,
                "found": f"{one.value:.3g}",
                "MC interval": ends,
                "allowed": f"{one.low:.3g} to {one.high:.3g}",
                "": "holds" if one.holds else "falls short",
            }
        )
    yield Table(
        name="validation",
        caption=(
            "Claims of the statistics package as simulated: what was found, its 95% Monte-Carlo "
            "interval where it is a rate, and what is allowed. n: number of scenes."
        ),
        frame=pd.DataFrame(rows),
        align="(6.3)rlll",
        long=len(rows) > 30,
    )


SECTION = Section(
    name="validation",
    place=30,
    part="appendix",
    about="validation",
    made_by="python -m analysis.validate",
    holds=lambda record: True,
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
