"""What a comparison of runs allows to say, sentence by sentence."""

from collections.abc import Iterator, Sequence

from analysis.compare.found import Compared, ComparedArm, Comparison, Side
from analysis.wording import READOUT_NAMES, Estimated, p_text

MEASURE_NAMES = {
    "correct": "right answers",
    "right_probability": "confidence in the right answer",
    "top_probability": "confidence in the top answer",
}
OUTCOMES = {
    "emerged": "emerges",
    "not_emerged": "does not emerge",
    "from_start": "is there from the start",
    "died": "emerges and is lost again",
}
INTERPOLATION = (
    "Models of unlike depth are compared at the layers of the shallower one, divided by its last; "
    "between two layers of the deeper one its effect is taken to lie on a straight line."
)
NOT_MONOTONE = "emerges, not monotone"
ONE_VERDICT = (
    "an outcome is one verdict per run and not one per scene, so no McNemar-like test is possible"
)


def name_of(found: Compared, side: Side | ComparedArm) -> str:
    """The name of an arm: how its run differs from others, and the readout where there are
    several."""
    label = found.labels[side.run]
    return f"{label} ({READOUT_NAMES[side.readout]})" if found.several_readouts else label


def arm_of(found: Compared, attribute: str, side: Side) -> ComparedArm:
    """The arm that one side of a comparison names."""
    arms = {(arm.attribute, arm.run, arm.readout): arm for arm in found.arms}
    return arms[attribute, side.run, side.readout]


def outcome_text(arm: ComparedArm) -> str:
    """Why an arm has no depth: its outcome, or that its effect later falls below half of the
    plateau."""
    return NOT_MONOTONE if arm.outcome == "emerged" else OUTCOMES[arm.outcome]


def sentences(found: Compared) -> Iterator[str]:
    """A sentence on depth, one on the curve and one on the answers for every comparison."""
    for row in found.comparisons:
        yield " ".join([depth_sentence(found, row), curve_sentence(found, row),
                        answer_sentence(found, row)])  # fmt: skip


def depth_sentence(found: Compared, row: Comparison) -> str:
    """Says that the second is earlier or later (by more than one layer), the same (by equivalence
    only), or that this is undecided."""
    first, second = (name_of(found, side) for side in (row.first, row.second))
    plan, depth, attribute = found.plan, row.depth, row.attribute
    if depth is None:
        return f"{attribute}: not compared in depth, {_why(found, row)}."
    margin, level = f"{plan.margin:g}", f"{100 * plan.level:g}%"
    narrow = f"{100 * (2 * plan.level - 1):g}%"
    one_layer = f"{one_layer_text(found, row)}, {depth.beyond:.3f} of the depth"
    differs = {
        "later": f"{second} is later than {first}, by more than {one_layer}",
        "earlier": f"{second} is earlier than {first}, by more than {one_layer}",
        "later_within": f"{second} is later than {first}, by more than {one_layer}, and by less "
        f"than {margin} of it",
        "earlier_within": f"{second} is earlier than {first}, by more than {one_layer}, and by "
        f"less than {margin} of it",
        "same": f"{first} and {second} are the same within {margin} of the depth",
        "undecided": f"{first} and {second} are not shown to differ by more than {one_layer}, nor "
        f"to be the same within {margin} of it",
    }[row.verdict]
    return (
        f"{attribute}: {differs} (half of the plateau at {_two(depth.depths)} of the depth, "
        f"first whole layer at {_two(depth.layer_depths)}; difference {depth.estimate:+.3f}, "
        f"{level} CI {_ends(depth, '+.3f')}; more than one layer: {p_text(depth.p_beyond_holm)}"
        f"; same: {narrow} CI "
        f"{depth.low_equivalence:+.3f} to {depth.high_equivalence:+.3f}, "
        f"{p_text(depth.p_equivalence_holm)}; {design(row)})."
    )


def one_layer_text(found: Compared, row: Comparison) -> str:
    """The least difference for which a direction is claimed, in words."""
    arms = [arm_of(found, row.attribute, side) for side in (row.first, row.second)]
    unlike = arms[0].last_layer != arms[1].last_layer
    return "one layer of the shallower model" if unlike else "one layer"


def curve_sentence(found: Compared, row: Comparison) -> str:
    """Whether the effect of the image differs at equal relative depth, and where it does so most
    clearly."""
    curve = row.curve
    at = min(curve.depths, key=lambda one: (one.p, -abs(one.estimate)))
    level = f"{100 * found.plan.level:g}%"
    differ = curve.omnibus_p_holm <= 1 - found.plan.level + 1e-12
    shown = "differs" if differ else "is not shown to differ"
    return (
        f"The information that the image adds {shown} at equal relative depth "
        f"({p_text(curve.omnibus_p_holm)}; most clearly at {at.depth:.2f} of it: "
        f"{at.estimate:+.2f} H, {level} CI {_ends(at, '+.2f')})."
    )


def answer_sentence(found: Compared, row: Comparison) -> str:
    """Compares right answers and confidence at the last layer in a sentence."""
    level = f"{100 * found.plan.level:g}%"
    first, second = (arm_of(found, row.attribute, side) for side in (row.first, row.second))
    parts = []
    for measure, name in MEASURE_NAMES.items():
        one, other = (arm.measures[measure] for arm in (first, second))
        change = row.measures[measure]
        if one is None or other is None or change is None:
            parts.append(f"{name} not kept by both runs")
            continue
        parts.append(
            f"{name} {one.estimate:.2f} and {other.estimate:.2f} "
            f"({change.estimate:+.2f}, {level} CI {_ends(change, '+.2f')}, "
            f"{p_text(change.p_holm)})"
        )
    return f"At the last layer: {'; '.join(parts)}."


def design(row: Comparison) -> str:
    """Whether the comparison is paired, and on how many scenes it is made."""
    one, two = row.n_scenes
    if row.paired:
        return f"paired, {one} shared scenes"
    left = f", {row.n_shared} shared ones left out of the larger" if row.n_shared else ""
    return f"independent, {one} and {two} scenes{left}"


def _why(found: Compared, row: Comparison) -> str:
    sides = row.first, row.second
    arms = [arm_of(found, row.attribute, side) for side in sides]
    if row.no_depth == "not monotone":
        names = " and with ".join(
            name_of(found, side) for side, arm in zip(sides, arms, strict=True) if arm.depth is None
        )
        return (
            f"it is not monotone with {names}: after a layer that is past half of the plateau a "
            "later one is shown below it, so there is no single layer to compare"
        )
    if row.no_depth != "outcome":
        return "the effect has no plateau above 0 on these scenes"
    outcomes = " and ".join(
        f"{OUTCOMES[arm.outcome]} with {name_of(found, side)}"
        for side, arm in zip(sides, arms, strict=True)
    )
    return f"as to outcome it {outcomes} ({ONE_VERDICT}; {design(row)})"


def _two(depths: Sequence[float]) -> str:
    return " and ".join(f"{depth:.3f}" for depth in depths)


def _ends(row: Estimated, form: str) -> str:
    return f"{row.low:{form}} to {row.high:{form}}"
