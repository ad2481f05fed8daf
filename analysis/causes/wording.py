"""What is found about causes, in sentences: the same on the terminal, in the paper and on the
page."""

from collections.abc import Sequence

from analysis.causes.control_wording import control_sentences
from analysis.causes.found import EDGES, Caused, Gap, HandOver
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
        _natural(found),
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
    return f"taken from the image's positions until {_layer(over.at, over, found)}"


def carried_text(found: Caused) -> str:
    """From which layer the answer is carried at the answer position."""
    over = found.every.into
    if over is None or over.at is None:
        return f"carried at the answer position from {_no_layer(over)}"
    return f"carried at the answer position from {_layer(over.at, over, found)}"


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
    """Where reading and use part. Between two layers a crossing is interpolated, and where in
    between a step is does not show, so that a gap of less than one layer is none to speak of."""
    alpha = 1 - found.level
    apart = [each for each in found.gaps if each.p_holm <= alpha and abs(each.estimate) >= 1]
    sentences = []
    if apart:
        p = max(each.p_holm for each in apart)
        sentences.append(
            f"Reading and use are apart: {'; '.join(_edge(edge, apart) for edge in EDGES)} "
            f"(the least clear of {len(apart)} gaps has {p_text(p)}, Holm)."
            if len({each.edge for each in apart}) > 1
            else f"Reading and use are apart: {_edge(apart[0].edge, apart)} (the least clear of "
            f"{len(apart)} gaps has {p_text(p)}, Holm)."
        )
    near = [each for each in found.gaps if each not in apart]
    if near:
        least, most = min(each.estimate for each in near), max(each.estimate for each in near)
        sentences.append(
            f"{'The other' if apart else 'All'} {len(near)} gaps between a readout's layer and one "
            f"of use are less than a layer, or not shown ({least:+.1f} to {most:+.1f} layers)."
        )
    return sentences


def _edge(edge: str, gaps: Sequence[Gap]) -> str:
    """How far from the layers of readouts one end of the hand-over is."""
    what = "leaves the image's positions" if edge == "out" else "reaches the answer position"
    own = [each for each in gaps if each.edge == edge]
    told = [
        f"{abs(each.estimate):.1f} layers ({min(abs(each.low), abs(each.high)):.1f} to "
        f"{max(abs(each.low), abs(each.high)):.1f}) {'after' if each.estimate > 0 else 'before'} "
        f"the {READOUT_NAMES[each.readout]} can{' read it' if each is own[0] else ''}"
        for each in own
    ]
    return f"the effect {what} {', '.join(told)}"


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


def _natural(found: Caused) -> str:
    kind, layer, most = max(
        (
            (kind, layer, each)
            for kind, layers in found.distance.items()
            for layer, each in enumerate(layers)
        ),
        key=lambda one: one[2],
    )
    return (
        f"After a swap the last residual lies near natural ones: at most {most:.1f} times as far "
        f"from the nearest as these lie from each other ({KIND_NAMES.get(kind, kind)}, layer "
        f"{layer}; medians over pairs)."
        if most <= 1
        else f"After a swap the last residual can lie far from natural ones: {most:.1f} times as "
        f"far from the nearest as these lie from each other ({KIND_NAMES.get(kind, kind)}, layer "
        f"{layer}; medians over pairs), so that such shares may be the model's answer to states "
        "that it never has."
    )


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


def _no_layer(over: HandOver | None) -> str:
    if over is None:
        return "no layer"
    if over.from_start:
        return "layer 0 at most"
    why = "the share turns back" if not over.monotone else "half is not reached"
    return f"no single layer ({why}; set {set_text(over.fb_half)})"


def _layer(at: Estimated, over: HandOver, found: Caused) -> str:
    """A layer between two with its interval, and the set of whole layers."""
    ends = _ends(at, found).removesuffix(")")
    return f"layer {at.estimate:.1f} {ends}; set {set_text(over.fb_half)})"


def _ends(interval: Estimated, found: Caused) -> str:
    return f"({100 * found.level:g}% CI {interval.low:.1f} to {interval.high:.1f})"
