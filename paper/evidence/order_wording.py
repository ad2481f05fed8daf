"""Clauses that compare layers: attributes in their order, and two readouts of one attribute."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from analysis.emergence.found import ReadoutPair
from analysis.order.found import FoundOrder, LayerGap
from analysis.order.report import order_called
from analysis.typed import read_back
from analysis.wording import listed
from data_prep.errors import UserError
from paper.evidence.plain import level, number, p_said
from paper.evidence.studies import READOUT_NAMES


def order_clause(study: Any) -> str:
    """A clause with the attributes in order of their estimates, and which neighbours can be told
    apart.

    `study` is the raw JSON from results.json. The text that all reports share uses this clause, so
    a study of another structure must not make it fail.
    """
    if not study:
        return "it was not studied in this run"
    try:
        found = read_back(FoundOrder, study, "the order")
    except UserError:
        return "it was studied by another version, whose results cannot be read here"
    if len(found.estimates) < 2:
        return "too few attributes have a layer to speak of one"
    return "; ".join(pair_clause(found, *pair) for pair in pairwise(found.by_layer))


def pair_clause(found: FoundOrder, first: str, second: str) -> str:
    """A clause on two attributes that names the earlier one first and says whether they can be told
    apart."""
    pair, sign = _difference(found, first, second)
    low, high = sorted((sign * pair.low, sign * pair.high))
    apart = pair.p_holm <= 1 - found.level + 1e-12
    relation = "emerges before" if apart else "is not distinguishable from"
    return (
        f"{first} {relation} {second} (difference {number(sign * pair.estimate, 1)} layers, "
        f"{level(found.level)} CI {number(low, 1)} to {number(high, 1)}, "
        f"Holm-adjusted {p_said(pair.p_holm)})"
    )


def _difference(found: FoundOrder, first: str, second: str) -> tuple[LayerGap, int]:
    """The difference of the pair, and the sign (1 or -1) that turns it into second minus first."""
    for pair in found.differences:
        if (pair.first, pair.second) == (first, second):
            return pair, 1
        if (pair.first, pair.second) == (second, first):
            return pair, -1
    raise KeyError(f"difference of {first} and {second}")


def chain_clause(found: FoundOrder) -> str:
    """A clause on whether the order as a whole, declared beforehand or only found, is supported."""
    given = ", then ".join(found.attributes)
    supported = found.claim_p <= 1 - found.level + 1e-12
    verdict = "is supported" if supported else "is not supported"
    sets = "are" if found.chain_sets_apart else "are not"
    return (
        f"The {order_called(found)} ({given}) {verdict} as a whole ({p_said(found.claim_p)}); "
        f"the guaranteed sets of its neighbours {sets} disjoint and in that order"
    )


def _by(layers: float) -> str:
    return f"by {number(layers, 1)} layers" if layers >= 0.05 else "by less than 0.1 layers"


def pair_sentence(
    first: str, second: str, by_attribute: Mapping[str, ReadoutPair], alpha: float
) -> str:
    """A sentence on the layer at which the first of two readouts begins to read each attribute,
    compared with the second.

    The adjusted p-value decides; the table holds p-value and interval of each difference.
    """
    said: dict[str, list[str]] = {"later": [], "earlier": [], "undecided": [], "none": []}
    for name, pair in by_attribute.items():
        crossing = pair.crossing
        if crossing is None:
            said["none"].append(name)
        elif crossing.p > alpha + 1e-12:
            said["undecided"].append(name)
        else:
            word = "earlier" if crossing.estimate > 0 else "later"
            said[word].append(f"{name} ({_by(abs(crossing.estimate))})")
    beginnings = {
        "later": "later for {}",
        "earlier": "earlier for {}",
        "undecided": "not distinguishably for {}",
        "none": "for {} one of the two has no layer",
    }
    clauses = [beginnings[word].format(listed(names)) for word, names in said.items() if names]
    one, other = READOUT_NAMES[first], READOUT_NAMES[second]
    return f"Against the {other}, the {one} begins to read {'; '.join(clauses)}."
