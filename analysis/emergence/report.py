"""An attribute's emergence in words: its table, and the sentences that answer the question."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.effects.found import Finding, Sure
from analysis.printed import printed
from analysis.wording import (
    READOUT_NAMES,
    layers_text,
    p_text,
    p_value,
    set_text,
    survives,
)


def attribute_table(name: str, found: Finding, *, readout: str) -> str:
    """A table with a row per layer: what is known and how surely, what is answered, and how loudly
    it is stated."""
    level = f"{100 * found.level:g}%"
    guess = found.guessing
    table = Table(
        title=f"{name}, {READOUT_NAMES[readout]}: {found.n_scenes} scenes, "
        f"{found.n_items} items, {found.n_texts} questions, "
        f"H = {found.answer_entropy_bits:.2f} bits",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption="inform.: information that the image adds to a blank one, as share of H, with "
        f"{level} interval over scenes ({found.interval_method} bootstrap). Right answers with "
        f"the real, another scene's and a blank image; guessing: {guess.correct:.2f}. Stated "
        f"bits: log2 p(answer), taken at its word; guessing: {guess.bits:.2f}. Scale: under 1 "
        "it is said too loudly. p: one-sided, adjusted over layers.",
        caption_justify="left",
    )
    headers = (
        "layer", "inform.", f"{level} CI", "right", "shuffled", "blank", "stated", "scale",
        "p shuf.", "p blank",
    )  # fmt: skip
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for row in found.layers:
        table.add_row(
            str(row.layer),
            _rounded(row.effect),
            f"{_rounded(row.low)} to {_rounded(row.high)}",
            *(f"{share:.2f}" for share in row.correct.named.values()),
            f"{row.stated.real:.2f}",
            _scale(row.scale.estimate),
            p_value(row.p_shuffled),
            p_value(row.p_blank),
        )
    notes = "".join(f"  note: {note}\n" for note in found.notes)
    return f"{printed(table)}\n{notes}"


def sentence(name: str, found: Finding, *, readout: str | None = None) -> str:
    """Where the attribute emerges, with its interval and sets, or why there is no such layer."""
    if readout is not None:
        name = f"{name} ({READOUT_NAMES[readout]})"
    share = f"{100 * found.fb_delta.delta:g}%"
    match found.outcome:
        case "emerged":
            said = (
                f"{name} emerges {_where(found)}. It exceeds {share} of H for good from a layer "
                f"in {set_text(found.fb_delta)}. {robustness_sentence(found)}"
            )
            if found.declines:
                said += f" {_decline(found)}"
        case "from_start":
            said = (
                f"{name} is there from the start: more than half of its plateau of "
                f"{found.plateau_effect:.2f} H at layer 0 already."
            )
        case "died":
            said = (
                f"{name} emerges and is lost again: shown above {share} of H, and shown below it "
                f"at layer {found.horizon}."
            )
        case _:
            said = (
                f"{name} does not emerge by layer {found.horizon}: no lasting effect above "
                f"{share} of H is shown; one of {found.detectable_effect:.3f} H would have been "
                "found with power .8."
            )
    return f"{said} {_basis(found)}"


def robustness_sentence(found: Finding) -> str:
    """The range of the layer of emergence under other defensible choices, as a sentence."""
    rows = found.robustness
    layers = [row.estimate for row in rows if row.estimate is not None]
    if not layers:
        return f"No layer under any of {len(rows)} choices."
    return (
        f"Between {min(layers):.1f} and {max(layers):.1f} under {len(layers)} of {len(rows)} "
        "choices."
    )


def loudness_sentence(name: str, found: Finding, *, readout: str) -> str:
    """When the readout is sure compared with when it knows, and where it says more or less than it
    knows."""
    rows, level = found.layers, f"{100 * found.level:g}%"
    parts = [_sure(found.sure, level)]
    too_loud = [row.layer for row in rows if row.too_loud]
    too_low = [row.layer for row in rows if row.too_quiet]
    if too_loud:
        parts.append(f"is over-confident at {layers_text(too_loud)}")
    if too_low:
        parts.append(f"says less than it knows at {layers_text(too_low)}")
    last = rows[-1]
    lost = last.lost
    return (
        f"{name} ({READOUT_NAMES[readout]}): it {'; it '.join(parts)}. At the last layer the scale "
        f"is {_scale(last.scale.estimate)} ({level} CI {_scale(last.scale.low)} to "
        f"{_scale(last.scale.high)}), and taking it at its word costs "
        f"{_rounded(lost.estimate)} bits ({_rounded(lost.low)} to {_rounded(lost.high)})."
    )


def _sure(sure: Sure, level: str) -> str:
    crossing = sure.lambda_half
    if crossing is not None:
        return (
            f"becomes sure of an answer at layer {crossing.estimate:.1f} ({level} CI "
            f"{crossing.low:.1f} to {crossing.high:.1f})"
        )
    return {
        "emerged": "becomes sure of an answer, less sure again and sure once more, so that no "
        "single layer is given",
        "from_start": "is sure of an answer from the start",
        "died": "is sure of an answer for some layers only",
        "not_emerged": "is at no layer shown to become sure of an answer",
    }[sure.outcome]


def _where(found: Finding) -> str:
    level, last = f"{100 * found.level:g}%", found.layers[-1].layer
    plateau = f"half of its plateau of {found.plateau_effect:.2f} H"
    crossing, layer = found.lambda_half, found.layer
    if crossing is None or layer is None:
        return (
            f"by a layer in {set_text(found.fb_half)} of {last} (forward-backward set; {level}):"
            f" {plateau}; later layers are shown below it, so no single layer is given"
        )
    text = (
        f"at layer {crossing.estimate:.1f} of {last} ({level} CI {crossing.low:.1f} to "
        f"{crossing.high:.1f}; first whole layer {layer.estimate}, {layer.low} to "
        f"{layer.high}; forward-backward set {set_text(found.fb_half)}): {plateau}"
    )
    return f"{text}; from the start is not excluded" if crossing.low <= 0 else text


def _decline(found: Finding) -> str:
    effects = [row.effect for row in found.layers[: found.horizon + 1]]
    return f"It falls from {max(effects):.2f} to {effects[-1]:.2f} H by layer {found.horizon}."


def _basis(found: Finding) -> str:
    tests = ", ".join(
        f"{control} images {p_text(p)}, on the plateau {p_text(found.plateau_p.named[control])}"
        for control, p in found.omnibus_p.named.items()
    )
    holm = p_text(found.omnibus_p_holm)
    held = "" if survives(found) or found.outcome == "not_emerged" else ": it would not survive"
    return f"({found.n_scenes} scenes; {tests}; Holm over the run {holm}{held})"


def _rounded(value: float) -> str:
    """The number with two digits, without a negative zero."""
    return f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def _scale(value: float) -> str:
    """The scale with two significant digits, whatever its size."""
    return f"{value:.2f}" if value < 10 else f"{value:.3g}"
