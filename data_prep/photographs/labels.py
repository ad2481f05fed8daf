"""Uses labels of photographs as attributes: their names, answers, question texts and questions."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError
from data_prep.plain_text import as_seen, require_plain
from data_prep.questions import Question
from data_prep.scenes import Photograph

PRESENCE = "presence"
CATEGORY = "{category}"
YES_NO: Mapping[str, tuple[str, ...]] = {"yes": ("yes",), "no": ("no",)}
_RESERVED = ("all", "usual")
_LONGEST = 100
"""Characters of an attribute's name, which becomes part of names of files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelQuestions:
    """How photographs are asked: by one text per attribute, or by one text per category for
    presence."""

    attributes: Mapping[str, Attribute]
    texts: Mapping[str, str]
    """The question text of each attribute."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not used as attributes, with the reason."""
    presence: Callable[[Photograph], tuple[Question, ...]] | None = None
    """Gives the questions about the presence of single categories in a photograph. None if presence
    is not asked."""

    @property
    def usual(self) -> tuple[str, ...]:
        """Names of all attributes: labels that a user provides are meant to be asked."""
        return tuple(self.attributes)

    def offers(self, scene: Photograph, name: str, questions: str) -> tuple[Question, ...]:
        if name == PRESENCE and self.presence is not None:
            return self.presence(scene)
        if name not in scene.labels:
            return ()
        text, answer = self.texts[name], scene.labels[name]
        return (Question(attribute=name, template="label", text=text, answer=answer),)

    def why_not(self, scene: Photograph, name: str, questions: str) -> str:
        return scene.unlabelled.get(name, "no label")

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        return "ask for another attribute or give images with labels for it"


def question_texts(defaults: Mapping[str, str], ask: Mapping[str, str]) -> dict[str, str]:
    """The question text of each attribute: the user's own text from `ask`, or else the default.
    UserError for an unknown attribute or an unsuitable text."""
    for name, text in ask.items():
        if name not in defaults:
            raise UserError(
                f"ask must name attributes of the data, got {name!r}: choose from "
                f"{', '.join(defaults)}"
            )
        if not text.strip():
            raise UserError(f"ask needs a text for {name}, got {text!r}: write the question")
        require_plain(text, f"the text for {name}", lines=True)
        if (CATEGORY in defaults[name]) != (CATEGORY in text):
            rule = "must" if CATEGORY in defaults[name] else "must not"
            raise UserError(f"the text for {name} {rule} hold {CATEGORY}, got {text!r}: correct it")
    return {**defaults, **ask}


def default_text(name: str) -> str:
    """The question for an attribute of which only the name is known, such as "Kind of bird:"."""
    words = name.replace("_", " ")
    return f"{words[0].upper()}{words[1:]}:"


def attribute_name(label: str) -> str:
    """A label's name turned into the name of an attribute, which is suitable for options, file
    names and keys of results."""
    require_plain(label, "the name of an attribute")
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    if len(name) > _LONGEST:
        raise UserError(
            f"the name of an attribute must have at most {_LONGEST} characters, got {len(name):,} "
            f"in {label[:40]!r}...: shorten it"
        )
    if not name or name in _RESERVED:
        raise UserError(
            f"an attribute is named with letters and digits, and not {' or '.join(_RESERVED)}, got "
            f"{label!r}: rename it"
        )
    return name


def label_attribute(name: str, labels: Iterable[str]) -> Attribute:
    """The attribute whose answers are these labels. Each label is recognised by its own words."""
    words: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for label in sorted(set(labels)):
        require_plain(label, f"a label of {name}")
        # Composed, as models say it: file names of macOS are not.
        written = unicodedata.normalize("NFC", " ".join(label.replace("_", " ").split()))
        said, seen = written.lower(), as_seen(label)
        if not seen:
            raise UserError(f"a label of {name} needs a name, got {label!r}: rename it")
        if seen in owner:
            raise UserError(
                f"labels of {name} must differ in more than case, underscores, blanks and what is "
                f"not seen, got {owner[seen]!a} and {label!a}: rename one"
            )
        owner[seen] = label
        # Capitals within a label may be how it is written: MRI.
        inner = written[1:] != written[1:].lower()
        words[label] = (said, written) if inner else (said,)
    return attribute_of(name, words, from_data=True)


def yes_no_attribute(name: str) -> Attribute:
    """The attribute `name` with the answers yes and no."""
    return attribute_of(name, YES_NO)
