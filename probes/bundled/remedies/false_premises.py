"""Referring questions about something that is not there, in the words of those with an answer.

A false premise is a description that fits no object of the scene, but would fit one if a single
property of that object were another. So neither the form of the text nor most of its words tell
that the answer is "none".
"""

from dataclasses import dataclass, replace

from numpy.random import Generator
from transformers import PreTrainedTokenizerFast

from data_prep.attributes import attribute as attribute_named
from data_prep.questions import PROPERTIES, describe
from data_prep.scenes import Scene
from probes.bundled.architecture import PROMPT
from probes.bundled.corpus import Exchange

NONE = "none"
"""The answer to a false premise."""
_SUFFIX = PROMPT.split("{question}")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a referring question asks for, and which properties it mentions."""

    attribute: str
    mentioned: tuple[str, ...]
    """Names of properties in canonical order."""


def form_of(text: str) -> Form | None:
    """The form of a text of `data_prep.questions.referring_questions`; None for any other text.

    >>> form_of("What color is the large cube?")
    Form(attribute='color', mentioned=('size', 'shape'))
    """
    words = text.removesuffix("?").split()
    if words[:1] != ["What"] or words[2:4] != ["is", "the"] or words[1] not in PROPERTIES:
        return None
    mentioned = (p for p in PROPERTIES if {*attribute_named(p).answers} & {*words[4:]})
    return Form(attribute=words[1], mentioned=tuple(mentioned))


def false_premises(scene: Scene, form: Form) -> dict[str, tuple[str, ...]]:
    """Every text of this form that asks about nothing in the scene, but misses an object by one
    property. They are grouped by the property that is missed; no group is empty."""
    found: dict[str, tuple[str, ...]] = {}
    for missed in form.mentioned:
        texts = [
            f"What {form.attribute} is the {other.phrase}?"
            for thing in scene.objects
            for value in attribute_named(missed).answers
            for other in [replace(describe(thing, form.mentioned), **{missed: value})]
            if not any(other.fits(each) for each in scene.objects)
        ]
        if texts:
            found[missed] = tuple(dict.fromkeys(texts))
    return found


def false_premise(scene: Scene, form: Form, rng: Generator) -> str | None:
    """One of `false_premises`, or None if there is none. First the property that is missed is
    drawn, for else it would mostly be the color, which has the most values."""
    offered = [*false_premises(scene, form).values()]
    if not offered:
        return None
    texts = offered[rng.integers(len(offered))]
    return texts[rng.integers(len(texts))]


def exchange_of(question: str, answer: str, tokenizer: PreTrainedTokenizerFast) -> Exchange:
    """A question and its answer as token ids. The last token of the answer ends the text."""
    asked, told = tokenizer(
        [question + _SUFFIX, f" {answer}{tokenizer.eos_token}"], add_special_tokens=False
    )["input_ids"]
    return Exchange(question=tuple(asked), answer=tuple(told))


def text_of(exchange: Exchange, tokenizer: PreTrainedTokenizerFast) -> str:
    """The question of an exchange as text."""
    return str(tokenizer.decode([*exchange.question])).removesuffix(_SUFFIX)
