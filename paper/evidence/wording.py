"""Clauses whose wording depends on a result, so that the text stays true whatever it is."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from paper.evidence.plain import interval, layer_set, level, listed, number, p_said
from paper.evidence.studies import READOUT_NAMES


def emergence_clause(name: str, found: Mapping[str, Any]) -> str:
    """`name` with what it does, and its interval where it has a layer."""
    last = found["layers"][-1]["layer"]
    match found["outcome"]:
        case "emerged":
            crossing = found["lambda_half"]
            return (
                f"{name} emerges at layer {number(crossing['estimate'], 1)} of {last} "
                f"({level(crossing['level'])} CI {interval(crossing, 1)})"
            )
        case "from_start":
            return f"{name} is there from the start, at layer 0 already"
        case "died":
            return f"{name} emerges and is lost again before layer {found['horizon']}"
        case _:
            return (
                f"{name} does not emerge by layer {found['horizon']} (an effect of "
                f"{number(found['detectable_effect'], 3)} H would have been found with power .8)"
            )


def emergence_sentence(name: str, found: Mapping[str, Any]) -> str:
    """The clause with what belongs to it: plateau, sets, scenes and tests."""
    share = f"{100 * found['fb_delta']['delta']:g}%"
    clause = emergence_clause(name, found)
    said = clause[:1].upper() + clause[1:]
    plateau = f"half of its plateau of {number(found['plateau_effect'])} H"
    if found["outcome"] == "emerged":
        said += f": there it reaches {plateau}. The forward-backward set for it is "
        said += f"{set_clause(found['fb_half'])}, and that for exceeding {share} of H for good is "
        said += f"{set_clause(found['fb_delta'])}"
    elif found["outcome"] == "from_start":
        said += f": more than {plateau} is there without any block"
    elif found["outcome"] == "died":
        said += f": shown above {share} of H, but fallen and not shown above it at the end"
    tests = " and ".join(f"{p_said(p)} against {control} images"
                         for control, p in found["omnibus_p"].items())  # fmt: skip
    return f"{said}. Over all layers, {tests} ({found['n_scenes']:,} scenes)."


def set_clause(ends: Mapping[str, Any]) -> str:
    """Layers that a forward-backward set holds, with the word."""
    word = "layer" if ends["low"] == ends["high"] or ends["high"] is None else "layers"
    return f"{word} {layer_set(ends)}"


def outcome_word(found: Mapping[str, Any]) -> str:
    """For a cell of a table."""
    return {
        "emerged": "emerges",
        "from_start": "from the start",
        "died": "lost again",
        "not_emerged": "does not emerge",
    }[found["outcome"]]


def controls_clause(findings: Mapping[str, Mapping[str, Any]]) -> str:
    """Which attributes beat both controls, and which do not."""
    alpha = {name: 1 - found["level"] for name, found in findings.items()}
    beaten = [
        name
        for name, found in findings.items()
        if max(found["omnibus_p"].values()) <= alpha[name] + 1e-12
    ]
    others = [name for name in findings if name not in beaten]
    if not others:
        which = "every attribute" if len(beaten) > 1 else beaten[0]
        return f"the image beats both controls for {which}"
    if not beaten:
        return f"the image beats both controls for none of {listed(list(findings))}"
    return f"the image beats both controls for {listed(beaten)}, and not for {listed(others)}"


def order_clause(study: Mapping[str, Any] | None) -> str:
    """The attributes in the order of their estimates, and which neighbours can be told apart."""
    if not study:
        return "it was not studied in this run"
    try:
        estimates = study["estimates"]
        if len(estimates) < 2:
            return "too few attributes emerge to speak of one"
        names = sorted(estimates, key=lambda name: estimates[name])
        return "; ".join(_link(study, first, second) for first, second in pairwise(names))
    except (KeyError, TypeError, IndexError):
        # The common text says this too, and one study of another shape must not take it away.
        return "it was studied by another version, whose results cannot be read here"


def _link(study: Mapping[str, Any], first: str, second: str) -> str:
    pair, sign = difference(study, first, second)
    low, high = sorted((sign * pair["low"], sign * pair["high"]))
    apart = pair["p_holm"] <= 1 - study["level"] + 1e-12
    relation = "emerges before" if apart else "is not distinguishable from"
    return (
        f"{first} {relation} {second} (difference {number(sign * pair['estimate'], 1)} layers, "
        f"{level(study['level'])} CI {number(low, 1)} to {number(high, 1)}, "
        f"Holm-adjusted {p_said(pair['p_holm'])})"
    )


def difference(study: Mapping[str, Any], first: str, second: str) -> tuple[Mapping[str, Any], int]:
    """The pair's difference, and the sign that makes it second minus first."""
    for pair in study["differences"]:
        if (pair["first"], pair["second"]) == (first, second):
            return pair, 1
        if (pair["first"], pair["second"]) == (second, first):
            return pair, -1
    raise KeyError(f"difference of {first} and {second}")


def chain_clause(study: Mapping[str, Any]) -> str:
    """Whether the order that was declared before looking is supported."""
    declared = ", then ".join(study["attributes"])
    supported = study["chain_p"] <= 1 - study["level"] + 1e-12
    verdict = "is supported" if supported else "is not supported"
    sets = "are" if study["chain_sets_apart"] else "are not"
    return (
        f"The order declared before looking ({declared}) {verdict} as a whole "
        f"({p_said(study['chain_p'])}); the guaranteed sets of its neighbours {sets} disjoint and "
        "in that order"
    )


def crossing_clause(pair: Mapping[str, Any], of: str) -> str:
    """Which of two readouts reads an attribute earlier, for a list that has named the two."""
    crossing = pair["crossing"]
    if crossing is None:
        return f"for {of} one of them shows no such layer"
    if crossing["low"] > 0:
        relation = "earlier"
    elif crossing["high"] < 0:
        relation = "later"
    else:
        relation = "not distinguishable"
    return (
        f"{relation} for {of} ({number(crossing['estimate'], 1)} layers, CI "
        f"{interval(crossing, 1)}, {p_said(crossing['p'])})"
    )


def pair_sentence(first: str, second: str, by_attribute: Mapping[str, Mapping[str, Any]]) -> str:
    """Where the first of two readouts begins to read, against the second, for every attribute."""
    clauses = [crossing_clause(pair, name) for name, pair in by_attribute.items()]
    one, other = READOUT_NAMES[first], READOUT_NAMES[second]
    return f"The {one} begins to read, against the {other}: {'; '.join(clauses)}."
