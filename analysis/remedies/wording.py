"""What may be said of remedies against hallucination, in sentences."""

from collections.abc import Iterator, Mapping

from analysis.effects.found import Interval
from analysis.remedies.found import CONTRAST, PLAIN, AgainstPlain, Judged, Measure, Remedied
from analysis.wording import listed, p_text

NAMES: Mapping[Measure, str] = {
    "detection": "none where absent",
    "over_refusal": "none where there",
    "right": "right where there",
    "said_area": "AUROC of none",
    "probe_area": "AUROC of the probe",
    "exist_accuracy": "right, yes or no",
    "exist_yes": "yes",
    "exist_area": "AUROC of yes",
}
"""What each measure is called in tables."""
_SAID: Mapping[Measure, str] = {
    "detection": "the share of absent things to which it answers none",
    "over_refusal": "the share of things that are there to which it answers none",
    "right": "the share of right answers about what is there",
    "said_area": "how well none is told from the other answers (AUROC)",
    "probe_area": "how well a linear probe tells absence (AUROC)",
    "exist_accuracy": "the share of right answers whether a thing is there",
    "exist_yes": "the share of yes",
    "exist_area": "how well yes is told from no (AUROC)",
}
_DESCRIBED: tuple[Measure, ...] = ("detection", "over_refusal", "right")
_NONE_SHARE = 0.005


def share(one: Interval) -> str:
    """A share or an area with its interval, as ".89 (.87 to .91)"."""
    return f"{short(one.estimate)} ({short(one.low)} to {short(one.high)})"


def signed(one: Interval) -> str:
    """A difference with its interval, with a sign before each number: "+.12 (-.01 to +.25)"."""
    estimate, low, high = (short(each, sign="+") for each in (one.estimate, one.low, one.high))
    return f"{estimate} ({low} to {high})"


def short(value: float, *, sign: str = "-") -> str:
    """Three decimals without the zero before them, as shares are written; a zero has no sign."""
    text = f"{value:{sign}.3f}"
    if not text.strip("+-0."):
        return ".000"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def sentences(found: Remedied) -> list[str]:
    """What may be said, in the order in which it is shown."""
    said = [_asked(found), _held_out(found)]
    said += [_told(found, arm) for arm in found.arms]
    for arm in found.arms:
        if arm != PLAIN:
            said += _compared(found, arm)
    said += [_bare_no(found)] if any(each.bare_no >= _NONE_SHARE for each in found.models) else []
    return said


def _asked(found: Remedied) -> str:
    n_models = len(found.models)
    return (
        f"{n_models} {'model' if n_models == 1 else 'models'} of {listed(found.arms)} answered "
        f"the same {found.n_premises:,} questions under a premise ({listed(found.about)}; half of "
        "them about what is not there, none scored among the answers and not mentioned) and "
        f"{found.n_existence:,} questions whether a thing is there, about {found.n_scenes:,} "
        f"scenes; {100 * found.level:g}% intervals of single models are over "
        f"{found.n_premise_groups:,} and {found.n_existence_groups:,} groups of scenes."
    )


def _held_out(found: Remedied) -> str:
    copies = ", and copies with one object removed" if CONTRAST in found.arms else ""
    held_out = found.held_out
    if held_out.n_compared is None:
        return (
            f"That none was trained on these scenes was not checked: its training scenes "
            f"({held_out.trained_on}) are not at hand."
        )
    return (
        f"None was trained on these scenes: none of the {held_out.n_compared:,} scenes of the "
        f"training ({held_out.trained_on}{copies}) has the same "
        "objects as one of them."
    )


def _told(found: Remedied, arm: str) -> str:
    models = found.of_arm(arm)
    parts = [
        f"{_SAID[measure].removeprefix('the share of ')} {_told_by(measure, models)}"
        for measure in _DESCRIBED
    ]
    return (
        f"{arm}, {_seeds([each.trained.seed for each in models])}: shares of {listed(parts)}; "
        f"AUROC of absence {_told_by('said_area', models)} by the odds of none and "
        f"{_told_by('probe_area', models)} by a linear probe on the last layer."
    )


def _told_by(measure: Measure, models: list[Judged]) -> str:
    """The measure of one model with its interval, or the range over several."""
    own = [each.measures[measure] for each in models]
    return share(own[0]) if len(own) == 1 else _span(own)


def _compared(found: Remedied, arm: str) -> Iterator[str]:
    own = list(found.compared(arm))
    if not own:
        yield f"{arm} shares no seed with {PLAIN}: it is not compared."
        return
    seeds = list(own[0].by_seed)
    if own[0].over is None:
        by = {each.measure: each.by_seed[seeds[0]] for each in own}
        yield (
            f"{arm} has one seed beside {PLAIN}, so nothing is claimed over seeds; with seed "
            f"{seeds[0]} it differs by {signed(by['detection'])} in none where absent, by "
            f"{signed(by['over_refusal'])} in none where there and by {signed(by['right'])} in "
            "right where there, which may be chance of the training."
        )
        return
    changed = [each for each in own if verdict(each, found.level) in ("raises", "lowers")]
    for each in changed:
        yield (
            f"Over {len(seeds)} seeds {arm} {verdict(each, found.level)} {_SAID[each.measure]} by "
            f"{_size(each)}."
        )
    open_ones = [NAMES[each.measure] for each in own if each not in changed]
    if open_ones:
        yield f"No change is shown by {arm} in: {listed(open_ones)}."
    right = next(each for each in own if each.measure == "right")
    yield _harm(right, found)


def verdict(one: AgainstPlain, level: float) -> str:
    """What the arm is shown to do to the measure over seeds, adjusted over arms: "raises",
    "lowers", or "" where nothing is shown or claimed."""
    if one.over is None or one.over.p_holm > 1 - level + 1e-12:
        return ""
    return "raises" if one.over.mean.estimate > 0 else "lowers"


def no_harm(one: AgainstPlain, level: float) -> bool:
    """Whether the measure is shown to stay within the margin over seeds."""
    return one.over is not None and one.over.p_equivalence <= 1 - level + 1e-12


def _size(one: AgainstPlain) -> str:
    assert one.over is not None
    mean = one.over.mean
    size = Interval(estimate=abs(mean.estimate), low=mean.low, high=mean.high)
    if mean.estimate < 0:
        size = Interval(estimate=-mean.estimate, low=-mean.high, high=-mean.low)
    return f"{share(size)}, {p_text(one.over.p_holm)} adjusted over arms"


def _harm(right: AgainstPlain, found: Remedied) -> str:
    assert right.over is not None
    margin, p = short(found.margin).rstrip("0"), p_text(right.over.p_equivalence)
    mean = signed(right.over.mean)
    if no_harm(right, found.level):
        return (
            f"{right.arm} does no harm to what can be answered: right where there changes by {mean}"
            f", which is shown to lie within {margin} ({p})."
        )
    return (
        f"That {right.arm} does no harm is not shown: right where there changes by {mean}, and may "
        f"lie outside of {margin} ({p} for equivalence)."
    )


def _bare_no(found: Remedied) -> str:
    worst = max(found.models, key=lambda each: each.bare_no)
    return (
        f'Some models would say a bare "no" to a question under a premise, {worst.trained.arm} '
        f"with seed {worst.trained.seed} to {100 * worst.bare_no:.1f}%; it is not counted as none."
    )


def _span(shares: list[Interval]) -> str:
    numbers = [each.estimate for each in shares]
    return f"{short(min(numbers))} to {short(max(numbers))}"


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
