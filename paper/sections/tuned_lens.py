"""The tuned lens: how far the predictions of both lenses are from the model's final output."""

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure as Canvas

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.tuned_lens.found import ComparedLenses, JudgedLens
from analysis.tuned_lens.report import draw_kl_by_layer
from analysis.wording import p_value
from paper.evidence.plain import interval, level, number, p_said, small
from paper.evidence.record import RunRecord
from paper.evidence.values import Value
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{The tuned lens}\label{sec:\run:tuned-lens}
The tuned lens \citep{belrose2023} is judged by how far its distribution over the whole vocabulary
is from the model's final one, on scenes that it was not trained on. \val{tuned-lens.gain} The
depth from which a lens keeps predicting what the model predicts in the end is
\val{tuned-lens.depth-logit} for the logit lens and \val{tuned-lens.depth-tuned} for the tuned lens,
as mean layer. \val{tuned-lens.seeds} \figref{tuned-lens} shows the divergence by layer, and
\tabref{tuned-lens} the gain with its tests. A small divergence is no proof that the translators are
faithful: they are free to guess, from what correlates with the answer, what later blocks will do.

\placefigure{tuned-lens}
\placetable{tuned-lens}
"""


def _text(record: RunRecord) -> str:
    return _TEXT


def _positions(record: RunRecord) -> Mapping[str, ComparedLenses]:
    found = record.found("tuned_lens", JudgedLens)
    return {} if found is None else found.positions


def _values(record: RunRecord) -> Iterator[Value]:
    (position, found), *_ = _positions(record).items()
    where = "studies/tuned_lens"
    shown = found.omnibus_p <= 1 - found.level + 1e-12
    below = found.layers[:-1]
    most = max(below, key=lambda row: row.gain_bits.estimate)
    verdict = (
        f"At the position \u201c{position}\u201d it is closer than the logit lens at some layer "
        f"({p_said(found.omnibus_p)}); the largest gain is "
        f"{number(most.gain_bits.estimate, 1)} bits, at layer {most.layer} "
        f"({level(found.level)} CI {interval(most.gain_bits, 1)})."
        if shown
        else f"At the position \u201c{position}\u201d it is not shown to be closer than the logit "
        f"lens at any layer ({p_said(found.omnibus_p)})."
    )
    yield Value(key="tuned-lens.gain", text=verdict, where=f"{where}/layers")
    for lens, depth in found.prediction_depth.named.items():
        text = f"{number(depth.estimate, 1)} ({level(found.level)} CI {interval(depth, 1)})"
        key = f"tuned-lens.depth-{lens.removesuffix('_lens')}"
        yield Value(key=key, text=text, where=f"{where}/prediction_depth/{lens}")
    said = (
        f"Over {found.n_seeds} trainings with different seeds the divergence varies by at most "
        f"{small(found.seed_spread_bits)} bits (standard deviation)."
        if found.n_seeds > 1
        else "It was trained once, so its spread over seeds is not known."
    )
    yield Value(key="tuned-lens.seeds", text=said, where=f"{where}/layers/*/seed_spread_bits")


def _figures(record: RunRecord) -> Iterator[Figure]:
    positions = _positions(record)

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(positions), squeeze=False, sharey=True).ravel()
        for axes, (position, found) in zip(panels, positions.items(), strict=True):
            draw_kl_by_layer(axes, found)
            if len(positions) > 1:
                axes.set_title(position, fontsize=8)
        panels[0].set_ylabel("divergence from the final\ndistribution (bits)")
        panels[-1].legend(frameon=False, fontsize=7, loc="upper right")

    one = next(iter(positions.values()))
    yield Figure(
        name="tuned-lens",
        title="Divergence of logit lens and tuned lens from the model, by layer",
        caption=(
            "Divergence of each lens from the model's final distribution over the whole "
            "vocabulary, D(final || lens) in bits on a logarithmic scale, by layer. Bands: "
            f"{level(one.level)} intervals over the {one.n_scenes:,} test scenes. At the "
            "last layer both are zero by definition and not shown."
        ),
        size=(min(TEXT_WIDTH_IN, 3.9 * len(positions)), 2.3),
        draw=draw,
    )


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = []
    positions = _positions(record)
    for position, found in positions.items():
        for row in found.layers:
            rows.append(
                {
                    "position": position,
                    "layer": str(row.layer),
                    "logit lens": number(row.kl_bits.logit_lens.estimate, 3),
                    "tuned lens": number(row.kl_bits.tuned_lens.estimate, 3),
                    "gain": number(row.gain_bits.estimate, 3),
                    "CI": interval(row.gain_bits, 3),
                    "p": "" if row.p is None else p_value(row.p),
                    "bias, logit": number(row.bias_bits.logit_lens, 3),
                    "bias, tuned": number(row.bias_bits.tuned_lens, 3),
                }
            )
    one = next(iter(positions.values()))
    yield Table(
        name="tuned-lens",
        caption=(
            "Divergence from the model's final distribution by layer, in bits, over "
            f"{one.n_scenes:,} test scenes. Gain: logit lens minus tuned lens, with its "
            f"{level(one.level)} interval; p: one-sided, adjusted over layers. Bias: divergence "
            "of the mean distributions."
        ),
        frame=grouped(rows),
        align="lrrrrlrrr",
        long=len(rows) > 40,
    )


SECTION = Section(
    name="tuned_lens",
    place=60,
    made_by="python -m analysis.tuned_lens --run {run}",
    holds=lambda record: bool(_positions(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
