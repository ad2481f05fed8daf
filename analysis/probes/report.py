"""What linear probes found, as tables."""

import textwrap
from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.notebook.rows import Row
from analysis.printed import WIDTH, printed
from analysis.probes.found import RANDOM_WEIGHTS, Probed
from analysis.wording import p_text, p_value


def probe_table(name: str, found: Probed, position: str) -> str:
    """A row per layer for the probes, then the baselines that have no layers."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}, {position}: linear probes, {found.n_scenes} scenes, "
        f"{found.n_items} items, {len(found.answers)} answers",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Held-out scenes. told: information in bits. {level} interval over scenes. "
        f"select.: accuracy above a control task of {found.n_types} types{_drawn(found)}. code: "
        f"online code of the labels, uniform {found.uniform_code_bits:.0f} bits. p: one-sided, "
        "adjusted over layers: of the information; of the selectivity.",
        caption_justify="left",
    )
    headers = (
        "layer", "accuracy", f"{level} CI", "told", "select.", "code", "random", "p", "p select.",
    )  # fmt: skip
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    # Left out where a second model does not fit beside the first.
    untrained = found.compared.get(RANDOM_WEIGHTS)
    for row in found.layers:
        table.add_row(
            str(row.layer),
            f"{row.accuracy:.3f}",
            f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}",
            f"{row.information:.2f}",
            f"{row.selectivity:+.3f}",
            f"{row.code_bits:.0f}",
            f"{untrained[row.layer].accuracy:.3f}" if untrained else "-",
            p_value(row.p_information),
            p_value(row.p_selectivity),
        )
    both = (printed(each) for each in (table, _baseline_table(found, level)))
    return "\n".join([*both, _last_intervals(found) + _composition(found)])


def _drawn(found: Probed) -> str:
    """A sentence on the number of draws over which selectivity is the mean."""
    return (
        f", mean over {found.n_control_draws} draws of its labels and {found.n_partitions} "
        "partitions of the scenes"
    )


def _last_intervals(found: Probed) -> str:
    """Selectivity and code length at the last layer, with intervals that hold the error of the
    draws too."""
    row, level = found.last, f"{100 * found.level:g}% CI"
    text = (
        f"Selectivity at layer {row.layer}: {row.selectivity:+.3f} ({level} "
        f"{row.selectivity_low:+.3f} to {row.selectivity_high:+.3f}, over scenes and draws; one "
        f"draw differs from another by {row.selectivity_draw_deviation:.3f}, SD). Code: "
        f"{row.code_bits:.0f} bits ({level} {row.code_bits_low:.0f} to {row.code_bits_high:.0f}, "
        f"over scenes and {found.n_orders} orders)."
    )
    return textwrap.fill(text, WIDTH) + "\n"


def _composition(found: Probed) -> str:
    """Whether values are read in pairs that the probe has not seen, and which pairs were left
    out."""
    row = found.last
    notes = "".join(
        f"{textwrap.fill(f'  left out: {reason}', WIDTH, subsequent_indent='    ')}\n"
        for reason in found.left_out
    )
    gap, p = row.composition_interval, row.p_composition_gap
    if gap is None or p is None:
        return notes
    return notes + (
        f"Accuracy lost in unseen pairs at layer {row.layer}: {gap.estimate:+.3f} "
        f"({100 * found.level:g}% CI {gap.low:+.3f} to {gap.high:+.3f}, {p_text(p)}).\n"
    )


def _baseline_table(found: Probed, level: str) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("baseline")
    for header in ("layer", "accuracy", f"{level} CI", "information"):
        table.add_column(header, justify="right", no_wrap=True)
    for name, rows in found.compared.items():
        # By layer there is no best one without a test of its own: the last is shown.
        row = rows[-1]
        table.add_row(
            name,
            str(len(rows) - 1) if len(rows) > 1 else "-",
            f"{row.accuracy:.3f}",
            f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}",
            f"{row.information:.2f}",
        )
    return table


def probe_rows(found: Mapping[str, Probed], position: str) -> tuple[Row, ...]:
    """A row per attribute: the probe at the last layer."""
    return tuple(
        {
            "attribute": name,
            "position": position,
            "layer": each.last.layer,
            "accuracy": each.last.accuracy,
            "low": each.last.accuracy_low,
            "high": each.last.accuracy_high,
            "information (bits)": each.last.information,
            "selectivity": each.last.selectivity,
            "p": each.last.p_information,
            "p selectivity": each.last.p_selectivity,
            "scenes": each.n_scenes,
        }
        for name, each in found.items()
    )
