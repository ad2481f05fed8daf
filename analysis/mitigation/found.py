"""What was found of methods against hallucination, in the form that results.json holds it."""

from typing import Literal

from analysis.absence.found import Discriminated
from analysis.effects.found import Interval
from analysis.typed import result

Verdict = Literal["gain", "loss", "no gain", "not shown"]
Kind = Literal["decoding", "intervention", "prompt", "probe", "combination", "placebo"]


@result
class Compared(Interval):
    """A difference to greedy answers, with what may be said of it."""

    p: float
    """Two-sided p-value, adjusted by Holm's method over all methods."""
    equivalent: bool
    """Whether the difference is shown to lie within the margin."""


@result
class AgainstShift:
    """A method's answers against greedy ones whose threshold is moved until as many are yes."""

    shifted: float
    """Share of right answers of the shifted greedy ones."""
    difference: Compared


@result
class Harm:
    """What a method does to questions that have an answer, and to those that have none."""

    n_there: int
    """Questions about things that are there."""
    n_absent: int
    right: Interval
    """Share of right answers where the thing is there; a declined question is not answered
    right."""
    lost: Compared
    """Difference to greedy answers in that share."""
    declined_absent: Interval | None
    """Share of questions about absent things that are declined; None for a method that declines
    none."""
    declined_present: Interval | None
    """Share of questions about things that are there that are declined: over-refusal."""
    area: Interval
    """AUROC with which what the method states, or its score for declining, tells absence."""
    more: Compared
    """Difference to greedy answers in that area."""


@result
class Judged:
    """One method, on the scenes that it was not tuned on."""

    kind: Kind
    setting: str
    """What was tuned, as it was chosen."""
    passes: float
    """Forward passes for a question beside the plain one; a pass through some of the blocks counts
    as their share."""
    answers: Discriminated | None
    """Of yes and no; None for a method that is for other questions."""
    area: Interval | None
    """AUROC of its log odds of yes."""
    gain: Compared | None
    """Difference to greedy answers in that area."""
    verdict: Verdict | None
    accuracy: Compared | None
    """Difference to greedy answers in the share of right ones, at each one's own threshold."""
    against_shift: AgainstShift | None
    harm: dict[str, Harm]
    """By the attribute that is asked for under a premise."""


@result
class Mitigated:
    """Methods against hallucination, tuned on a third of the scenes and judged on the others."""

    most: int
    premises: tuple[str, ...]
    n_tuned: int
    """Scenes that methods were tuned on."""
    n_scenes: int
    """Scenes that they are judged by."""
    n_groups: int
    n_items: int
    greedy: Discriminated
    greedy_area: Interval
    methods: dict[str, Judged]
    cut_after: int | None
    """The layer after which the image is cut, from the study of causes; None if the run has
    none."""
    margin: float
    """Difference of areas that counts as none."""
    notes: tuple[str, ...]
    level: float
    n_resamples: int
