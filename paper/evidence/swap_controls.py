"""Shares of an effect that swaps move, and the controls of the swaps, as cells of tables."""

from collections.abc import Iterator

from analysis.causes.found import Caused, Directed, Elsewhere, Erased, Nothing
from analysis.effects.found import Interval
from analysis.wording import p_value
from paper.evidence.plain import interval, number, percent

_FAR = 1e6
"""An end of an interval as far away as this stands for one that there is not."""


def share_text(share: Interval) -> str:
    """A share with its interval, or "unbounded" where it has none."""
    if max(abs(share.low), abs(share.high)) > _FAR:
        return "unbounded"
    return f"{number(share.estimate)} ({interval(share)})"


def control_rows(found: Caused) -> Iterator[dict[str, str]]:
    """A row for each control: what is done, on how many pairs, at which layer, what it moves, and
    what may be claimed."""
    alpha, dear = 1 - found.level, found.asked.n_dear
    yield from (_nothing(each) for each in found.nothing)
    yield from (_elsewhere(each, alpha) for each in found.elsewhere)
    if found.directed:
        best = max(found.directed, key=lambda each: each.probe.estimate)
        yield _directed(best, min(dear, found.n_pairs), alpha)
    for each in found.erased:
        yield from _erased(each, min(dear, found.n_pairs))


def _nothing(found: Nothing) -> dict[str, str]:
    place = max(range(len(found.shares)), key=lambda at: abs(found.shares[at].estimate))
    claim = "moves nothing" if found.shown else "not shown to move nothing"
    return _cells(
        found.what,
        found.n_pairs,
        found.layers[place],
        share_text(found.shares[place]),
        found.p,
        claim,
    )


def _elsewhere(found: Elsewhere, alpha: float) -> dict[str, str]:
    what = (
        f"the object's positions (as many elsewhere, median of {found.n_draws} draws: "
        f"{number(found.median)})"
    )
    claim = "more than elsewhere" if found.p <= alpha else "not shown to move more"
    return _cells(what, found.n_pairs, found.layer, number(found.object), found.p, claim)


def _directed(found: Directed, n_pairs: int, alpha: float) -> dict[str, str]:
    what = (
        f"the probe's direction set (random directions {number(found.random.estimate)}, probes of "
        f"permuted labels {number(found.permuted.estimate)}; distance {number(found.distance, 1)})"
    )
    p = found.probe_above_random
    claim = "more than random" if p <= alpha else "not shown to move more"
    return _cells(what, n_pairs, found.layer, share_text(found.probe), p, claim)


def _erased(found: Erased, n_pairs: int) -> tuple[dict[str, str], dict[str, str]]:
    what = (
        f"erased at the object (probe right {percent(found.probe_before)}, then "
        f"{percent(found.probe_after.estimate)}, chance {percent(found.chance)}; probe of "
        f"{found.other} {percent(found.other_before)}, then {percent(found.other_after.estimate)}; "
        f"distance {number(found.distance, 1)})"
    )
    claim = "probe at chance" if found.fell else "probe not shown at chance"
    layer, other = found.layer, f"{found.other} erased instead"
    return (
        _cells(what, n_pairs, layer, share_text(found.retained), None, claim),
        _cells(other, n_pairs, layer, share_text(found.retained_other), None, ""),
    )


def _cells(
    what: str, n_pairs: int, layer: int, moves: str, p: float | None, claim: str
) -> dict[str, str]:
    return {
        "what is done": what,
        "pairs": str(n_pairs),
        "layer": str(layer),
        "moves (CI)": moves,
        "p": "" if p is None else p_value(p),
        "claim": claim,
    }
