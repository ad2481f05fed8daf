"""What several wordings of the same questions tell of a layer, as results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class Wording:
    """One wording, asked of all scenes."""

    pattern: str | None
    """With names for what is asked about; None for the question as the study asks it."""
    example: str
    """The text of the first item."""
    outcome: str
    """As an emergence's; "not_monotone" where it emerged without a single layer."""
    layer: Interval | None
    """Where half of the plateau is reached, over scenes, each wording alone."""
    standard_error: float | None
    """Of the scene bootstrap in which all wordings are redrawn together."""
    plateau_effect: float
    """Mean of the effect over the plateau, as share of H."""
    accuracy: float
    """Share of right answers at the last layer, mean over scenes."""
    n_scenes: int


@result
class OverWordings:
    """The layer over wordings, as a random effect; conditional on having a layer at all."""

    n_wordings: int
    """With a layer."""
    mean: Interval
    """Hartung-Knapp, with what the scenes leave uncertain of all wordings at once."""
    tau: float
    """Standard deviation of the true layers of wordings."""
    tau_low: float
    tau_high: float
    new: Interval
    """The prediction interval for the layer of a wording that was not asked; its estimate is the
    mean."""
    scene_sd: float
    """Standard error that the scenes leave to one wording's layer."""
    share: Interval
    """Share of the wording in the variance of a layer found by one wording on these scenes."""


@result
class Paraphrased:
    """One attribute by one readout in several wordings."""

    readout: str
    paraphrases: str
    """Where the wordings are from: "built in", or the name of a file with the start of its hash."""
    wordings: tuple[Wording, ...]
    """The question as asked first."""
    over: OverWordings | None
    not_pooled: str | None
    """Why there is nothing over wordings."""
    level: float
    n_resamples: int
    n_scenes: int
    """That all wordings share."""
