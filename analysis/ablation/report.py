"""An ablation as a table for the terminal, and what may be said of it."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.ablation.found import OBJECT, REGISTERS, Contrast, FoundAblation
from analysis.effects.found import Interval
from analysis.printed import printed
from analysis.wording import p_text, p_value

WORDS = {
    OBJECT: "tokens that show the object",
    REGISTERS: "tokens of the largest norm (register-like)",
    "elsewhere": "tokens elsewhere in the image",
}


def ablation_text(name: str, found: FoundAblation) -> str:
    """A row per arm, then what may be said."""
    level = f"{100 * found.level:g}%"
    table = Table(
        title=f"{name}: image tokens set to the mean of other images at layer {found.layer}, "
        f"{found.n_scenes} scenes",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption=f"As many tokens in every row ({found.n_tokens:.1f} on average); "
        f"{level} interval over scenes; lost: log2 odds of the right answer against all others. "
        "p: the object's tokens cost no more, one-sided, maximum t over controls.",
        caption_justify="left",
    )
    for header in ("ablated", "lost (bits)", "right", "object costs more", "p"):
        table.add_column(header, justify="left" if header == "ablated" else "right")
    table.add_row("nothing", "", share_text(found.right_before), "", "")
    against = {each.control: each for each in found.contrasts}
    for arm, each in found.arms.items():
        one: Contrast | None = against.get(arm)
        table.add_row(
            WORDS[arm], bits_text(each.lost), share_text(each.right),
            "" if one is None else bits_text(one.lost_more), "" if one is None else p_value(one.p),
        )  # fmt: skip
    return "\n".join([printed(table), *ablation_sentences(name, found)])


def ablation_sentences(name: str, found: FoundAblation) -> list[str]:
    """Whether the answer is shown to need the object's tokens more than as many others."""
    own, before = found.arms[OBJECT], found.right_before
    sentences = [
        f"{name.capitalize()}: with the {found.n_tokens:.1f} tokens that show the object "
        f"ablated, right answers go from {share_text(before)} to {share_text(own.right)} "
        f"({found.n_scenes} scenes, {100 * found.level:g}% intervals)."
    ]
    for each in found.contrasts:
        shown = "cost more than" if each.p <= 1 - found.level else "are not shown to cost more than"
        sentences.append(
            f"They {shown} as many {WORDS[each.control]}: by {bits_text(each.lost_more)} bits "
            f"({p_text(each.p)})."
        )
    if found.left_out:
        told = ", ".join(f"{count:,} ({reason})" for reason, count in found.left_out.items())
        sentences.append(f"Left out: {told}.")
    return sentences


def bits_text(each: Interval) -> str:
    """Bits with their interval."""
    return f"{each.estimate:.2f} ({each.low:.2f} to {each.high:.2f})"


def share_text(each: Interval) -> str:
    """A share in percent with its interval."""
    return f"{100 * each.estimate:.0f}% ({100 * each.low:.0f} to {100 * each.high:.0f})"
