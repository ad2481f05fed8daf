"""Where a concept is recognised, and what a decoder can tell, as tables and in sentences."""

import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.concept.found import ConceptAtLayer, DecodedColumn, FoundConcept
from analysis.printed import WIDTH, printed
from analysis.wording import p_text, p_value, set_text

_CONTROLS = {"contrast": "above the contrast", "blank": "above the blank image"}


def concept_table(found: FoundConcept) -> str:
    """A row per layer: scores of own, contrast and blank images, the effect, its tests, the AUC."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{concept_name(found)}, logit lens: {found.n_own} own images, "
        f"{found.n_contrast} of the contrast",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        title_justify="left",
        title_style="bold",
        caption=f"Scores in bits, {score_text(found)}, to the question "
        f"\u201c{found.made_from.question}\u201d. Effect: own minus contrast, {level} "
        "interval of each layer alone, both folders redrawn. p: Welch t, maximum over layers, "
        "one-sided; own images above those of the contrast, and above the blank one. AUC: "
        "probability that an own image scores above another, interval of each layer alone.",
        caption_justify="left",
    )
    headers = ("layer", "own", "contrast", "blank", "effect", f"{level} CI", "p contrast",
               "p blank", "AUC", f"{level} CI ")  # fmt: skip
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for row in found.layers:
        table.add_row(
            str(row.layer),
            *map(two_digits, (row.own, row.contrast, row.blank, row.effect)),
            f"{two_digits(row.low)} to {two_digits(row.high)}",
            p_value(row.p_contrast),
            p_value(row.p_blank),
            f"{row.auc:.2f}",
            f"{row.auc_low:.2f} to {row.auc_high:.2f}",
        )
    return f"{printed(table)}\n{_notes(found.notes)}"


def concept_sentence(found: FoundConcept) -> str:
    """From which layer on the concept is recognised, or why there is no such layer."""
    last = found.layers[-1]
    name, level = concept_name(found), f"{100 * found.level:g}%"
    basis = f"{found.n_own} own and {found.n_contrast} contrast images; {_tests(found)}"
    ends = _ends(last, level)
    crossing = found.lambda_half
    match found.outcome:
        case "emerged" if crossing is not None:
            return (
                f"{name} is recognised from layer {crossing.estimate:.1f} of {last.layer} on "
                f"({level} CI {crossing.low:.1f} to {crossing.high:.1f}; forward-backward "
                f"set {set_text(found.fb_half)}): half of its plateau of "
                f"{found.plateau_effect:.2f} bits; {ends} ({basis})."
            )
        case "emerged":
            return (
                f"{name} is recognised by a layer in {set_text(found.fb_half)} of {last.layer} "
                f"(forward-backward set; {level}) and has no single layer, since its curve is "
                f"shown to fall below half of its plateau of {found.plateau_effect:.2f} bits "
                f"again; {ends} ({basis})."
            )
        case "from_start":
            return (
                f"{name} is there from the start: more than half of its plateau of "
                f"{found.plateau_effect:.2f} bits at layer 0 already; {ends} ({basis})."
            )
        case "died":
            return (
                f"{name} sets own images apart at some layer and is lost again by layer "
                f"{found.horizon}: that is no recognition; {ends} ({basis})."
            )
        case _:
            return (
                f"{name} is not shown to be recognised by layer {found.horizon}"
                f"{_not_beaten(found)}: an effect of {found.detectable_effect:.2f} bits would "
                f"have been found with power .8; {ends} ({basis})."
            )


def _ends(last: ConceptAtLayer, level: str) -> str:
    return (
        f"at layer {last.layer} {last.effect:+.2f} bits, {level} CI {last.low:+.2f} to "
        f"{last.high:+.2f}, AUC {last.auc:.2f}, CI {last.auc_low:.2f} to "
        f"{last.auc_high:.2f}"
    )


def _tests(found: FoundConcept) -> str:
    """The p-values of both controls, on the plateau and over layers, with the names of the
    tests."""
    on_plateau, over_layers = (
        " and ".join(f"{p_text(p)} {_CONTROLS[name]}" for name, p in tests.named.items())
        for tests in (found.plateau_p, found.omnibus_p)
    )
    first, last = found.plateau
    return (
        f"Welch t, one-sided, on the plateau of layers {first} to {last}: {on_plateau}; its "
        f"maximum over layers: {over_layers}"
    )


def _not_beaten(found: FoundConcept) -> str:
    """The controls that were not beaten: those on the plateau, or if there are none, those over
    layers."""
    alpha = 1 - found.level + 1e-12
    for tests, where in ((found.plateau_p, "on the plateau"), (found.omnibus_p, "over layers")):
        names = [_CONTROLS[name] for name, p in tests.named.items() if p > alpha]
        if names:
            return f" ({where} not shown {' nor '.join(names)})"
    return ""


def concept_name(found: FoundConcept) -> str:
    """The concept's words, and those that they are held against."""
    asked = found.made_from
    name = ", ".join(asked.words)
    return f"{name} against {', '.join(asked.against)}" if asked.against else name


def score_text(found: FoundConcept) -> str:
    """A description of the score, for the heading of a table."""
    if found.made_from.against:
        return "log2 of the odds of the words against the others"
    return "log2 p of the words over the whole vocabulary"


def decode_table(column: str, found: DecodedColumn) -> str:
    """A row per layer: the decoder's score on held-out images, and that on permuted values."""
    level, measure = f"{100 * found.level:g}%", measure_text(found)
    table = Table(
        title=f"{column}, decoded from own images: {found.n_scenes} images, {measure}",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"On images that the decoder has not seen, cross-fitted; {level} intervals over "
        f"images. p: above the baseline ({baseline_text(found)}), one-sided, adjusted over layers. "
        "permuted: fitted on permuted values.",
        caption_justify="left",
    )
    for header in ("layer", measure, f"{level} CI", "p", "permuted", f"{level} CI "):
        table.add_column(header, justify="right", no_wrap=True)
    for row in found.layers:
        other = row.permuted
        table.add_row(
            str(row.layer),
            two_digits(row.score),
            f"{two_digits(row.low)} to {two_digits(row.high)}",
            p_value(row.p),
            two_digits(other.score),
            f"{two_digits(other.low)} to {two_digits(other.high)}",
        )
    left = found.left_out
    notes = [f"{left} own images have no row in the CSV: not decoded"] if left else []
    return f"{printed(table)}\n{_notes(notes)}"


def decode_sentence(column: str, found: DecodedColumn) -> str:
    """The decoder's score at the last layer, and at how many layers it is above the baseline."""
    last, level = found.layers[-1], f"{100 * found.level:g}%"
    shown = [str(row.layer) for row in found.layers if row.p <= 1 - found.level]
    where = f"shown above the baseline at layers {', '.join(shown)}" if shown else (
        "not shown above the baseline at any layer"
    )  # fmt: skip
    return (
        f"{column}: {measure_text(found)} of {two_digits(last.score)} at layer {last.layer} "
        f"({level} CI {two_digits(last.low)} to {two_digits(last.high)}, "
        f"{p_text(last.p)}; permuted {two_digits(last.permuted.score)}; "
        f"baseline {baseline_text(found)}); {where} ({found.n_scenes} images)."
    )


def two_digits(value: float) -> str:
    """The number with two digits, without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def measure_text(found: DecodedColumn) -> str:
    """The name of the score as it is printed."""
    return "R\u00b2" if found.measure == "R2" else "accuracy"


def baseline_text(found: DecodedColumn) -> str:
    """A description of the baseline."""
    base = found.baseline
    if base is None:
        return "the training images' mean, R\u00b2 = 0"
    return f"the usual label, accuracy {base.score:.2f}, CI {base.low:.2f} to {base.high:.2f}"


def _notes(notes: Sequence[str]) -> str:
    return "".join(
        f"{textwrap.fill(f'  note: {note}', WIDTH, subsequent_indent='    ')}\n" for note in notes
    )
