"""What remedies against hallucination are found to do, in the form that the file holds it."""

from collections.abc import Iterator
from typing import Literal, get_args

from analysis.effects.found import Interval
from analysis.typed import result

Measure = Literal[
    "detection",
    "over_refusal",
    "right",
    "said_area",
    "probe_area",
    "exist_accuracy",
    "exist_yes",
    "exist_area",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""detection: share of absent things for which the answer is none. over_refusal: the same of things
that are there. right: share of right answers about things that are there. said_area: AUROC of
absence by the log odds of none against the best other answer. probe_area: the same by a linear
probe on the last layer's residual. exist_accuracy, exist_yes and exist_area: share of right answers
and of yes, and AUROC, where it is asked whether a thing is there."""
PLAIN = "plain"
"""The arm that all others are compared with: trained as long, without a remedy."""
CONTRAST = "contrast"
"""The arm that sees pairs of a scene and its copy with one object removed."""


@result
class Trained:
    """One model, and how it came about."""

    arm: str
    seed: int
    steps: int
    images_seen: int
    """Images in all batches, each as often as it was shown."""
    exchanges_seen: int
    """Questions and captions with what is to be said, each as often as it was shown."""
    tokens_seen: int | None
    """Tokens of text and image in all batches, without padding; None where the training scenes
    are not at hand."""
    weights: str
    """SHA-256 of model.safetensors."""
    model: str
    """Identity of the model folder, as runs record it."""


@result
class Judged:
    """What one model does."""

    trained: Trained
    measures: dict[Measure, Interval]
    """Each with its interval over groups of scenes."""
    bare_no: float
    """Share of the questions under a premise to which the model would say a bare "no", which
    begins like "none" and is not counted as none."""


@result
class OverSeeds:
    """A difference over seeds, as a random effect."""

    mean: Interval
    tau: float
    """Standard deviation between seeds of the true difference."""
    p: float
    """Two-sided p-value for "no difference"."""
    p_holm: float
    """The same, adjusted over the arms of this measure by Holm's method."""
    p_equivalence: float
    """P-value for "the difference lies outside of the margins"."""


@result
class AgainstPlain:
    """One measure of one arm minus that of plain."""

    arm: str
    measure: Measure
    by_seed: dict[int, Interval]
    """The difference of the two models of each seed, with its interval over groups of scenes."""
    over: OverSeeds | None
    """None for fewer than 2 seeds: then nothing is claimed over seeds."""


@result
class HeldOut:
    """Whether the models were trained on scenes that they are judged on."""

    n_compared: int | None
    """The number of training scenes that were compared with the scenes of the questions, object by
    object, of which none is the same; None where the training scenes are not at hand."""
    trained_on: str
    """Name of the training data and its split."""


@result
class Remedied:
    """Everything that was found about the models of one training."""

    about: tuple[str, ...]
    """The attributes that are asked for under a premise."""
    n_scenes: int
    """Scenes that questions are taken from."""
    n_premises: int
    """Questions under a premise; half of them are of absent things."""
    n_premise_groups: int
    n_existence: int
    n_existence_groups: int
    questions: str
    """Digest of all questions, the same for all models."""
    data: str
    data_fingerprint: str
    start: str
    """Identity of the model from which all were trained on."""
    held_out: HeldOut
    models: tuple[Judged, ...]
    against_plain: tuple[AgainstPlain, ...]
    margin: float
    """Least difference of the share of right answers that matters."""
    level: float
    notes: tuple[str, ...]
    versions: dict[str, str]
    commands: tuple[str, ...]
    """What makes the models and this file."""

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order in which they are shown; plain comes first."""
        return tuple(dict.fromkeys(each.trained.arm for each in self.models))

    def of_arm(self, arm: str) -> list[Judged]:
        """The models of one arm, by seed."""
        return [each for each in self.models if each.trained.arm == arm]

    def compared(self, arm: str) -> Iterator[AgainstPlain]:
        """What one arm differs from plain by, measure by measure."""
        return (each for each in self.against_plain if each.arm == arm)
