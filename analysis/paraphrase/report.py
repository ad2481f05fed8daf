"""Wordings of a question in a table and in sentences."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.effects.found import Interval
from analysis.paraphrase.found import Paraphrased, Wording
from analysis.printed import printed
from analysis.wording import READOUT_NAMES

AS_ASKED = "as asked"


def wordings_table(name: str, found: Paraphrased) -> str:
    """A row for each wording."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name} in {len(found.wordings)} wordings, {READOUT_NAMES[found.readout]}: "
        f"{found.n_scenes:,} scenes each",
        box=SIMPLE_HEAD, title_justify="left", title_style="bold", caption_justify="left",
        caption=f"layer: half of the plateau, with its {level} interval over scenes; plateau: "
        "information that the image adds, as share of H; right: share of right answers at the "
        f"last layer. Paraphrases: {found.paraphrases}.",
    )  # fmt: skip
    table.add_column("wording", min_width=30, overflow="fold")
    table.add_column("outcome")
    for header in ("layer", "plateau", "right"):
        table.add_column(header, justify="right", no_wrap=True)
    for each in found.wordings:
        layer = "" if each.layer is None else interval(each.layer, ".1f")
        table.add_row(
            wording_name(each), each.outcome.replace("_", " "), layer,
            f"{each.plateau_effect:.2f}", f"{100 * each.accuracy:.0f}%",
        )  # fmt: skip
    return printed(table)


def wording_name(one: Wording) -> str:
    """The pattern of the wording; for the question as the study asks it, a description."""
    return f"{AS_ASKED}: {one.example}" if one.pattern is None else one.pattern


def wordings_sentence(name: str, found: Paraphrased) -> str:
    """How much of the layer's spread comes from the wording, and where a new wording would put
    it."""
    n_wordings, level = len(found.wordings), f"{100 * found.level:g}%"
    without = [each for each in found.wordings if each.layer is None]
    if found.over is None:
        return f"{name}: nothing is said over wordings, {found.not_pooled}."
    over = found.over
    lost = (
        f" ({len(without)} of {n_wordings} wordings have none, and what follows is of the others "
        "alone)"
        if without
        else ""
    )
    return (
        f"Over {over.n_wordings} wordings {name} emerges at layer {over.mean.estimate:.2f} "
        f"({level} CI {over.mean.low:.2f} to {over.mean.high:.2f}){lost}; wordings differ by "
        f"tau = {over.tau:.2f} layers ({over.tau_low:.2f} to {over.tau_high:.2f}), scenes leave "
        f"one wording's layer uncertain by {over.scene_sd:.2f}: of the variance of a layer found "
        f"by one wording on {found.n_scenes:,} scenes, {_percent(over.share)} is the wording. A "
        f"wording that was not asked is predicted from {over.new.low:.2f} to {over.new.high:.2f}."
    )


def interval(one: Interval, form: str) -> str:
    """An estimate with the two ends of its interval, as text."""
    return f"{one.estimate:{form}} ({one.low:{form}} to {one.high:{form}})"


def _percent(share: Interval) -> str:
    low, high = f"{100 * share.low:.0f}", f"{100 * share.high:.0f}"
    return f"{100 * share.estimate:.0f}% ({low} to {high}%)"
