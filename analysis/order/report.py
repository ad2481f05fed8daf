"""The order of attributes in words and as a table."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.notebook.rows import Row
from analysis.order.found import FoundOrder
from analysis.printed import printed
from analysis.wording import READOUT_NAMES, p_text, p_value


def order_text(found: FoundOrder) -> str:
    """A row per pair, then what may be said of the order that is tested."""
    return "\n".join([*([_table(found)] if found.differences else []), *order_sentences(found)])


def order_sentences(found: FoundOrder) -> tuple[str, ...]:
    """What is left out and why, and what may be said of the order."""
    left_out = [f"{name} is left out: {why}" for name, why in found.left_out.items()]
    if not found.differences:
        return (*left_out, "no order: fewer than 2 attributes emerge")
    return (*left_out, chain_sentence(found))


def order_rows(found: FoundOrder) -> tuple[Row, ...]:
    """A row per pair of attributes."""
    return tuple(
        {
            "first": pair.first,
            "second": pair.second,
            "difference in layers": pair.estimate,
            "low": pair.low,
            "high": pair.high,
            "p (Holm)": pair.p_holm,
            "p earlier": pair.p_earlier,
            "sets apart": pair.sets_apart,
        }
        for pair in found.differences
    )


def chain_sentence(found: FoundOrder) -> str:
    """Whether the order is shown, declared or given, and which is the most frequent one."""
    given = ", ".join(found.attributes)
    shown = "is shown" if found.claim_p <= 1 - found.level else "is not shown"
    most = found.most_frequent
    return (
        f"The {order_called(found)} ({given}) {shown} ({p_text(found.claim_p)}, "
        f"intersection-union over its links; {found.n_scenes} scenes). {order_basis(found)} "
        f"Most frequent among resamples: {', '.join(most.order)} "
        f"({100 * most.probability:.0f}%)."
    )


def order_called(found: FoundOrder) -> str:
    """The word for the order: declared if it was fixed before there were results, else given."""
    return "declared order" if found.declared else "order given"


def order_basis(found: FoundOrder) -> str:
    """What the word "declared" or "given" rests on, as a sentence."""
    return f"Declared before the run: {'yes' if found.declared else 'no'} ({found.rests_on})."


def _table(found: FoundOrder) -> str:
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"layers of emergence compared, {READOUT_NAMES[found.readout]}: "
        f"{found.n_scenes} scenes that all attributes share",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Second minus first, in layers; {level} interval of the paired scene bootstrap. "
        "p: two-sided, Holm over pairs. p earlier: one-sided, first before second. apart: disjoint "
        "forward-backward sets in this order.",
        caption_justify="left",
    )
    for header in ("first", "second", "difference", f"{level} CI", "p", "p earlier", "apart"):
        table.add_column(header, justify="right", no_wrap=True)
    estimates = found.estimates
    for pair in found.differences:
        table.add_row(
            *(f"{name} {estimates[name]:.1f}" for name in (pair.first, pair.second)),
            f"{pair.estimate:+.2f}",
            f"{pair.low:+.2f} to {pair.high:+.2f}",
            p_value(pair.p_holm),
            p_value(pair.p_earlier),
            "yes" if pair.sets_apart else "no",
        )
    return printed(table)
