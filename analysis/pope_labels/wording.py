"""What may be said of changed labels, in sentences."""

from collections.abc import Iterator

from analysis.effects.found import Interval
from analysis.pope_labels.found import Changed, ChangedLabels

_NARROWER = 1.05
"""Intervals whose widths differ by less are called equally wide."""


def percent(share: float) -> str:
    """A share in percent with two decimals, as "9.27"."""
    return f"{100 * share:.2f}"


def with_interval(found: Interval) -> str:
    """A share in percent with its interval, as "9.27 (7.89 to 10.86)"."""
    return f"{percent(found.estimate)} ({ends(found)})"


def ends(found: Interval) -> str:
    """Both ends of an interval in percent, as "7.89 to 10.86"."""
    return f"{percent(found.low)} to {percent(found.high)}"


def sentences(found: ChangedLabels) -> Iterator[str]:
    """What was changed, how often the same question counts, and how sure the shares are."""
    for lines in found.lines:
        yield _changed(lines)
    for lines, distinct in zip(found.lines, found.distinct, strict=True):
        if distinct.of_all.n_labels < lines.of_all.n_labels:
            yield _repeated(lines, distinct)
    for lines in found.lines:
        yield _how_sure(lines, found.level)
    for distinct in found.distinct:
        if distinct.of_judged is not None:
            yield _judged(distinct, found.level)


def _changed(one: Changed) -> str:
    of_judged = one.of_judged
    judged = "" if of_judged is None else (
        f", and {percent(of_judged.counted)}% of the {of_judged.n_labels:,} that are not ambiguous"
    )  # fmt: skip
    return (
        f"Of {one.of_all.n_labels:,} labels {one.label}, {one.n_changed:,} are changed to "
        f"{_other(one)} and {one.n_ambiguous:,} are judged ambiguous: "
        f"{percent(one.of_all.counted)}% of all are changed{judged}."
    )


def _repeated(lines: Changed, distinct: Changed) -> str:
    return (
        f"The {lines.of_all.n_labels:,} labels {lines.label} are those of "
        f"{distinct.of_all.n_labels:,} questions, which files repeat: the {lines.n_changed:,} "
        f"changed ones are {distinct.n_changed:,} questions, "
        f"{percent(distinct.of_all.counted)}% of these."
    )


def _how_sure(one: Changed, level: float) -> str:
    """Sets the interval over images beside the one for independent labels."""
    of_all = one.of_all
    ratio = of_all.too_narrow_by
    if ratio > _NARROWER:
        beside = (
            f"would be {ratio:.2f} times too narrow. The labels are worth about "
            f"{of_all.worth:,.0f} independent ones"
        )
    else:
        beside = "would hardly differ" if ratio > 1 / _NARROWER else "would be wider"
    return (
        f"Over {of_all.n_images:,} images the share of {one.label} that is changed, of all, is "
        f"{percent(of_all.over_images.estimate)}% ({100 * level:g}% CI "
        f"{ends(of_all.over_images)}); an interval that takes the {of_all.n_labels:,} labels for "
        f"independent ({ends(of_all.as_independent)}) {beside}."
    )


def _judged(one: Changed, level: float) -> str:
    """Says how sure the share without ambiguous questions is, and that weights matter to it."""
    judged = one.of_judged
    assert judged is not None
    over_images = judged.over_images
    mean, counted = percent(over_images.estimate), percent(judged.counted)
    weights = "" if mean == counted else (
        f" As counted it is {counted}%, since images with more such questions then weigh more."
    )  # fmt: skip
    return (
        f"Without ambiguous questions, and with each question once, the mean over "
        f"{judged.n_images:,} images of the share of {one.label} that is changed is {mean}% "
        f"({100 * level:g}% CI {ends(over_images)}).{weights}"
    )


def _other(one: Changed) -> str:
    return "no" if one.label == "yes" else "yes"
