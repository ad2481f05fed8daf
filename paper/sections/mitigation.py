"""What helps: methods against hallucination, judged by discrimination and apart from the
threshold."""

from collections.abc import Iterator
from functools import partial

from analysis.drawing.figures import TEXT_WIDTH_IN
from analysis.hallucination.wording import hundredths, percent
from analysis.mitigation.drawing import draw_mitigation, height_in
from analysis.mitigation.found import Compared, Judged, Mitigated
from analysis.mitigation.literature import baseline_text, here_text, literature
from analysis.mitigation.wording import labelled, noted, plain, sentences, signed
from analysis.wording import listed, p_value
from paper.evidence.plain import level, with_minus_signs
from paper.evidence.record import RunRecord
from paper.evidence.values import Value, said
from paper.output.floats import Figure, Table, grouped
from paper.sections.section import Section

_TEXT = r"""
\subsection{What helps}\label{sec:\run:mitigation}
Remedies that need no training of the model were tried on such questions of yes and no. Two things
that a remedy can do must be kept apart. It can tell better what is there from what is not; or it
can only move the threshold, and say yes more or less often. Where a model says no too often, any
push towards yes gains right answers, with or without sight \citep{yin2025}. So every method is
judged by the area under the ROC curve of its log odds of yes, which no shift of the threshold
changes, and its answers are compared with greedy answers whose threshold is moved until as many are
yes: a placebo that any change of threshold must beat. Every method and the baseline choose the
answer with the highest score. None samples, for many reported gains are over sampled answers, which
the cut of implausible words alone turns nearly into greedy ones \citep{yin2025}.

Of the contrasts, some take a reference without the image, or with a worse one
\citep{leng2024,favero2024}, some a disturbing instruction \citep{wang2024} or the same pass with
the image cut late \citep{qin2026}, with the cut of implausible words \citep{li2023contrastive}
where their authors use it. Others contrast with, or add, earlier layers
\citep{chuang2024,wang2025,zhang2024sled}. Some change the pass: they raise attention to the image
\citep{liu2024}, or take the direction of a word out of the image's tokens \citep{jiang2025}. A
probe on the residual can tell absence beside the answer, and where things are asked about under a
premise, the question can offer to answer with none. Placebos, of which no gain is expected, are the
contrast with another scene's image, a random direction in place of the word's, the cut of
implausible answers alone, and the moved threshold. Settings were chosen on a third of the scenes,
by the number of right answers to the questions of yes and no there, and the layer of the probe by
its area; everything is judged on the others. The layer after which the image is cut was not chosen
but taken from the study of causes, which asks on what the answer hangs, not whether it is right.
"""
_READ = r"""
A method is said to gain or to lose where its difference to greedy answers is shown after Holm's
adjustment over all methods, and to have no gain only where equivalence within the margin is shown.
"""
_LITERATURE = r"""
\tabref{mitigation-literature} sets beside it what others report. Their figures are shares of right
answers, or of hallucinations in captions, and ours are differences of areas, on other questions and
mostly another model: what can be compared is the sign, and whether there is a difference at all.
Their baselines differ: some are sampled, some greedy. And the labels that figures rest on are
themselves wrong more often on one side than on the other \citep{neuhaus2025}. Raised attention is
tried as its authors use it, with a contrast of scores, and alone, so that it can be told which does
what. A penalty on overly trusted words in beam search \citep{huang2024} is not tried: short answers
leave it nothing to do.
"""


def _found(record: RunRecord) -> dict[str, Mitigated]:
    return record.found_by_name("mitigation", Mitigated)


def _text(record: RunRecord) -> str:
    parts = [_TEXT.rstrip("\n"), _READ.rstrip("\n")]
    for name, each in _found(record).items():
        tables = [
            rf"\tabref{{mitigation-gains-{name}}} the areas",
            rf"\tabref{{mitigation-shift-{name}}} the answers",
        ]
        if _harmed(each):
            tables.append(
                rf"\tabref{{mitigation-harm-{name}}} what methods do to questions about the look "
                "of things, which have an answer where the thing is there"
            )
        parts.append(rf"\figref{{mitigation-{name}}} shows every method, {listed(tables)}.")
    parts.append(_LITERATURE.rstrip("\n"))
    parts += ["\n" + rf"\val{{mitigation.{name}}}" for name in _found(record)]
    parts += ["", *(rf"\placefigure{{mitigation-{name}}}" for name in _found(record))]
    parts += [rf"\placetable{{{each.name}}}" for each in _tables(record)]
    return "\n".join([*parts, ""])


def _values(record: RunRecord) -> Iterator[Value]:
    found = _found(record).items()
    told = {name: [*sentences(name, each), *noted(each.notes)] for name, each in found}
    return said("mitigation", told)


def _figures(record: RunRecord) -> Iterator[Figure]:
    for name, each in _found(record).items():
        yield Figure(
            name=f"mitigation-{name}",
            title=f"Methods against hallucination: {name}",
            caption=(
                f"Methods on {each.n_items:,} questions about {each.n_scenes:,} scenes that "
                "nothing was tuned on. Left: area under the ROC curve, less that of greedy "
                f"answers; dark band: differences of less than {plain(each.margin)}, which count "
                "as none; gain and loss: shown after Holm's adjustment over all methods. Middle: "
                "share of yes; line: of greedy answers. Right: share of right answers, less that "
                "of greedy answers whose threshold is moved until as many are yes; filled where a "
                f"difference is shown. Lines: {level(each.level)} intervals over "
                f"{each.n_groups:,} groups of scenes, each alone."
            ),
            size=(TEXT_WIDTH_IN, height_in(each)),
            draw=partial(draw_mitigation, name=name, found=each),
        )


def _tables(record: RunRecord) -> Iterator[Table]:
    found = _found(record)
    for name, each in found.items():
        yield _gains(name, each)
        yield _shift(name, each)
        if _harmed(each):
            yield _harm(name, each)
    yield _literature(found)


def _answering(found: Mitigated) -> dict[str, Judged]:
    """The methods that answer yes or no, by how they are called."""
    return {
        labelled(name, each): each for name, each in found.methods.items() if each.gain is not None
    }


def _gains(name: str, found: Mitigated) -> Table:
    rows = [
        {"method": "greedy answers", "tuned": "",
         "AUROC (CI)": _tidy(hundredths(found.greedy_area)), "less greedy (CI)": "", "p": "",
         "found": "", "passes": "0"},
        *(
            {
                "method": called,
                "tuned": each.setting,
                "AUROC (CI)": "" if each.area is None else _tidy(hundredths(each.area)),
                "less greedy (CI)": _difference(each.gain),
                "p": "" if each.gain is None else p_value(each.gain.p),
                "found": each.verdict or "",
                "passes": f"{each.passes:.2g}",
            }
            for called, each in _answering(found).items()
        ),
    ]  # fmt: skip
    return Table(
        name=f"mitigation-gains-{name}",
        caption=(
            f"Discrimination, on {_on(found)}: area under the ROC curve (AUROC) of the log odds of "
            f"yes, and less that of greedy answers, with {level(found.level)} intervals. p: "
            "two-sided, of that difference, adjusted by Holm's method over all methods. No gain: a "
            f"difference of {plain(found.margin)} or more is ruled out. Passes: forward passes for "
            "a question beside the plain one; a pass through some of the blocks counts as their "
            "share."
        ),
        frame=grouped(rows),
        align="(2.7)(1.5)llrlr",
        long=True,
    )


def _shift(name: str, found: Mitigated) -> Table:
    greedy = found.greedy
    rows = [
        {"method": "greedy answers", "yes (CI)": percent(greedy.yes),
         "right (CI)": percent(greedy.accuracy), "shifted": "", "difference (CI)": "", "p": ""},
        *(
            {
                "method": called,
                "yes (CI)": "" if each.answers is None else percent(each.answers.yes),
                "right (CI)": "" if each.answers is None else percent(each.answers.accuracy),
                "shifted": f"{100 * each.against_shift.shifted:.1f}%",
                "difference (CI)": _difference(each.against_shift.difference),
                "p": p_value(each.against_shift.difference.p),
            }
            for called, each in _answering(found).items()
            if each.against_shift is not None
        ),
    ]  # fmt: skip
    return Table(
        name=f"mitigation-shift-{name}",
        caption=(
            f"Answers, on {_on(found)}: shares of yes and of right answers, with "
            f"{level(found.level)} intervals. Shifted: share of right ones among greedy answers "
            "whose threshold is moved until as many are yes. Difference: of the method's share "
            "less that; p: two-sided, adjusted by Holm's method over all methods."
        ),
        frame=grouped(rows),
        align="(2.4)llrlr",
        long=True,
    )


def _harmed(found: Mitigated) -> bool:
    return any(each.harm for each in found.methods.values())


def _harm(name: str, found: Mitigated) -> Table:
    rows = [
        {
            "asked for": attribute,
            "method": labelled(method, each),
            "right, less greedy (CI)": _difference(each.harm[attribute].lost),
            "p (right)": p_value(each.harm[attribute].lost.p),
            "AUROC, less greedy (CI)": _difference(each.harm[attribute].more),
            "p (AUROC)": p_value(each.harm[attribute].more.p),
            "declined: absent, there": _declined(each, attribute),
        }
        for attribute in found.premises
        for method, each in found.methods.items()
        if attribute in each.harm
    ]
    return Table(
        name=f"mitigation-harm-{name}",
        caption=(
            f"Questions about the look of things that may not be there ({_asked(found)}), on "
            "scenes on which nothing was tuned, by these questions or by those of yes and no. "
            "Right: share of right answers where the thing is there, a declined question not "
            "among them; AUROC: with which what is stated, or the score for declining, tells "
            f"absence; both less those of greedy answers, with {level(found.level)} intervals over "
            "groups of scenes and two-sided p-values, adjusted by Holm's method over all methods. "
            "Declined: shares of the questions about "
            "absent things and about things that are there, where a method can decline."
        ),
        frame=grouped(rows),
        align="(1.1)(2.6)(2.05)r(2.05)r(1.5)",
        long=True,
    )


def _asked(found: Mitigated) -> str:
    """How many questions of each attribute were judged."""
    harms = {name: harm for each in found.methods.values() for name, harm in each.harm.items()}
    return "; ".join(
        f"{name}: {harm.n_absent:,} about absent things, {harm.n_there:,} about things there"
        for name, harm in harms.items()
    )


def _declined(each: Judged, attribute: str) -> str:
    harm = each.harm[attribute]
    if harm.declined_absent is None or harm.declined_present is None:
        return ""
    shares = (harm.declined_absent, harm.declined_present)
    return ", ".join(f"{100 * one.estimate:.1f}%" for one in shares)


def _literature(found: dict[str, Mitigated]) -> Table:
    rows = [
        {
            "method (arXiv)": f"{row.method} ({row.arxiv})",
            "measured": f"{', '.join(filter(None, (row.model, row.benchmark)))}: {row.measure}",
            "baseline": baseline_text(row),
            "method's": f"{row.reported:g}",
            "read in": f"{row.place} ({row.source})",
            "this run (CI)": "; ".join(_tidy(here_text(row, each)) for each in found.values()),
        }
        for row in literature()
    ]
    first = next(iter(found.values()))
    return Table(
        name="mitigation-literature",
        caption=(
            "What is reported of such methods, and what was found of the same method in this run. "
            "Baseline: its figure, where it was found, and how it decodes. Method's: its figure, "
            "or the change where only that was found. Read in: place of the figure, and whether it "
            "was read in the authors' own repository or abstract, or second hand, in notes of "
            "others; no figure was read in a paper's own pages. This run: what was found, with the "
            "difference of AUROC to greedy answers and its "
            f"{level(first.level)} interval over groups of scenes."
        ),
        frame=grouped(rows),
        align="(2)(3)(1.8)r(2.1)(2)",
        long=True,
    )


def _on(found: Mitigated) -> str:
    return (
        f"{found.n_items:,} questions about {found.n_scenes:,} scenes in {found.n_groups:,} groups "
        "that nothing was tuned on"
    )


def _difference(one: Compared | None) -> str:
    return "" if one is None else _tidy(signed(one))


def _tidy(text: str) -> str:
    return with_minus_signs(text)


SECTION = Section(
    name="mitigation",
    place=66,
    made_by="python -m analysis.mitigation --run {run}",
    optional=True,
    holds=lambda record: bool(_found(record)),
    text=_text,
    values=_values,
    figures=_figures,
    tables=_tables,
)
