"""Changed labels as tables and sentences for the terminal."""

from collections.abc import Callable, Iterable

from rich.table import Table

from analysis.pope_labels.found import Changed, ChangedLabels
from analysis.pope_labels.wording import ends, percent, sentences, with_interval
from analysis.printed import comparison_table, printed


def labels_text(found: ChangedLabels) -> str:
    """How many labels were changed, how sure the shares are, then what may be said."""
    return "\n".join([_counts(found), _intervals(found), *sentences(found)])


def _counts(found: ChangedLabels) -> str:
    table = comparison_table(
        title="labels that the corrected files change",
        caption="Of all, of the judged: shares in percent, as counted. Ambiguous questions, which "
        "the corrected files leave out, are among all, where they count as not changed, and not "
        "among the judged.",
        headers=("file", "label", "images", "labels", "ambiguous", "changed", "of all",
                 "of the judged"),
        left=("file",),
    )  # fmt: skip
    _fill(table, found.rows, _count_cells)
    return printed(table)


def _count_cells(each: Changed) -> tuple[str, ...]:
    numbers = (each.of_all.n_images, each.of_all.n_labels, each.n_ambiguous, each.n_changed)
    shares = (
        "-" if share is None else percent(share.counted) for share in (each.of_all, each.of_judged)
    )
    return *(f"{number:,}" for number in numbers), *shares


def _intervals(found: ChangedLabels) -> str:
    table = comparison_table(
        title="how sure these shares are",
        caption=f"In percent, with {100 * found.level:g}% intervals. Of all, of the judged: mean "
        "over images of each image's share, the image being the unit. If independent: the interval "
        "of all if every label were a unit of its own (Clopper-Pearson, slightly wide for few "
        "changes). Ratio: how many times as wide the interval over images is.",
        headers=("file", "label", "of all", "if independent", "ratio", "of the judged"),
        left=("file",),
    )  # fmt: skip
    _fill(table, found.rows, _interval_cells)
    return printed(table)


def _interval_cells(each: Changed) -> tuple[str, ...]:
    judged = each.of_judged
    return (
        with_interval(each.of_all.over_images),
        ends(each.of_all.as_independent),
        f"{each.of_all.too_narrow_by:.2f}",
        "-" if judged is None else with_interval(judged.over_images),
    )


def _fill(
    table: Table, rows: Iterable[Changed], cells: Callable[[Changed], tuple[str, ...]]
) -> None:
    """A row for each, with the name of the file where it is another one than above."""
    above = ""
    for each in rows:
        table.add_row("" if each.where == above else each.where, each.label, *cells(each))
        above = each.where
