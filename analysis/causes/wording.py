"""What is found about causes, in sentences: the same on the terminal, in the paper and on the
page."""

from analysis.causes.found import Caused, Elsewhere, Gap, HandOver, Nothing
from analysis.wording import READOUT_NAMES, Estimated, layers_text, p_text, set_text

KIND_NAMES = {
    "image": "image positions",
    "object": "the object's positions",
    "rest": "the rest of the image",
    "question": "question",
    "answer": "answer position",
}


def causes_sentences(name: str, found: Caused) -> list[str]:
    """What may be said of one attribute, sentence by sentence."""
    if not found.follows:
        return [_no_effect(name, found)]
    return [
        f"{name.capitalize()}: {readable_text(found)}; {taken_text(found)}; {carried_text(found)}.",
        *_between(found),
        _window(found),
        *_gaps(found),
        *_unused(name, found),
        _followed(found),
        *_beside(found),
        *_right(found),
        *control_sentences(found),
    ]


def readable_text(found: Caused) -> str:
    """From which layer the attribute is readable, by each readout."""
    by = [
        f"layer {each.half.estimate:.1f} by the {READOUT_NAMES[readout]} {_ends(each.half, found)}"
        for readout, each in found.readable.items()
        if each.half is not None
    ]
    none = [READOUT_NAMES[name] for name, each in found.readable.items() if each.half is None]
    said = f"readable from {', '.join(by)}" if by else "readable from no single layer"
    return said + (f" (no layer by the {' and the '.join(none)})" if by and none else "")


def taken_text(found: Caused) -> str:
    """Until which layer the answer is taken from the image's positions."""
    over = found.every.out
    if over is None or over.at is None:
        return f"taken from the image's positions until {_no_layer(over)}"
    return f"taken from the image's positions until layer {over.at.estimate:.1f} " + _ends(
        over.at, found
    )


def carried_text(found: Caused) -> str:
    """From which layer the answer is carried at the answer position."""
    over = found.every.into
    if over is None or over.at is None:
        return f"carried at the answer position from {_no_layer(over)}"
    return f"carried at the answer position from layer {over.at.estimate:.1f} " + _ends(
        over.at, found
    )


def control_sentences(found: Caused) -> list[str]:
    """What the controls say, each with what is not shown."""
    sentences = [_nothing(each, found) for each in found.nothing]
    if found.cut:
        sentences.append(_cut(found))
    if found.elsewhere:
        sentences.append(_elsewhere(found.elsewhere))
    if found.erased:
        fell = [each.layer for each in found.erased if each.fell]
        lowest = min(found.erased, key=lambda each: each.retained.estimate)
        sentences.append(
            f"Erased linearly at the object's positions, a probe is shown back at chance at "
            f"{layers_text(fell) if fell else 'no layer'}, and of the effect "
            f"{100 * lowest.retained.estimate:.0f}% is left at layer {lowest.layer} "
            f"({100 * lowest.retained_other.estimate:.0f}% with {lowest.other} erased instead)."
        )
    if found.directed:
        most = max(found.directed, key=lambda each: each.probe.estimate)
        sentences.append(
            f"Setting the probe's direction at the answer position moves at most "
            f"{100 * most.probe.estimate:.0f}% (layer {most.layer}), random directions of equal "
            f"length {100 * most.random.estimate:.0f}% there, probes of permuted labels "
            f"{100 * most.permuted.estimate:.0f}%."
        )
    return sentences


def gap_text(gap: Gap) -> str:
    """One gap: how far before or after the readout's layer the hand-over is."""
    edge = "leaves the image's positions" if gap.edge == "out" else "reaches the answer position"
    side = "after" if gap.estimate >= 0 else "before"
    low, high = sorted((abs(gap.low), abs(gap.high))) if gap.low * gap.high > 0 else (None, None)
    ends = f"{low:.1f} to {high:.1f}" if low is not None else f"{gap.low:+.1f} to {gap.high:+.1f}"
    return (
        f"the effect {edge} {abs(gap.estimate):.1f} layers ({ends}) {side} the "
        f"{READOUT_NAMES[gap.readout]} can read it ({p_text(gap.p_holm)}, Holm)"
    )


def _no_effect(name: str, found: Caused) -> str:
    follows, chance = found.every.follows, found.by_chance
    if follows.shown and chance is not None:
        return (
            f"{name.capitalize()}: nothing is said about causes, for the answer is not shown to "
            f"follow the image more than with random weights: it turns with it in "
            f"{100 * chance.own:.0f}% more of {chance.n_pairs} pairs than against it, and in a "
            f"random copy of the model in up to {100 * chance.largest:.0f}% ({p_text(chance.p)} by "
            f"its rank among {chance.n_copies})."
        )
    return (
        f"{name.capitalize()}: nothing is said about causes, for the answer is not shown to follow "
        f"the image: it turns with it in {100 * follows.share_right:.0f}% of {found.n_pairs} pairs "
        f"and against it in {100 * follows.share_wrong:.0f}%, and must do so by more than "
        f"{100 * follows.margin:.0f}% ({p_text(max(follows.p, follows.total_p))})."
    )


def _between(found: Caused) -> list[str]:
    """Where question tokens carry a share that matters on the way."""
    shares = found.every.places["question"]
    layer = max(range(len(shares)), key=lambda at: shares[at].estimate)
    most = shares[layer]
    if most.low <= found.asked.margin:
        return []
    return [
        f"On the way it is carried by the question's tokens, most at layer {layer}: "
        f"{100 * most.estimate:.0f}% of the effect ({100 * most.low:.0f} to "
        f"{100 * most.high:.0f}%)."
    ]


def _window(found: Caused) -> str:
    window = found.every.window
    if window is None or (window.start is None and window.end is None):
        return "Where the hand-over begins and ends is not shown."
    parts = []
    if window.start is not None:
        parts.append(
            f"more than {100 * (1 - window.margin):.0f}% of the effect is shown at the image's "
            f"positions up to layer {window.start}"
        )
    if window.end is not None:
        parts.append(f"less than {100 * window.margin:.0f}% from layer {window.end} on")
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]} ({100 * found.level:g}% together)."


def _gaps(found: Caused) -> list[str]:
    alpha = 1 - found.level
    shown = [each for each in found.gaps if each.p_holm <= alpha]
    rest = [each for each in found.gaps if each.p_holm > alpha]
    sentences = []
    if shown:
        text = "; ".join(gap_text(each) for each in shown)
        first = all(each.estimate > 0 for each in shown)
        sentences.append(
            f"Reading comes first: {text}." if first else f"Reading and use differ: {text}."
        )
    if rest:
        names = sorted({READOUT_NAMES[each.readout] for each in rest})
        sentences.append(
            f"No gap is shown between use and the {' and the '.join(names)} "
            f"({len(rest)} of {len(found.gaps)} comparisons)."
        )
    return sentences


def _unused(name: str, found: Caused) -> list[str]:
    said = [
        f"by the {READOUT_NAMES[readout]} at {layers_text(layers)}"
        for readout, layers in found.unused.items()
        if layers
    ]
    if not said:
        return ["At no layer is it shown to be readable at the answer position but not used there."]
    return [
        f"Readable at the answer position but not used there: {name} is shown to be readable "
        f"{', '.join(said)}, where what lies there is shown to move less than "
        f"{100 * found.asked.margin:.0f}% of the answer."
    ]


def _followed(found: Caused) -> str:
    follows, outside = found.every.follows, found.changed_outside
    kind = "minimal pairs" if found.pairs == "minimal" else "matched pairs"
    text = (
        f"{found.n_pairs} {kind}, both directions; the preferred answer turns with the image in "
        f"{100 * follows.share_right:.0f}%, against it in {100 * follows.share_wrong:.0f}%, by "
        f"{follows.total_bits:.1f} bits on average"
    )
    chance = found.by_chance
    if chance is not None:
        text += (
            f" (in {chance.n_copies} copies of random weights by up to "
            f"{100 * chance.largest:.0f}% more than against it; {p_text(chance.p)})"
        )
    if "8" in outside:
        text += (
            f"; of the pixels outside the changed object {100 * outside['8']:.1f}% change by more "
            "than 8 of 255"
        )
    return text + "."


def _beside(found: Caused) -> list[str]:
    if not found.whole_from:
        return []
    return [
        f"In this model image features still come in from beside until layer {found.whole_from}: "
        "below it, swaps cannot move all of the effect."
    ]


def _right(found: Caused) -> list[str]:
    if found.right is None:
        return ["Too few pairs are answered right on both sides to be looked at alone."]
    out, into = (
        f"{over.at.estimate:.1f} {_ends(over.at, found)}" if over and over.at else "no layer"
        for over in (found.right.out, found.right.into)
    )
    return [
        f"Of the {found.right.n_pairs} pairs that are answered right on both sides: out at {out}, "
        f"in at {into}."
    ]


def _nothing(each: Nothing, found: Caused) -> str:
    most = "any share" if each.most is None else f"up to {100 * each.most:.0f}%"
    verdict = "is shown to move nothing" if each.shown else "is not shown to move nothing"
    return (
        f"Control, {each.what} ({each.n_pairs} pairs): {verdict} (less than "
        f"{100 * each.margin:.0f}%) at {layers_text(each.layers)}; {most} is not excluded "
        f"({p_text(each.p)})."
    )


def _cut(found: Caused) -> str:
    enough = 1 - found.asked.margin
    layer = next(at for at, each in enumerate(found.cut) if each.low > enough)
    kept = found.cut[layer]
    return (
        f"By other means: text that cannot look at the image after layer {layer} still has "
        f"{100 * kept.estimate:.0f}% of the effect ({100 * kept.low:.0f} to "
        f"{100 * kept.high:.0f}%), the first layer at which more than {100 * enough:.0f}% is shown."
    )


def _elsewhere(ranks: tuple[Elsewhere, ...]) -> str:
    told = [
        f"{100 * each.object:.0f}% against {100 * each.median:.0f}% "
        f"(most {100 * each.largest:.0f}%) at layer {each.layer} ({p_text(each.p)})"
        for each in ranks
    ]
    return (
        f"Control, as many positions elsewhere in the image ({ranks[0].n_draws} draws, "
        f"{ranks[0].n_pairs} pairs): the object's move {'; '.join(told)}."
    )


def _no_layer(over: HandOver | None) -> str:
    if over is None:
        return "no layer"
    if over.from_start:
        return "layer 0 at most"
    why = "the share turns back" if not over.monotone else "half is not reached"
    return f"no single layer ({why}; set {set_text(over.fb_half)})"


def _ends(interval: Estimated, found: Caused) -> str:
    return f"({100 * found.level:g}% CI {interval.low:.1f} to {interval.high:.1f})"
