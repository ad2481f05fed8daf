"""Results in words: the table of an attribute, and the one sentence that answers the question."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.reporting.printed import printed

READOUT_NAMES = {
    "logit_lens": "logit lens",
    "tuned_lens": "tuned lens",
    "linear_probe": "linear probe",
}


def attribute_table(name: str, found: Mapping[str, Any], *, readout: str) -> str:
    """A row per layer: scores under the three conditions, the effect and what it was tested by."""
    level = f"{100 * found['level']:g}%"
    table = Table(
        title=f"{name}, {READOUT_NAMES[readout]}: {found['n_scenes']} scenes, "
        f"{found['n_items']} items, {found['n_texts']} questions, "
        f"H = {found['answer_entropy_bits']:.2f} bits",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"Scores in bits, log2 p(answer). Effect against {found['primary_control']} images "
        f"as share of H, {level} interval over scenes ({found['interval_method']} bootstrap). "
        "p: one-sided, adjusted over layers.",
        caption_justify="left",
    )
    headers = (
        "layer", "real", "shuffled", "blank", "effect", f"{level} CI", "p shuffled", "p blank",
    )  # fmt: skip
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for row in found["layers"]:
        table.add_row(
            str(row["layer"]),
            *(f"{row[condition]:.2f}" for condition in ("real", "shuffled", "blank")),
            f"{row['effect']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            p_value(row["p_shuffled"]),
            p_value(row["p_blank"]),
        )
    notes = "".join(f"  note: {note}\n" for note in found["notes"])
    return f"{printed(table)}\n{notes}"


def sentence(name: str, found: Mapping[str, Any], *, readout: str | None = None) -> str:
    """Where the attribute emerges, with its interval and sets, or why there is no such layer."""
    if readout is not None:
        name = f"{name} ({READOUT_NAMES[readout]})"
    last = found["layers"][-1]["layer"]
    tests = ", ".join(f"{c} images {p_text(p)}" for c, p in found["omnibus_p"].items())
    basis = f"{found['n_scenes']} scenes; omnibus {tests}"
    level = f"{100 * found['level']:g}%"
    share = f"{100 * found['fb_delta']['delta']:g}%"
    match found["outcome"]:
        case "emerged":
            crossing = found["lambda_half"]
            return (
                f"{name} emerges at layer {crossing['estimate']:.1f} of {last} "
                f"({level} CI {crossing['low']:.1f} to {crossing['high']:.1f}; forward-backward "
                f"set {_set(found['fb_half'])}): half of its plateau of "
                f"{found['plateau_effect']:.2f} H. It exceeds {share} of H for good from a layer "
                f"in {_set(found['fb_delta'])} ({basis})."
            )
        case "from_start":
            return (
                f"{name} is there from the start: more than half of its plateau of "
                f"{found['plateau_effect']:.2f} H at layer 0 already ({basis})."
            )
        case "died":
            return (
                f"{name} emerges and is lost again: shown above {share} of H, but fallen and not "
                f"shown above it at layer {found['horizon']} ({basis})."
            )
        case _:
            return (
                f"{name} does not emerge by layer {found['horizon']}: no lasting effect above "
                f"{share} of H is shown; one of {found['detectable_effect']:.3f} H would have been "
                f"found with power .8 ({basis})."
            )


def p_value(p: float) -> str:
    """Three digits, and a bound below what they show; p is never 0."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def p_text(p: float) -> str:
    """For running text: "p < .001" or "p = .012"."""
    shown = p_value(p)
    return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


def _set(ends: Mapping[str, Any]) -> str:
    if ends["high"] is None:
        return f"{ends['low']} or later"
    return f"{ends['low']} to {ends['high']}"
