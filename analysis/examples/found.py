"""Single items with what each layer would say, as results.json holds it."""

from analysis.typed import result


@result
class ExampleLayer:
    """What one layer would say of an item, under the logit lens."""

    layer: int
    top: tuple[tuple[str, float], ...]
    """The most probable tokens of the whole vocabulary, each with its probability, in order."""
    answer_probability: float
    """Of the right answer within its answer set."""


@result
class Example:
    """One item."""

    item_id: str
    question: str
    answer: str
    image: str
    """File, relative to the run's folder."""
    layers: tuple[ExampleLayer, ...]


@result
class MadeFrom:
    """What was asked for."""

    attributes: tuple[str, ...]
    n_items: int
    """Of each attribute."""
    n_tokens: int
    """At each layer."""


@result
class FoundExamples:
    """All examples of a run."""

    items: tuple[Example, ...]
    made_from: MadeFrom
