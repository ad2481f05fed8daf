"""Single items with what each layer would say, in the form that results.json holds them."""

from analysis.typed import result


@result
class ExampleLayer:
    """What one layer would say about an item, under the logit lens."""

    layer: int
    top: tuple[tuple[str, float], ...]
    """The most probable tokens of the whole vocabulary, each with its probability, the most
    probable first."""
    answer_probability: float
    """Probability of the right answer among the answers."""


@result
class Example:
    """One item with what each layer would say about it."""

    item_id: str
    question: str
    answer: str
    image: str
    """The image's file, relative to the run's folder."""
    layers: tuple[ExampleLayer, ...]


@result
class MadeFrom:
    """What was asked for when the examples were made."""

    attributes: tuple[str, ...]
    n_items: int
    """The number of items of each attribute."""
    n_tokens: int
    """The number of tokens at each layer."""


@result
class FoundExamples:
    """All examples of a run."""

    items: tuple[Example, ...]
    made_from: MadeFrom
