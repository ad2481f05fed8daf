"""The controls of an attribute's causes as rows of a table, for terminal and paper alike."""

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.causes.found import Caused, Directed, Elsewhere, Erased, Nothing
from analysis.effects.found import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRow:
    """One control: what is done, and what comes of it."""

    what: str
    n_pairs: int
    layer: int
    moves: Interval | float
    """The share of the total effect that is moved, or left, with its interval where it has one."""
    p: float | None
    """The p-value of the claim; None where it rests on an interval."""
    claim: str


def control_rows(found: Caused) -> Iterator[ControlRow]:
    """A row for each control; of what is done at many layers, the layer at which most is moved."""
    alpha = 1 - found.level
    yield from (_nothing(each) for each in found.nothing)
    if not found.follows:
        return  # of an answer that does not follow the image there is no share to compare
    yield from (_elsewhere(each, alpha) for each in found.elsewhere)
    if found.directed:
        best = max(found.directed, key=lambda each: each.probe.estimate)
        yield _directed(best, found.n_dear, alpha)
    for each in found.erased:
        yield from _erased(each, found.n_dear)


def _nothing(found: Nothing) -> ControlRow:
    place = max(range(len(found.shares)), key=lambda at: abs(found.shares[at].estimate))
    return ControlRow(
        what=found.what,
        n_pairs=found.n_pairs,
        layer=found.layers[place],
        moves=found.shares[place],
        p=found.p,
        claim="moves nothing" if found.shown else "not shown to move nothing",
    )


def _elsewhere(found: Elsewhere, alpha: float) -> ControlRow:
    return ControlRow(
        what=f"the object's positions (as many elsewhere, median of {found.n_draws} draws: "
        f"{found.median:.2f})",
        n_pairs=found.n_pairs,
        layer=found.layer,
        moves=found.object,
        p=found.p,
        claim="more than elsewhere" if found.p <= alpha else "not shown to move more",
    )


def _directed(found: Directed, n_pairs: int, alpha: float) -> ControlRow:
    p = found.probe_above_random
    return ControlRow(
        what=f"the probe's direction set (random directions {found.random.estimate:.2f}, probes of "
        f"permuted labels {found.permuted.estimate:.2f}; distance {found.distance:.1f})",
        n_pairs=n_pairs,
        layer=found.layer,
        moves=found.probe,
        p=p,
        claim="more than random" if p <= alpha else "not shown to move more",
    )


def _erased(found: Erased, n_pairs: int) -> tuple[ControlRow, ControlRow]:
    shared = {"n_pairs": n_pairs, "layer": found.layer, "p": None}
    return (
        ControlRow(
            what=f"erased at the object, what is left (probe right {100 * found.probe_before:.0f}%"
            f", then {100 * found.probe_after.estimate:.0f}%, chance {100 * found.chance:.0f}%; "
            f"probe of {found.other} {100 * found.other_before:.0f}%, then "
            f"{100 * found.other_after.estimate:.0f}%; distance {found.distance:.1f})",
            moves=found.retained,
            claim="probe at chance" if found.fell else "probe not shown at chance",
            **shared,
        ),
        ControlRow(
            what=f"{found.other} erased instead, what is left",
            moves=found.retained_other,
            claim="",
            **shared,
        ),
    )
