"""What several wordings of the same questions tell about a layer, in the form that results.json
holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class Wording:
    """One wording of the question, asked about all scenes."""

    pattern: str | None
    """The text with names for what is asked about, such as {thing}; None for the question as the
    study asks it."""
    example: str
    """The text of the question for the first item."""
    outcome: str
    """The outcome of the test of emergence; "not_monotone" where it emerged without a single
    layer."""
    layer: Interval | None
    """The layer at which half of the plateau is reached, with an interval over scenes for this
    wording alone; None where there is no such layer."""
    standard_error: float | None
    """Standard error of the layer, from the bootstrap in which the scenes of all wordings are drawn
    together; None where there is no layer."""
    plateau_effect: float
    """Mean of the effect over the plateau, as share of the entropy of the answers."""
    accuracy: float
    """Share of right answers at the last layer, as mean over scenes."""
    n_scenes: int


@result
class OverWordings:
    """The layer over wordings, as a random effect. It is about those wordings only that have a
    layer."""

    n_wordings: int
    """The number of wordings that have a layer."""
    mean: Interval
    """The mean layer with its Hartung-Knapp interval, which also holds the error that the scenes
    leave in all wordings at once."""
    tau: float
    """Standard deviation of the wordings' true layers."""
    tau_low: float
    tau_high: float
    new: Interval
    """The prediction interval for the layer of a wording that was not asked; its estimate is the
    mean."""
    scene_sd: float
    """Standard error of one wording's layer that is due to the choice of scenes."""
    share: Interval
    """The wording's share in the variance of a layer that is found with one wording on these
    scenes."""


@result
class Paraphrased:
    """One attribute under one readout, asked in several wordings."""

    readout: str
    paraphrases: str
    """The source of the wordings: "built in", or the name of a file with the start of its hash."""
    wordings: tuple[Wording, ...]
    """All wordings; the question as the study asks it comes first."""
    over: OverWordings | None
    not_pooled: str | None
    """Why there are no numbers over wordings; None where there are."""
    level: float
    n_resamples: int
    n_scenes: int
    """The number of scenes that all wordings share."""
