"""Clauses that describe a run: its model, its scenes and its questions."""

from collections.abc import Sequence

from analysis.emergence.found import Said, SaidItem
from paper.evidence.record import RunRecord

_MOST_SHOWN = 3


def model_clause(record: RunRecord) -> str:
    """A clause that introduces the model in running text."""
    if record.results.model == "bundled":
        return "the small LLaVA that the toolkit brings along"
    revision = record.results.model_revision.rpartition(":")[2][:12]
    return f"{record.model} (revision {revision})"


def data_clause(record: RunRecord) -> str:
    """A clause that introduces the scenes in running text."""
    name = record.results.data
    if name == "bundled":
        return "the rendered CLEVR-style scenes that the toolkit brings along"
    kind, _, rest = name.partition(":")
    if kind == "scores":
        return f"those that the table of scores {rest} speaks of"
    if kind != "clevr":
        return f"the data set {name.rstrip('/').split('/')[-1]}"
    folder, _, split = rest.partition(":")
    named = folder.rstrip("/").split("/")[-1]
    return f"scenes in CLEVR's layout ({named}{f', split {split}' if split else ''})"


def right_answers_sentence(record: RunRecord) -> str:
    """A sentence on where the right answers come from."""
    return {
        "scores": _GIVEN_SCORES,
        "bundled": _KNOWN_OBJECTS,
        "clevr": _KNOWN_OBJECTS,
        "coco": "The right answers come from annotations and captions: what is not annotated "
        "counts as absent, and of what captions say counts what two of them agree on.",
    }.get(_kind(record), "The right answers are the labels that came with them.")


def questions_clause(record: RunRecord) -> str:
    """A clause on the kind of questions that were asked."""
    if _kind(record) == "scores":
        return "the texts that stand in that table"
    if _kind(record) not in ("bundled", "clevr"):
        return (
            "one text for all images, or, where it asks what is there, one for each kind of thing"
        )
    asked = record.plan["questions"]
    return {
        "referring": "questions that name one of several objects by its other properties, such as "
        "\u201cWhat color is the large sphere?\u201d, and never by the one that they ask for",
        "main": "questions about the only object, such as \u201cColor of the main object:\u201d",
        "all": "questions about the only object, or about one of several objects that is named by "
        "its other properties",
        "foremost": "texts such as \u201cColor of the main object:\u201d, which do not say which "
        "of several objects they mean; scored is the answer of the foremost one",
    }[asked]


def said_sentence(record: RunRecord) -> str:
    """A sentence on how often the answer that was read is the one that the model generates, over
    all attributes together."""
    every = list(record.found_by_name("said", Said).values())
    if not every:
        return (
            "Whether the answers that are read are those that the model generates was not checked."
        )
    n_items = sum(one.n_items for one in every)
    n_agree = sum(one.agree.n for one in every)
    differ = [item for one in every for item in one.items if not item.agrees]
    return (
        f"As a check, the model was let to answer {n_items:,} items, greedily: in {n_agree:,} of "
        f"them the answer that it said is the one read at the last layer{_differences(differ)}."
    )


def _differences(items: Sequence[SaidItem]) -> str:
    shown = [f"\u201c{item.text}\u201d, read as {item.read}" for item in items[:_MOST_SHOWN]]
    if not shown:
        return ""
    more = len(items) - len(shown)
    return f" (else {'; '.join(shown)}{f'; and {more} more' if more else ''})"


def _kind(record: RunRecord) -> str:
    return record.results.data.partition(":")[0]


_KNOWN_OBJECTS = (
    "They follow the design of CLEVR: simple objects with a shape, a color, a material and a size, "
    "so that the right answer is known without annotators and does not depend on taste."
)
_GIVEN_SCORES = (
    "The scores of every answer by layer were captured elsewhere and given to the toolkit as a "
    "table, and so were the right answers. What this report says of the statistics holds of them; "
    "what it says of how prompts, spellings, blank and shuffled images are made, and of the check "
    "of the output map on loading, describes the toolkit's own capture and was not checked here."
)
