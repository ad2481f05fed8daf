"""Appendix on levels: for each interval, set and p-value of the report, what its level refers
to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.remedies.kept import kept_remedies
from paper.evidence.plain import level
from paper.evidence.record import IDENTITY, RunRecord
from paper.evidence.values import Value
from paper.output.floats import Table
from paper.sections.section import Section

ALONE = "each alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Describes some columns of a section's tables: which quantity they print, and what their
    confidence or test level refers to."""

    section: str
    columns: tuple[str, ...]
    """The columns described here, each as "table/column". In a name, * stands for any attribute's
    name."""
    quantity: str
    method: str
    kind: Literal["interval", "test", "own", "none"] = "interval"
    """Where the level comes from: "interval" is the study's confidence level, "test" the level at
    which a p-value is tested, "own" a level of the column's own, and "none" no level at all."""
    over: str = ALONE
    """The family over which the statement holds simultaneously, such as "all layers"."""
    unit: str = "scenes"
    """The unit that is resampled, sign-flipped or relabelled, or that is counted if there is no
    resampling."""


_FLIPS = "sign flips, maximum t"
_BOOTSTRAP = "bootstrap (bootstrap-t for few scenes)"
_AREA = "Obuchowski, normal on the logit scale"
_GROUPS = "groups of scenes"
_SHARE = "Clopper\u2013Pearson; Wilson where a scene has several items"

_REMEDIES = (
    Meaning(section="remedies",
            columns=("remedies/none, absent (CI)", "remedies/none, there (CI)",
                     "remedies/right, there (CI)"),
            quantity="share of none, and of right answers", method=_SHARE, kind="own",
            unit=_GROUPS),
    Meaning(section="remedies", columns=("remedies/AUROC (CI)", "remedies/by probe (CI)"),
            quantity="AUROC of absence", method=_AREA, kind="own", unit=_GROUPS),
    Meaning(section="remedies", columns=("remedies-differences/less plain (CI)",),
            quantity="difference to plain over seeds; for one seed that of its models",
            method="Hartung\u2013Knapp, t; for one seed t", kind="own",
            unit="seeds; groups of scenes"),
    Meaning(section="remedies", columns=("remedies-differences/p",),
            quantity="p of the same, two-sided",
            method="Hartung\u2013Knapp, t, weighted and unweighted; Holm", kind="own",
            over="all arms", unit="seeds"),
    Meaning(section="remedies", columns=("remedies-differences/p (same)",),
            quantity="p of a harm that matters", method="equivalence (t, both sides)", kind="own",
            unit="seeds"),
)  # fmt: skip
"""Of the results that come with the package."""

MEANINGS = (
    Meaning(section="overview", columns=("design/read as said",), quantity="share read as said",
            method="Clopper\u2013Pearson"),
    Meaning(section="overview", columns=("overview/CI",), quantity="layer of emergence",
            method="bootstrap of the whole procedure"),
    Meaning(section="overview", columns=("overview/whole",), quantity="first whole layer",
            method="the same redraws"),
    Meaning(section="overview", columns=("overview/set",), quantity="forward-backward set",
            method="one-sided t, a fixed sequence", over="all layers"),
    Meaning(section="overview", columns=("overview/choices",),
            quantity="range under other choices", method="every choice, tried", kind="none",
            over="no statement about scenes", unit="choices"),
    Meaning(section="overview", columns=("overview/p",), quantity="p of the weaker control",
            method="labels permuted, or sign flips; maximum over layers", kind="test",
            over="all layers; both controls must pass"),
    Meaning(section="overview", columns=("overview/Holm",), quantity="largest p of both controls",
            method="Holm", kind="test", over="all findings of the run"),
    Meaning(section="model_card", columns=("model-card/95% CI",), quantity="accuracy",
            method=_SHARE, kind="own"),
    Meaning(section="order", columns=("order/CI",), quantity="difference of layers",
            method="paired bootstrap"),
    Meaning(section="order", columns=("order/p",), quantity="p of a difference, two-sided",
            method="paired bootstrap", kind="test"),
    Meaning(section="order", columns=("order/p (Holm)",), quantity="the same, adjusted",
            method="Holm", kind="test", over="all pairs"),
    Meaning(section="order", columns=("order/p (first earlier)",),
            quantity="p of a link, one-sided", method="paired bootstrap", kind="test",
            over="each alone; the whole order: intersection-union"),
    Meaning(section="order", columns=("order/sets apart",), quantity="disjoint sets",
            method="forward-backward sets", over="all layers of each set"),
    Meaning(section="readouts", columns=("readouts/CI",), quantity="layers between readouts",
            method="paired bootstrap"),
    Meaning(section="readouts", columns=("readouts/p (Holm)",), quantity="p of the same, two-sided",
            method="paired bootstrap, Holm", kind="test", over="pairs of the attribute"),
    Meaning(section="readouts", columns=("readouts/p (information)",),
            quantity="p of a difference in information, two-sided", method=_FLIPS, kind="test",
            over="all layers of all pairs"),
    Meaning(section="controls", columns=("conditions/p",), quantity="p of an effect, one-sided",
            method="labels permuted, or sign flips; maximum over layers", kind="test",
            over="all layers"),
    Meaning(section="controls", columns=("conditions/plateau p",),
            quantity="p of the plateau, one-sided", method="labels permuted, or t of the mean",
            kind="test"),
    Meaning(section="ladder", columns=("ladder/CI",), quantity="step of the ladder",
            method=_BOOTSTRAP),
    Meaning(section="ladder",
            columns=("ladder/p", "ladder/more at layers", "ladder/less at layers"),
            quantity="p of a step, two-sided", method=_FLIPS, kind="test",
            over="all layers of both steps"),
    Meaning(section="paraphrase", columns=("paraphrase/layer (CI)",),
            quantity="layer in one wording", method="bootstrap of the whole procedure"),
    Meaning(section="probes", columns=("probes/CI",), quantity="accuracy of a probe",
            method=_SHARE, unit="test scenes"),
    Meaning(section="probes", columns=("probes/CI ",), quantity="information of a probe",
            method=_BOOTSTRAP, unit="test scenes"),
    Meaning(section="probes", columns=("probes/p",), quantity="p of the same, one-sided",
            method=_FLIPS, kind="test", over="all layers", unit="test scenes"),
    Meaning(section="tuned_lens", columns=("tuned-lens/CI",), quantity="gain of the tuned lens",
            method=_BOOTSTRAP, unit="test scenes"),
    Meaning(section="tuned_lens", columns=("tuned-lens/p",), quantity="p of the gain, one-sided",
            method=_FLIPS, kind="test", over="all layers but the last", unit="test scenes"),
    Meaning(section="causes",
            columns=("causes/image (CI)", "causes/object (CI)", "causes/answer position (CI)",
                     "causes/together (CI)", "causes-cut/left (CI)"),
            quantity="share of the total effect", method="Fieller", unit="pairs"),
    Meaning(section="causes", columns=("causes-controls/moves (CI)",),
            quantity="share in a control, or left after erasure",
            method="Fieller; for what must move nothing that of the equivalence test", kind="own",
            unit="pairs"),
    Meaning(section="causes", columns=("causes-controls/p",),
            quantity="p of a control",
            method="equivalence (t, both sides); rank among draws; sign flips, maximum t",
            kind="test",
            over="no effect: all layers; elsewhere: each alone; directions: all layers",
            unit="pairs"),
    Meaning(section="hallucination",
            columns=("hallucination/best (CI)", "hallucination/last layer (CI)"),
            quantity="AUROC of a signal", method=_AREA, unit=_GROUPS),
    Meaning(section="hallucination", columns=("hallucination/p (best)",),
            quantity="p of a signal at a layer, two-sided", method=_FLIPS, kind="test",
            over="all layers", unit=_GROUPS),
    Meaning(section="hallucination", columns=("hallucination/p (Holm)",),
            quantity="smallest p of a signal, two-sided", method=f"{_FLIPS}, Holm", kind="test",
            over="all layers of all signals", unit=_GROUPS),
    Meaning(section="hallucination",
            columns=("hallucination-held-back/risk at 80% (CI)",
                     "hallucination-held-back/mean risk (CI)"),
            quantity="risk of the answers that are given",
            method="t on the logit scale, bootstrapped error", unit=_GROUPS),
    Meaning(section="mitigation", columns=("mitigation-gains-*/AUROC (CI)",),
            quantity="AUROC of a method", method=_AREA, unit=_GROUPS),
    Meaning(section="mitigation",
            columns=("mitigation-gains-*/less greedy (CI)", "mitigation-literature/this run (CI)",
                     "mitigation-harm-*/AUROC, less greedy (CI)"),
            quantity="difference of AUROC to greedy answers", method="paired t", unit=_GROUPS),
    Meaning(section="mitigation",
            columns=("mitigation-gains-*/p", "mitigation-harm-*/p (AUROC)"),
            quantity="p of the same, two-sided", method="paired t, Holm", kind="test",
            over="all methods", unit=_GROUPS),
    Meaning(section="mitigation",
            columns=("mitigation-shift-*/yes (CI)", "mitigation-shift-*/right (CI)"),
            quantity="share of yes, and of right answers", method=_SHARE, unit=_GROUPS),
    Meaning(section="mitigation", columns=("mitigation-shift-*/difference (CI)",),
            quantity="right answers, less those of the moved threshold",
            method="t, bootstrapped error", unit=_GROUPS),
    Meaning(section="mitigation", columns=("mitigation-shift-*/p",),
            quantity="p of the same, two-sided", method="t, bootstrapped error, Holm", kind="test",
            over="all methods", unit=_GROUPS),
    Meaning(section="mitigation", columns=("mitigation-harm-*/right, less greedy (CI)",),
            quantity="right answers about what is there, less those of greedy answers",
            method=_BOOTSTRAP, unit=_GROUPS),
    Meaning(section="mitigation", columns=("mitigation-harm-*/p (right)",),
            quantity="p of the same, two-sided", method="paired t, Holm", kind="test",
            over="all methods", unit=_GROUPS),
    Meaning(section="confusion",
            columns=("confusion-*/log-ratio (CI)", "confusion-*/image adds (CI)"),
            quantity="log-ratio of competing words, and what the image adds", method=_BOOTSTRAP),
    Meaning(section="confusion", columns=("confusion-*/p",),
            quantity="p of what the image adds, two-sided", method=f"{_FLIPS}, Holm", kind="test",
            over="all layers and pairs"),
    Meaning(section="concept", columns=("concept/CI",), quantity="own minus contrast",
            method="both folders redrawn (bootstrap-t for few images)", unit="images"),
    Meaning(section="concept", columns=("concept/p (contrast)", "concept/p (blank)"),
            quantity="p of own images above others, one-sided",
            method="Welch t, bootstrap-t, maximum over layers", kind="test", over="all layers",
            unit="images"),
    Meaning(section="concept", columns=("concept/CI ",), quantity="AUC",
            method="DeLong on the logit scale", unit="images"),
    Meaning(section="trajectory", columns=("trajectory/CI",), quantity="probability, less blank",
            method=_BOOTSTRAP),
    Meaning(section="trajectory", columns=("trajectory/p",), quantity="p of the same, two-sided",
            method=_FLIPS, kind="test", over="all layers"),
    Meaning(section="compare",
            columns=("compare-sides/depth", "compare-sides/layer"),
            quantity="depth and layer of a run", method="bootstrap of the whole procedure"),
    Meaning(section="compare",
            columns=("compare-sides/right", "compare-sides/p(right)", "compare-sides/p(top)"),
            quantity="shares and probabilities at the last layer", method=_SHARE, kind="own"),
    Meaning(section="compare", columns=("compare/CI",), quantity="difference of depth",
            method="bootstrap, paired where scenes are shared", kind="own"),
    Meaning(section="compare", columns=("compare/p", "compare/p (same)"),
            quantity="p of a difference of depth, and of none", method="the same redraws, Holm",
            kind="own", over="all comparisons"),
    Meaning(section="compare", columns=("compare/p (curve)",),
            quantity="p of a difference of information",
            method="sign flips, or Welch's t redrawn; maximum, Holm", kind="own",
            over="all depths and comparisons"),
    Meaning(section="pool",
            columns=("pool-attributes/depth (CI)", "pool-attributes/layer (CI)",
                     "pool-differences/difference (CI)", "pool-models/without it (CI)"),
            quantity="mean over models", method="Hartung\u2013Knapp, t", kind="own",
            unit="models"),
    Meaning(section="pool", columns=("pool-differences/p",),
            quantity="p of a mean difference, two-sided",
            method="Hartung\u2013Knapp, t, weighted and unweighted; Holm", kind="own",
            over="all differences", unit="models"),
    Meaning(section="pool", columns=("pool-attributes/tau (CI)", "pool-differences/tau (CI)"),
            quantity="spread between models", method="Q-profile", kind="own", unit="models"),
    Meaning(section="pool", columns=("pool-attributes/next", "pool-differences/next"),
            quantity="prediction for the next model", method="t, with the spread", kind="own",
            unit="models"),
    *(_REMEDIES if kept_remedies() is not None else ()),
    Meaning(section="validation", columns=("validation/MC interval",),
            quantity="simulated rate", method="Clopper\u2013Pearson", kind="own",
            unit="simulated data sets"),
    Meaning(section="validation", columns=("validation/allowed",),
            quantity="bound of a claim", method="set beforehand", kind="none",
            over="no statement about scenes", unit="none"),
)  # fmt: skip
"""One row for every column that prints an interval, a set or a p-value."""

_TEXT = r"""
\section{One meaning of level}\label{sec:\run:levels}
\tabref{levels} says of every interval, set and p-value that is printed whether its level,
\val{levels.interval} for intervals and sets and \val{levels.test} for tests, is kept for all that
is named together or for each number alone. Of intervals that stand alone, some of many will miss;
what is shown, or not, is decided by the tests. Bands of figures are intervals of each layer alone.

\placetable{levels}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    where = "plan/level"
    yield Value(key="levels.interval", text=_level(record, "interval"), where=where,
                source=IDENTITY)  # fmt: skip
    yield Value(key="levels.test", text=_level(record, "test"), where=where, source=IDENTITY)


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = [
        {
            "printed": one.quantity,
            "method": one.method,
            "level": _level(record, one.kind),
            "simultaneous over": one.over,
            "unit": one.unit,
        }
        for one in shown(record)
    ]
    yield Table(
        name="levels",
        caption=(
            "What the levels of this report are levels of. Simultaneous over: the level holds for "
            "all of these together; each alone: for one number at a time, layer by layer where "
            "there are layers. Unit: what is redrawn, flipped or relabelled. Own: not the level of "
            f"the run but of the comparison, {'of the pooling, ' if record.pooled else ''}of the "
            "remedies, of the simulation, of the model card, or of a two-sided interval inside of "
            "which equivalence is shown. Rows of studies that this run does not hold are left out."
        ),
        frame=pd.DataFrame(rows),
        align="(3.3)(3.9)l(3)(1.7)",
        long=True,
    )


def shown(record: RunRecord) -> list[Meaning]:
    """The rows for sections that this run fills and for sections that do not depend on a single
    run: the comparison, the validation and, if there is one, the pooling."""
    # Not above: the package finds its sections by importing this file.
    from paper.sections import all_sections

    missing = {one.name for one in all_sections() if one.about == "run" and not one.holds(record)}
    if not record.pooled:
        missing |= {one.name for one in all_sections() if one.about == "pooling"}
    return [one for one in MEANINGS if one.section not in missing]


def _level(record: RunRecord, kind: str) -> str:
    value = record.plan["level"]
    return {"interval": level(value), "test": level(1 - value)}.get(kind, kind)


SECTION = Section(
    name="levels",
    place=15,
    part="appendix",
    made_by="python -m analysis.emergence --run {run}",
    holds=lambda record: True,
    also_from=("pooling",),
    text=_text,
    values=_values,
    tables=_tables,
)
