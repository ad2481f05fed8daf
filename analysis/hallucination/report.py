"""What was found about absent things as tables for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.hallucination.found import Detected, Hallucinated
from analysis.hallucination.names import SIGNAL_NAMES
from analysis.hallucination.wording import hundredths, percent, sentences, short
from analysis.printed import printed
from analysis.wording import p_value


def hallucination_text(name: str, found: Hallucinated) -> str:
    """Tables of both targets and of abstention, then what may be said."""
    parts = [_signals(f"{name}: absent or there", found.absent, found)]
    if found.wrong is not None:
        parts.append(_signals(f"{name}: answered wrong or right", found.wrong, found))
    if found.abstained:
        parts.append(_abstention(name, found))
    parts.append("\n".join(sentences(name, found)))
    parts += [f"note: {each}" for each in found.notes]
    return "\n".join(parts)


def _signals(title: str, target: Detected, found: Hallucinated) -> str:
    table = Table(
        title=f"{title}, {target.n_positive:,} of {target.n_items:,} questions",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left",
        pad_edge=False, padding=(0, 1, 0, 0),
        caption=f"Area under the ROC curve (AUROC) with its {100 * found.level:g}% interval over "
        f"{target.n_groups:,} groups of scenes; below .50 a signal tells the other way round. best "
        "layer: the farthest from .50, chosen after looking. p there: two-sided, adjusted over "
        "layers. p (Holm): the smallest of all layers, on either side of .50, adjusted over "
        "signals, too.",
    )  # fmt: skip
    table.add_column("signal")
    for header in ("best layer", "there", "p there", "last layer", "p (Holm)"):
        table.add_column(header, justify="right", no_wrap=True)
    for name, each in target.signals.items():
        table.add_row(
            SIGNAL_NAMES[name], str(each.best.layer), hundredths(each.best.area),
            p_value(each.best.p), hundredths(each.last.area), p_value(each.p_holm),
        )  # fmt: skip
    for name, area in target.baselines.items():
        table.add_row(f"baseline: {name}", "", "", "", hundredths(area), "")
    return printed(table)


def _abstention(name: str, found: Hallucinated) -> str:
    table = Table(
        title=f"{name}: errors if answers are held back, of all {found.n_items:,}",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left",
        caption="risk at 80%: share of wrong answers among the others if the fifth is held back "
        "for which the signal at the last layer speaks most (of words the largest, of attention "
        "the mean over layers). AURC: mean risk over all coverages; best: that of a perfect order.",
    )  # fmt: skip
    table.add_column("by")
    for header in ("risk at 80%", "AURC", "best"):
        table.add_column(header, justify="right", no_wrap=True)
    for signal, each in found.abstained.items():
        table.add_row(
            SIGNAL_NAMES[signal], percent(each.at), hundredths(each.area), short(each.best_area)
        )
    return printed(table)
