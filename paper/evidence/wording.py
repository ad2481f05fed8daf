"""Clauses on where an attribute emerges. The wording is chosen by the result, so it is true in
every case."""

from collections.abc import Mapping

from analysis.effects.found import Finding
from analysis.wording import Ends, listed, survives
from paper.evidence.plain import interval, layer_set, level, number, of_h, p_said

OUTCOMES = {
    "emerged": "emerges",
    "from_start": "from the start",
    "died": "lost again",
    "not_emerged": "does not emerge",
}
"""Short words for each outcome, for a cell of a table."""


def emergence_clause(name: str, found: Finding) -> str:
    """A clause that says where the attribute `name` emerges, with the interval if there is a
    layer."""
    said = f"{name} {_verb(found)}"
    if found.outcome == "not_emerged" or survives(found):
        return said
    adjusted = p_said(found.omnibus_p_holm)
    return f"{said}, which would not survive Holm\u2019s adjustment over the run ({adjusted})"


def _verb(found: Finding) -> str:
    last = found.layers[-1].layer
    match found.outcome:
        case "emerged":
            crossing = found.lambda_half
            if crossing is None:
                return (
                    f"emerges by a layer of its {level(found.level)} forward-backward set, "
                    f"{layer_set(found.fb_half)} of {last}, and has no single layer, since its "
                    "curve is shown to fall below half of its plateau again"
                )
            start = ", so that from the start is not excluded" if crossing.low <= 0 else ""
            return (
                f"emerges at layer {number(crossing.estimate, 1)} of {last} "
                f"({level(crossing.level)} CI {interval(crossing, 1)}{start})"
            )
        case "from_start":
            return "is there from the start, at layer 0 already"
        case "died":
            return f"emerges and is lost again by layer {found.horizon}"
        case _:
            return (
                f"does not emerge by layer {found.horizon} (an effect of "
                f"{of_h(found.detectable_effect, 3)} would have been found with power .8)"
            )


def emergence_sentences(name: str, found: Finding) -> str:
    """The clause on emergence, followed by sentences on the plateau, the sets, a decline, other
    analysis choices and the tests."""
    clause = emergence_clause(name, found)
    parts = [f"{clause[:1].upper()}{clause[1:]}.", *_about(found)]
    if found.outcome != "not_emerged" and found.declines:
        parts.append(decline_sentence(found))
    if found.outcome == "emerged" and found.lambda_half is not None:
        parts.append(robustness_sentence(found))
    return " ".join([*parts, tests_sentence(found)])


def _about(found: Finding) -> list[str]:
    """Whole sentences that explain what the outcome means for this attribute."""
    share = f"{100 * found.fb_delta.delta:g}%"
    plateau = of_h(found.plateau_effect)
    match found.outcome:
        case "emerged" if found.lambda_half is not None:
            return [
                f"There it reaches half of its plateau of {plateau}.",
                f"The first whole layer past that is {whole_layer(found)}. The forward-backward "
                f"set for it is {set_clause(found.fb_half)}, and that for exceeding {share} of "
                f"H for good is {set_clause(found.fb_delta)}.",
            ]
        case "emerged":
            return [
                f"Its plateau is {plateau}. The forward-backward set for exceeding {share} of H "
                f"for good is {set_clause(found.fb_delta)}."
            ]
        case "from_start":
            return [f"More than half of its plateau of {plateau} is there without any block."]
        case "died":
            return [
                f"It is shown above {share} of H, and shown below that at layer {found.horizon}."
            ]
        case _:
            return [f"No plateau above {share} of H that both controls confirm is shown."]


def decline_sentence(found: Finding) -> str:
    """A sentence on how far the curve has fallen at the last layer that is considered (the
    horizon)."""
    effects = [row.effect for row in found.layers[: found.horizon + 1]]
    return (
        f"It declines: of {of_h(max(effects))} at its height, {of_h(effects[-1])} are left "
        f"at layer {found.horizon}."
    )


def robustness_range(found: Finding) -> tuple[float, float] | None:
    """The smallest and the largest layer of emergence over other analysis choices. None if no
    choice gives a layer."""
    layers = [row.estimate for row in found.robustness if row.estimate is not None]
    return (min(layers), max(layers)) if layers else None


def robustness_sentence(found: Finding) -> str:
    """A sentence on how far the layer moves under other analysis choices that would be as
    reasonable."""
    ends, n_choices = robustness_range(found), len(found.robustness)
    if ends is None:
        return f"None of {n_choices} defensible choices gives a layer."
    n_held = sum(row.estimate is not None for row in found.robustness)
    low, high = (number(end, 1) for end in ends)
    return (
        f"Under {n_held} of {n_choices} defensible choices, the declared one among them, the layer "
        f"lies between {low} and {high}."
    )


def ranges_sentence(findings: Mapping[str, Finding]) -> str:
    """A sentence with that range for every attribute that has a layer."""
    said = []
    for name, found in findings.items():
        ends = robustness_range(found)
        if found.lambda_half is None or ends is None:
            continue
        rows = found.robustness
        n_held = sum(row.estimate is not None for row in rows)
        low, high = (number(end, 1) for end in ends)
        less = f" ({n_held} of {len(rows)} choices give one)" if n_held < len(rows) else ""
        said.append(f"between {low} and {high} for {name}{less}")
    if not said:
        return "No attribute has a layer that could move."
    return f"Over all of them, the layer lies {listed(said)}."


def tests_sentence(found: Finding) -> str:
    """A sentence on the deciding p-values: for each control the larger of its two tests, and the
    p-value after Holm's adjustment."""
    tests = " and ".join(
        f"{p_said(max(p, found.plateau_p.named[control]))} against {control} images"
        for control, p in found.omnibus_p.named.items()
    )
    return (
        f"The larger p of the tests over all layers and on the plateau is {tests}; adjusted over "
        f"the run by Holm\u2019s method, {p_said(found.omnibus_p_holm)} ({found.n_scenes:,} "
        "scenes)."
    )


def whole_layer(found: Finding) -> str:
    """The first whole layer as text, with its interval if that holds more than one layer. Empty if
    there is no such layer."""
    layer = found.layer
    if layer is None:
        return ""
    if layer.low == layer.high == layer.estimate:
        return str(layer.estimate)
    return f"{layer.estimate} ({layer.low} to {layer.high})"


def set_clause(ends: Ends) -> str:
    """The layers of a forward-backward set, preceded by the word "layer" or "layers"."""
    word = "layer" if ends.low == ends.high or ends.high is None else "layers"
    return f"{word} {layer_set(ends)}"


def outcome_word(found: Finding) -> str:
    """The outcome of a finding as a short word for a cell of a table."""
    word = OUTCOMES[found.outcome]
    falls = found.outcome in ("emerged", "from_start") and found.declines
    return f"{word}, declines" if falls else word


def controls_clause(findings: Mapping[str, Finding]) -> str:
    """A clause on which attributes pass both tests against both controls, and which do not."""
    beaten = [
        name for name, found in findings.items() if found.largest_p <= 1 - found.level + 1e-12
    ]
    others = [name for name in findings if name not in beaten]
    if not others:
        which = "every attribute" if len(beaten) > 1 else beaten[0]
        return f"the image beats both controls for {which}"
    if not beaten:
        return f"the image beats both controls for none of {listed(list(findings))}"
    return f"the image beats both controls for {listed(beaten)}, and not for {listed(others)}"
