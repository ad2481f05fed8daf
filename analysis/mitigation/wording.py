"""What may be said of methods against hallucination, in sentences."""

from collections.abc import Collection, Iterator

from analysis.hallucination.wording import asked_about, hundredths, noted, percent
from analysis.mitigation.found import Compared, Harm, Judged, Mitigated, Verdict
from analysis.wording import p_text

__all__ = ["MOVED", "labelled", "noted", "plain", "sentences", "signed"]
MOVED = 0.02
"""Change of the share of yes from which on a method is said to move the threshold."""

_LITTLE_ROOM = 3
"""So many margins, or fewer, left above greedy answers are little room for a gain."""


def labelled(name: str, each: Judged) -> str:
    """A method's name, with a word beside it if nothing is expected of it."""
    return f"{name} (placebo)" if each.kind == "placebo" else name


def signed(one: Compared) -> str:
    """A difference with its interval, in thousandths, as "+.012 (-.003 to +.027)"."""
    middle, low, high = (_sign(each) for each in (one.estimate, one.low, one.high))
    return f"{middle} ({low} to {high})"


def plain(value: float) -> str:
    """A number without the zero before it, as ".01"."""
    return f"{value:g}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:g}"


def sentences(name: str, found: Mitigated) -> list[str]:
    """What may be said of all methods together."""
    greedy = found.greedy
    return [
        f"Asked {asked_about(name)}, on {found.n_scenes:,} scenes that nothing was tuned on "
        f"({found.n_items:,} questions; {100 * found.level:g}% intervals over {found.n_groups:,} "
        f"groups of scenes): greedy answers are right in {percent(greedy.accuracy)}, yes in "
        f"{percent(greedy.yes)}, and tell what is there with an AUROC of "
        f"{hundredths(found.greedy_area)}.",
        *_room(found),
        *_cut(found),
        *_discrimination(found),
        *_yes(found),
        *_against_shift(found),
        *_declining(found),
        *_harm(found),
    ]


def _room(found: Mitigated) -> Iterator[str]:
    """Where little can be gained, that none is gained says little of a method."""
    greedy = found.greedy_area
    if 1 - greedy.estimate < _LITTLE_ROOM * found.margin:
        left = (1 - each for each in (greedy.estimate, greedy.high, greedy.low))
        middle, low, high = (plain(round(each, 3)) for each in left)
        yield (
            f"So {middle} ({low} to {high}) of AUROC is left to gain: that a method gains nothing "
            "here says little of it."
        )


def _cut(found: Mitigated) -> Iterator[str]:
    if found.cut_after is not None:
        yield (
            f"Where a method cuts the image late, that is after layer {found.cut_after}, by which, "
            "as the study of causes finds, the larger half of each answer has left the image's "
            "positions."
        )


def _discrimination(found: Mitigated) -> Iterator[str]:
    """Which methods tell better what is there, and of which that is ruled out."""
    by: dict[Verdict | None, list[str]] = {}
    for name, each in found.methods.items():
        by.setdefault(each.verdict, []).append(name)

    def parts(verdict: Verdict) -> str:
        return "; ".join(_with_gain(name, found.methods[name]) for name in by[verdict])

    if "gain" in by:
        yield (
            "The AUROC, which no shift of the threshold changes, is higher than that of greedy "
            f"answers with: {parts('gain')}."
        )
    else:
        yield (
            "With no method is the AUROC, which no shift of the threshold changes, shown to be "
            "higher than that of greedy answers."
        )
    if "loss" in by:
        yield f"It is lower with: {parts('loss')}."
    if "gain" in by or "loss" in by:
        yield "These p-values are adjusted by Holm's method over all methods."
    if "no gain" in by:
        names = [labelled(name, found.methods[name]) for name in by["no gain"]]
        yield (
            f"A difference of {plain(found.margin)} or more in AUROC is ruled out for: "
            f"{'; '.join(names)}."
        )
    if "not shown" in by:
        names = [labelled(name, found.methods[name]) for name in by["not shown"]]
        yield (
            "Neither a difference in AUROC nor that there is none is shown for: "
            f"{'; '.join(names)}."
        )


def _yes(found: Mitigated) -> Iterator[str]:
    """How often yes is said, where a method changes that."""
    base = found.greedy.yes.estimate
    moved = [
        f"{labelled(name, each)} (to {percent(each.answers.yes)})"
        for name, each in found.methods.items()
        if each.answers is not None and abs(each.answers.yes.estimate - base) >= MOVED
    ]
    if moved:
        yield (
            f"Among these questions the share of yes, {100 * base:.1f}% with greedy answers, "
            f"differs by {100 * MOVED:g} points or more with: {'; '.join(moved)}."
        )
    else:
        yield (
            f"Among these questions the share of yes differs by {100 * MOVED:g} points or more "
            "with no method."
        )


def _against_shift(found: Mitigated) -> Iterator[str]:
    """The methods against greedy answers that say yes as often."""
    alpha = 1 - found.level + 1e-12
    shown = {
        labelled(name, each): each.against_shift.difference
        for name, each in found.methods.items()
        if each.against_shift is not None and each.against_shift.difference.p <= alpha
    }
    told = {name: f"{name} ({signed(one)}, {p_text(one.p)})" for name, one in shown.items()}
    more = [told[name] for name, one in shown.items() if one.estimate > 0]
    fewer = [told[name] for name, one in shown.items() if one.estimate < 0]
    shifted = "greedy answers whose threshold is moved until as many are yes"
    if more:
        yield f"A greater share is right than of {shifted} with: {'; '.join(more)}."
    else:
        yield f"No method is shown to be right more often than {shifted}."
    if fewer:
        yield f"A smaller share is right than of these with: {'; '.join(fewer)}."


def _declining(found: Mitigated) -> Iterator[str]:
    for attribute in found.premises:
        parts, numbers = [], set[int]()
        for name, harm in _harms(found, attribute):
            numbers.add(harm.n_absent)
            if harm.declined_absent is not None and harm.declined_present is not None:
                parts.append(
                    f"{name} declines {percent(harm.declined_absent)} of them and "
                    f"{percent(harm.declined_present)} of those about what is there"
                )
        if parts:
            yield (
                f"Of {_count(numbers)} questions for the {attribute} of absent things, "
                f"{'; '.join(parts)}."
            )


def _harm(found: Mitigated) -> Iterator[str]:
    alpha = 1 - found.level + 1e-12
    for attribute in found.premises:
        numbers = {each.n_there for _, each in _harms(found, attribute)}
        what = f"{_count(numbers)} questions for the {attribute} of what is there"
        shown = {n: each.lost for n, each in _harms(found, attribute) if each.lost.p <= alpha}
        told = {name: f"{name} ({signed(one)}, {p_text(one.p)})" for name, one in shown.items()}
        fewer = [told[name] for name, one in shown.items() if one.estimate < 0]
        more = [told[name] for name, one in shown.items() if one.estimate > 0]
        if fewer:
            yield f"A smaller share of the {what} is answered right with: {'; '.join(fewer)}."
        else:
            yield f"No method is shown to harm {what}."
        if more:
            yield f"A greater share of the {what} is answered right with: {'; '.join(more)}."


def _count(numbers: Collection[int]) -> str:
    """How many questions were asked, the same for every method."""
    return ", ".join(f"{each:,}" for each in sorted(numbers))


def _harms(found: Mitigated, attribute: str) -> Iterator[tuple[str, Harm]]:
    """What each method does to questions for an attribute, by how it is called."""
    for name, each in found.methods.items():
        if attribute in each.harm:
            yield labelled(name, each), each.harm[attribute]


def _with_gain(name: str, each: Judged) -> str:
    called = labelled(name, each)
    return called if each.gain is None else f"{called} ({signed(each.gain)}, {p_text(each.gain.p)})"


def _sign(value: float) -> str:
    text = f"{value:+.3f}"
    if text in ("-0.000", "+0.000"):
        return ".000"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
