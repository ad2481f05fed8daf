"""Methods against hallucination as tables for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.hallucination.wording import hundredths
from analysis.mitigation.found import Mitigated
from analysis.mitigation.wording import labelled, sentences, signed
from analysis.notebook.rows import Row
from analysis.printed import printed
from analysis.wording import p_value


def mitigation_text(name: str, found: Mitigated) -> str:
    """Tables of yes and no and of each premise, then what may be said."""
    parts = [_yes_or_no(name, found), *(_premise(each, found) for each in found.premises)]
    parts += ["\n".join(sentences(name, found)), *(f"note: {each}" for each in found.notes)]
    return "\n".join(parts)


def mitigation_rows(found: Mitigated) -> tuple[Row, ...]:
    """A row for each method that answers yes or no: its discrimination beside greedy answers'."""
    return tuple(
        {
            "method": labelled(name, each),
            "tuned": each.setting,
            "AUROC": each.area.estimate,
            "less greedy": each.gain.estimate,
            "low": each.gain.low,
            "high": each.gain.high,
            "p (Holm)": each.gain.p,
            "found": each.verdict,
            "yes": None if each.answers is None else each.answers.yes.estimate,
            "passes": each.passes,
            "scenes": found.n_scenes,
        }
        for name, each in found.methods.items()
        if each.area is not None and each.gain is not None
    )


def _yes_or_no(name: str, found: Mitigated) -> str:
    table = Table(
        title=f"{name}: methods against greedy answers, {found.n_items:,} questions about "
        f"{found.n_scenes:,} scenes",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left",
        pad_edge=False, padding=(0, 1, 0, 0),
        caption=f"AUROC: of greedy answers, then less that, {100 * found.level:g}% interval over "
        f"{found.n_groups:,} groups of scenes. p: of that difference, Holm over methods. right, "
        "shifted: shares of right answers, of the method and of greedy answers whose threshold is "
        "moved until as many are yes. passes: forward passes for a question beside the plain one.",
    )  # fmt: skip
    table.add_column("method", min_width=18, overflow="fold")
    table.add_column("tuned", overflow="fold")
    for header in ("AUROC", "p", "yes", "right", "shifted", "passes"):
        table.add_column(header, justify="right", no_wrap=header != "AUROC")
    greedy = found.greedy
    table.add_row(
        "greedy", "", hundredths(found.greedy_area), "", _share(greedy.yes.estimate),
        _share(greedy.accuracy.estimate), "", "0",
    )  # fmt: skip
    for method, each in found.methods.items():
        if each.answers is None or each.gain is None or each.against_shift is None:
            continue
        table.add_row(
            labelled(method, each), each.setting, signed(each.gain), p_value(each.gain.p),
            _share(each.answers.yes.estimate), _share(each.answers.accuracy.estimate),
            _share(each.against_shift.shifted), f"{each.passes:.2g}",
        )  # fmt: skip
    return printed(table)


def _premise(attribute: str, found: Mitigated) -> str:
    table = Table(
        title=f"{attribute} of things that may not be there",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left",
        pad_edge=False, padding=(0, 1, 0, 0),
        caption="right: share of right answers about what is there, less that of greedy answers. "
        "p: of that difference, Holm over methods. AUROC: of telling absence, less that of how "
        "unsure greedy answers are. declined: of questions about absent things, and about things "
        "that are there.",
    )  # fmt: skip
    table.add_column("method", min_width=18, overflow="fold")
    for header in ("right", "p", "AUROC", "declined"):
        table.add_column(header, justify="right")
    for method, each in found.methods.items():
        if attribute not in each.harm:
            continue
        harm = each.harm[attribute]
        declined = ""
        if harm.declined_absent is not None and harm.declined_present is not None:
            declined = (
                f"{_share(harm.declined_absent.estimate)}, {_share(harm.declined_present.estimate)}"
            )
        table.add_row(
            labelled(method, each), signed(harm.lost), p_value(harm.lost.p), signed(harm.more),
            declined,
        )  # fmt: skip
    return printed(table)


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"
