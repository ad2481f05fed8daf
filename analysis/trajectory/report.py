"""Lens trajectories as text: a table by layer, and sentences that answer the study's questions."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.token_labels import printed_token
from analysis.printed import printed
from analysis.trajectory.found import AttributeTrajectory, Change, LayerMean
from analysis.trajectory.token_scripts import ONE_LANGUAGE
from analysis.wording import Estimated, p_text, p_value

_PRINTED_TOKENS = 10
_MINUS = "\u2212"


def trajectory_table(name: str, found: AttributeTrajectory) -> str:
    """A row per layer: means under the item's own image, and p(answer) against the controls."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}, logit lens: {found.n_scenes:,} scenes, {found.n_items:,} of "
        f"{found.n_items_of_run:,} items, {found.n_vocab:,} tokens",
        box=SIMPLE_HEAD,
        padding=0,
        title_justify="left",
        title_style="bold",
        caption="Means over scenes. Top-1: probability of the most probable token. Rank: of the "
        "answer's best token in the vocabulary, geometric mean. Entropy; KL: D(final || layer); "
        "JSD before: Jensen-Shannon divergence from the layer before, all in bits. minus blank: "
        f"p(answer) with the own image minus blank image, {level} interval over scenes; p: "
        "two-sided, adjusted over layers. Other intervals stand in results.json.",
        caption_justify="left",
    )
    for header in (
        "layer", "top-1", "p(answer)", "rank", "entropy", "KL", "JSD before", "minus blank", level,
        "p",
    ):  # fmt: skip
        table.add_column(header, justify="right", no_wrap=True)
    curves = found.curves
    for layer in range(found.n_layers + 1):
        gain = curves.p_answer.minus_blank[layer]
        table.add_row(
            str(layer),
            _at(curves.top1_probability.real, layer),
            _at(curves.p_answer.real, layer),
            f"{2 ** curves.log2_rank_answer.real[layer].estimate:.1f}",
            _at(curves.entropy_bits.real, layer),
            _at(curves.kl_bits.real, layer),
            _at(curves.jsd_adjacent_bits.real, layer),
            f"{gain.estimate:.3f}",
            f"{gain.low:.3f} to {gain.high:.3f}",
            p_value(gain.p),
        )
    notes = "".join(f"  note: {note}\n" for note in found.notes)
    return f"{printed(table)}\n{_tokens(found)}\n{notes}"


def _at(rows: Sequence[LayerMean], layer: int) -> str:
    """The estimate at a layer as text; empty at layer 0 for divergences from the layer before,
    which begin at layer 1."""
    return next((f"{row.estimate:.3f}" for row in rows if row.layer == layer), "")


def _tokens(found: AttributeTrajectory) -> str:
    shown = [
        f"{printed_token(token.text)} {span(token.mean, 3)}"
        for token in found.tokens[:_PRINTED_TOKENS]
    ]
    return f"Most probable tokens, mean over layers: {', '.join(shown)}."


def trajectory_sentences(name: str, found: AttributeTrajectory) -> str:
    """All sentences about one attribute."""
    basis = f"{found.n_scenes} scenes, {100 * found.level:g}% intervals"
    return f"{name} ({basis}): " + " ".join(
        (stays_first(found), last_layers(found), scripts(found), largest_step(found))
    )


def stays_first(found: AttributeTrajectory) -> str:
    """The layer from which on the right answer stays the most probable token."""
    parts = []
    settled = found.answer_stays_first
    for one, words in ((settled.real, ""), (settled.blank, "with a blank image ")):
        median = one.median
        ends = f"{_layer(median.low)} to {_layer(median.high)}"
        when = (
            f"in the median scene at no layer (interval: {ends})"
            if median.estimate is None
            else f"from layer {median.estimate} on (median; {ends})"
        )
        parts.append(f"{words}{when}, and in {_percents(one.never)} of the scenes never")
    depth = found.prediction_depth.real
    return (
        "Of the whole vocabulary the right answer is the most probable token, and stays it, "
        f"{'; '.join(parts)}. What is said in the end is the most probable token from layer "
        f"{span(depth, 1)} on (mean)."
    )


def last_layers(found: AttributeTrajectory) -> str:
    """How much of the drop of confidence at the last layer comes from applying the final norm
    twice."""
    rows = found.last_layers
    once, twice, remedy = rows.once, rows.twice, rows.remedy
    steps = f"layer {found.n_layers - 1} to {found.n_layers}"
    if twice.high >= 0:
        verdict = "so norming twice shows no drop here"
    elif once.high < 0:
        verdict = "so norming once leaves a drop"
    elif once.low > 0:
        verdict = "so norming once leaves no drop but a rise"
    else:
        verdict = "so norming once leaves no drop that could be told from none"
    return (
        f"From {steps} the mean top-1 probability changes by {_change(twice)} where the last state "
        "is normed once more after the model's own norm; with the norm taken once at every layer "
        f"by {_change(once)}: {verdict} (difference {_change(remedy)})."
    )


def scripts(found: AttributeTrajectory) -> str:
    """In which scripts the most probable tokens are at the first, middle and last layer."""
    n_layers = found.n_layers
    parts = []
    for layer in dict.fromkeys((0, max(1, n_layers // 4), n_layers)):
        shares = [(each.script, each.layers[layer]) for each in found.scripts]
        shares.sort(key=lambda pair: -pair[1].estimate)
        there = [f"{script} {_percents(row)}" for script, row in shares[:3] if row.estimate > 0]
        parts.append(f"at layer {layer} {', '.join(there)}")
    telling = [
        f"{each.script} ({ONE_LANGUAGE[each.script]})"
        for each in found.scripts
        if each.script in ONE_LANGUAGE
    ]
    told = f"only {' and '.join(telling)} tells a language" if telling else "none tells a language"
    return f"The most probable token is written in: {'; '.join(parts)} (scripts: {told})."


def largest_step(found: AttributeTrajectory) -> str:
    """The layers between which the distribution over tokens changes most."""
    most = max(found.curves.jsd_adjacent_bits.real, key=lambda row: row.estimate)
    return (
        f"The distribution changes most from layer {most.layer - 1} to {most.layer}: mean "
        f"Jensen-Shannon divergence {span(most, 2)} bits."
    )


def span(row: Estimated, digits: int) -> str:
    """Estimate and interval as text: "estimate (low to high)"."""
    return f"{row.estimate:.{digits}f} ({row.low:.{digits}f} to {row.high:.{digits}f})"


def _change(row: Change) -> str:
    text = f"{row.estimate:+.3f} ({row.low:+.3f} to {row.high:+.3f}, "
    return f"{text.replace('-', _MINUS)}{p_text(row.p)})"


def _percents(row: Estimated) -> str:
    estimate, low, high = (100 * each for each in (row.estimate, row.low, row.high))
    return f"{estimate:.1f}% ({low:.1f} to {high:.1f}%)"


def _layer(layer: int | None) -> str:
    return "never" if layer is None else str(layer)
