"""What is found when image tokens are ablated, in the form that results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result

OBJECT, REGISTERS, ELSEWHERE = "object", "registers", "elsewhere"
CONTROLS = (REGISTERS, ELSEWHERE)
"""What is ablated in the place of the object's tokens, as many of them."""


@result
class Ablated:
    """What the answer loses when some image tokens are ablated."""

    lost: Interval
    """How far the log2 odds of the right answer fall, in bits."""
    right: Interval
    """Share of right answers afterwards."""


@result
class Contrast:
    """The object's tokens against a control, scene by scene."""

    control: str
    lost_more: Interval
    """What the object's tokens cost more than the control's, in bits."""
    p: float
    """One-sided p-value for "they cost no more", adjusted over the controls (maximum t)."""


@result
class FoundAblation:
    """The object's image tokens ablated, against as many others."""

    layer: int
    n_scenes: int
    left_out: dict[str, int]
    """Scenes that could not be used, by reason."""
    n_tokens: float
    """How many tokens show the object, on average over scenes."""
    most_tokens: int
    """How many do in the scene with the most."""
    n_draws: int
    """Random sets of other tokens, whose mean is taken."""
    right_before: Interval
    """Share of right answers of the plain pass."""
    arms: dict[str, Ablated]
    contrasts: tuple[Contrast, ...]
    level: float
    n_resamples: int
