"""A comparison of runs as tables and sentences."""

from analysis.compare.found import Compared, ComparedArm, Side
from analysis.compare.text import INTERPOLATION, name_of, sentences
from analysis.finished.found import differ_sentence
from analysis.notebook.rows import Row
from analysis.printed import comparison_table, printed
from analysis.wording import READOUT_NAMES, Estimated, p_value

# A column holds a run's words up to this length; longer ones stand above, by their letter.
_LONGEST_WORDS = 16


def compare_report(found: Compared) -> str:
    """The whole report as text: how the runs differ, a table of arms, a table of comparisons, and
    what may be said of each."""
    layers = {arm.last_layer for arm in found.arms}
    notes = [INTERPOLATION] if len(layers) > 1 else []
    parts = [
        differ_sentence(found.differ, found.runs),
        arms_table(found),
        comparisons_table(found),
        *notes,
    ]
    return "\n".join([*parts, *sentences(found)])


def arms_table(found: Compared) -> str:
    """A row per attribute and run: layer and depth of emergence, right answers, confidence."""
    level = f"{100 * found.plan.level:g}%"
    table = comparison_table(
        title="side by side",
        caption="Depth: layer of half the plateau over the last layer, interpolated; layer: the "
        "first whole one past it, of how many. At the last layer: share of right answers, and "
        "confidence, which is not knowledge: mean stated probability of the right and of the top "
        f"answer. In parentheses: {level} intervals over scenes (of depth: at the run's own "
        "level).",
        headers=("attribute", "run", "depth", "layer", "right", "p(right)", "p(top)", "scenes"),
        left=("attribute", "run"),
    )
    for arm in found.arms:
        table.add_row(
            arm.attribute,
            cell_name(found, arm),
            depth_cell(arm),
            layer_cell(arm),
            *map(share_cell, (arm.correct, arm.right_probability, arm.top_probability)),
            f"{arm.n_scenes}",
        )
    return printed(table)


def comparisons_table(found: Compared) -> str:
    """A row per comparison: difference of depth, its tests, and the test of the curve."""
    plan = found.plan
    level, narrow = (f"{100 * share:g}%" for share in (plan.level, 2 * plan.level - 1))
    table = comparison_table(
        title="second minus first, in shares of the depth",
        caption="p: two-sided, for a difference of at most one layer of the shallower model; same: "
        f"for one of {plan.margin:g} or more, judged by the {narrow} interval; curve: for equal "
        "information at every relative depth. All p adjusted over the comparisons (Holm). =: the "
        "scenes are shared, and paired.",
        headers=("attribute", "first", "second", "depth", f"{level} CI", "p", "same", "curve",
                 "scenes"),
        left=("attribute", "first", "second"),
    )  # fmt: skip
    for row in found.comparisons:
        depth = row.depth
        cells = ["", "", "", ""]
        if depth is not None:
            cells = [
                f"{depth.estimate:+.3f}",
                f"{depth.low:+.3f} to {depth.high:+.3f}",
                p_value(depth.p_beyond_holm),
                p_value(depth.p_equivalence_holm),
            ]
        one, two = row.n_scenes
        table.add_row(
            row.attribute,
            *(cell_name(found, side) for side in (row.first, row.second)),
            *cells,
            p_value(row.curve.omnibus_p_holm),
            f"{one} =" if row.paired else f"{one}, {two}",
        )
    return printed(table)


def compare_rows(found: Compared) -> tuple[Row, ...]:
    """A row per comparison, with names in full and numbers as they are."""
    return tuple(
        {
            "attribute": row.attribute,
            "first": name_of(found, row.first),
            "second": name_of(found, row.second),
            "verdict": row.verdict.replace("_", " "),
            "difference of depth": None if row.depth is None else row.depth.estimate,
            "low": None if row.depth is None else row.depth.low,
            "high": None if row.depth is None else row.depth.high,
            "p (Holm)": None if row.depth is None else row.depth.p_beyond_holm,
            "p same (Holm)": None if row.depth is None else row.depth.p_equivalence_holm,
            "p curve (Holm)": row.curve.omnibus_p_holm,
            "paired": row.paired,
        }
        for row in found.comparisons
    )


def depth_cell(arm: ComparedArm) -> str:
    """The interpolated depth of an arm, or in a word why it has none."""
    if arm.depth is not None:
        return share_cell(arm.depth)
    return "not monotone" if arm.outcome == "emerged" else arm.outcome.replace("_", " ")


def layer_cell(arm: ComparedArm) -> str:
    """The first whole layer at or past half of the plateau, and the number of layers."""
    if arm.depth is None:
        return ""
    return f"{round(arm.depth.layer.estimate * arm.last_layer)}/{arm.last_layer}"


def share_cell(interval: Estimated | None) -> str:
    """A share with its interval, as short as possible."""
    if interval is None:
        return "not kept"
    shown = [f"{each:.2f}" for each in (interval.estimate, interval.low, interval.high)]
    # Without the digit that all shares have; whole ones in the width of the others.
    estimate, low, high = (
        text.removeprefix("0") if text.startswith("0") else text[:-1] for text in shown
    )
    return f"{estimate} ({low}-{high})"


def cell_name(found: Compared, side: Side | ComparedArm) -> str:
    """The name of an arm in a table: in full where it is short, otherwise the letter of its run."""
    words = found.labels
    if found.several_readouts:
        return f"{side.run} {READOUT_NAMES[side.readout]}"
    short = max(map(len, words.values())) <= _LONGEST_WORDS
    return words[side.run] if short else side.run
