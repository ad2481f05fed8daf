"""What the controls of causes say, in sentences."""

from analysis.causes.found import Caused, Elsewhere, Nothing
from analysis.wording import layers_text, p_text


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
