"""What is found of answers yes and no, in the form that results.json holds it."""

from analysis.effects.found import Interval
from analysis.typed import result


@result
class Discriminated:
    """Discrimination and threshold of yes and no, kept apart."""

    hits: Interval
    """Share of yes where the thing is there."""
    false_alarms: Interval
    """Share of yes where it is not."""
    yes: Interval
    accuracy: Interval
    d_prime: Interval
    criterion: Interval
    """Above 0 the model leans to no, below 0 to yes."""
