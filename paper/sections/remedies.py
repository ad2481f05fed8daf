"""What training on false premises teaches the bundled model, from the results that come with the
package."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.remedies.drawing import HEIGHT_IN, draw_remedies
from analysis.remedies.found import AgainstPlain, Judged, Measure, Remedied
from analysis.remedies.kept import kept_remedies
from analysis.remedies.wording import NAMES, no_harm, share, signed, verdict
from analysis.wording import p_value
from paper.evidence.plain import level, with_minus_signs
from paper.evidence.record import RunRecord
from paper.output.floats import Figure, Table
from paper.sections.section import Section
from probes.loading.identity import BUNDLED_FOLDER, folder_identity

_TEXT = r"""
\subsection{Trained to say none}\label{sec:\run:remedies}
Can a model be taught to say that something is not there, and what does it forget? The bundled model
was trained on in several arms, as long and on the same batches: \emph{plain} without a remedy,
others with false premises, to which the answer is ``none'', in the place of a part of the
questions, or, where the arm \emph{contrast} stands among them, with pairs of a scene and its copy
from which one object was removed. All were then
asked the same questions about scenes that none was trained on. Texts and scenes are matched, so
that only both together tell what is absent, and ``none'' is scored among the answers but not
mentioned. \figref{remedies} shows every model, \tabref{remedies} gives the figures.
"""
_COMPARED = r"""A
difference between two trainings may be chance of the training. So the unit of a claim is the seed,
and arms are compared with \emph{plain} seed by seed; \tabref{remedies-differences} says what is
shown over seeds, and nothing is claimed from a single one.
"""
_FLOATS = r"""
\placefigure{remedies}
\placetable{remedies}
"""
_SHOWN: dict[Measure, str] = {
    "detection": "none, absent (CI)",
    "over_refusal": "none, there (CI)",
    "right": "right, there (CI)",
    "said_area": "AUROC (CI)",
    "probe_area": "by probe (CI)",
}


def _found() -> Remedied:
    found = kept_remedies()
    if found is None:
        raise KeyError("remedies")
    return found


def _text(record: RunRecord) -> str:
    if not _found().against_plain:
        return f"{_TEXT}{_FLOATS}"
    return f"{_TEXT.rstrip()} {_COMPARED}{_FLOATS}" + "\\placetable{remedies-differences}\n"


def _figures(record: RunRecord) -> Iterator[Figure]:
    found = _found()

    def draw(canvas: Canvas) -> None:
        draw_remedies(canvas, found)

    yield Figure(
        name="remedies",
        title="What remedies detect and refuse",
        caption=(
            "Every mark is a model. Left: share of absent things to which it answers none, against "
            "the same share of things that are there; on the line none tells nothing. Right: share "
            f"of right answers about what is there. Lines: {level(found.level)} intervals over "
            f"{found.n_premise_groups:,} groups of scenes, each alone, of {found.n_premises:,} "
            f"questions about {found.n_scenes:,} scenes."
        ),
        size=(TEXT_WIDTH_IN, HEIGHT_IN),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found()
    yield Table(
        name="remedies",
        caption=(
            "The models of all arms: share of none where the thing is absent and where it is there,"
            " share of right answers where it is there, and AUROC of absence by the odds of none "
            "and by a linear probe on the last layer's residual, with "
            f"{level(found.level)} intervals over {found.n_premise_groups:,} groups of scenes. "
            f"{_held_out(found)} {_start(found)}"
        ),
        frame=pd.DataFrame([_model(each) for each in found.models]),
        align="lr(2)(2)(2)(2)(2)",
    )
    if found.against_plain:
        yield Table(
            name="remedies-differences",
            caption=(
                "Each arm less plain with the same seed: mean over seeds as a random effect with "
                f"its {level(found.level)} interval (of one seed: over groups of scenes, and "
                "nothing is claimed); p adjusted over arms; same: p of a difference beyond "
                f"{found.margin:g}."
            ),
            frame=pd.DataFrame([_difference(each, found) for each in found.against_plain]),
            align="llr(4)rrl",
        )


def _held_out(found: Remedied) -> str:
    if found.held_out.n_compared is None:
        return "The scenes of the training were not at hand to be compared with these."
    return (
        f"None of the {found.held_out.n_compared:,} scenes of the training has the objects of one "
        "of these."
    )


def _start(found: Remedied) -> str:
    if found.start == folder_identity(BUNDLED_FOLDER):
        return "All were trained on from the model of the other sections."
    return (
        "All were trained on from an earlier state of the bundled model, not from that of the "
        "other sections."
    )


def _model(each: Judged) -> dict[str, str]:
    own = {title: share(each.measures[measure]) for measure, title in _SHOWN.items()}
    return {"arm": each.trained.arm, "seed": str(each.trained.seed), **own}


def _difference(each: AgainstPlain, found: Remedied) -> dict[str, str]:
    over, same = each.over, each.measure == "right"
    shown = "one seed" if over is None else verdict(each, found.level)
    if not shown and same and no_harm(each, found.level):
        shown = "no harm"
    own = next(iter(each.by_seed.values())) if over is None else over.mean
    return {
        "arm": each.arm,
        "measure": NAMES[each.measure],
        "seeds": str(len(each.by_seed)),
        "less plain (CI)": with_minus_signs(signed(own)),
        "p": "" if over is None else p_value(over.p_holm),
        "p (same)": p_value(over.p_equivalence) if over is not None and same else "",
        "shown": shown or "nothing",
    }


SECTION = Section(
    name="remedies",
    place=68,
    made_by="python -m analysis.remedies --models runs/remedies",
    holds=lambda record: record.results.model == "bundled" and kept_remedies() is not None,
    optional=True,
    also_from=("analysis/remedies/results.json", "analysis/remedies/"),
    text=_text,
    figures=_figures,
    tables=_tables,
)
