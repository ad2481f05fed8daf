"""What remedies do, as tables for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.printed import printed
from analysis.remedies.found import Measure, Remedied
from analysis.remedies.wording import NAMES, no_harm, sentences, share, signed, verdict
from analysis.wording import p_value

_PREMISES: tuple[Measure, ...] = ("detection", "over_refusal", "right")
_REST: tuple[Measure, ...] = ("said_area", "probe_area")
_EXISTENCE: tuple[Measure, ...] = ("exist_accuracy", "exist_yes", "exist_area")


def remedies_text(found: Remedied) -> str:
    """Tables of the models and of what arms differ by, then what may be said."""
    about = ", ".join(found.about)
    parts = [
        _models(f"asked under a premise ({about})", _PREMISES, found),
        _models("absence as told by the odds of none, and by a probe", _REST, found),
        _models("asked whether a thing is there", _EXISTENCE, found),
    ]
    if found.against_plain:
        parts.append(_against_plain(found))
    parts.append("\n".join(sentences(found)))
    parts += [f"note: {each}" for each in found.notes]
    return "\n".join(parts)


def _models(title: str, measures: tuple[Measure, ...], found: Remedied) -> str:
    table = Table(
        title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold",
        caption_justify="left",
        caption=f"With {100 * found.level:g}% intervals over groups of scenes, for each model "
        "alone.",
    )  # fmt: skip
    table.add_column("arm")
    table.add_column("seed", justify="right")
    for measure in measures:
        table.add_column(NAMES[measure], justify="right", no_wrap=True)
    for each in found.models:
        table.add_row(
            each.trained.arm, str(each.trained.seed),
            *(share(each.measures[measure]) for measure in measures),
        )  # fmt: skip
    return printed(table)


def _against_plain(found: Remedied) -> str:
    table = Table(
        title="minus plain with the same seed", box=SIMPLE_HEAD, title_justify="left",
        title_style="bold", caption_justify="left",
        caption=f"Over seeds: {100 * found.level:g}% interval of the mean with the seed as a "
        "random effect (Hartung-Knapp); p adjusted over arms (Holm). same: p of a difference "
        f"beyond {found.margin:g}. With one seed the interval is over groups of scenes, and "
        "nothing is claimed over seeds.",
    )  # fmt: skip
    for header in ("arm", "measure"):
        table.add_column(header)
    for header in ("seeds", "difference", "p", "same"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("")
    for each in found.against_plain:
        own = next(iter(each.by_seed.values()))
        cells = (signed(own), "", "", "")
        if each.over is not None:
            same = each.measure == "right"
            shown = verdict(each, found.level) or ("no harm" if same and no_harm(each, found.level)
                                                   else "")  # fmt: skip
            cells = (
                signed(each.over.mean), p_value(each.over.p_holm),
                p_value(each.over.p_equivalence) if same else "", shown,
            )  # fmt: skip
        table.add_row(each.arm, NAMES[each.measure], str(len(each.by_seed)), *cells)
    return printed(table)
