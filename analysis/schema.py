"""The JSON schema of results.json, made from the result classes of all studies.

A new study only has to add its entry to `Studies`: its own class describes what it writes.
"""

from typing import Any

from typing_extensions import TypedDict

from analysis.ablation.found import FoundAblation
from analysis.causes.found import Caused
from analysis.concept.found import FoundConcept
from analysis.confusion.found import Confused
from analysis.emergence.found import Ladder, ReadoutsCompared, Said
from analysis.examples.found import FoundExamples
from analysis.hallucination.found import Hallucinated
from analysis.mitigation.found import Mitigated
from analysis.order.found import FoundOrder
from analysis.paraphrase.found import Paraphrased
from analysis.probes.found import Probed
from analysis.results import Results
from analysis.trajectory.found import FoundTrajectories
from analysis.tuned_lens.found import JudgedLens
from analysis.typed import document_schema, result
from analysis.worlds.found import FoundWorlds


class Studies(TypedDict, total=False):
    """What each study writes under its name; studies that treat attributes one by one write by
    attribute."""

    readouts: dict[str, ReadoutsCompared]
    ladder: dict[str, Ladder]
    said: dict[str, Said]
    probes: dict[str, dict[str, Probed]]
    """What probes found, by position and then by attribute."""
    tuned_lens: JudgedLens
    order: FoundOrder
    worlds: FoundWorlds
    confusion: dict[str, Confused]
    concept: FoundConcept
    trajectory: FoundTrajectories
    examples: FoundExamples
    paraphrase: dict[str, Paraphrased]
    causes: dict[str, Caused]
    ablation: dict[str, FoundAblation]
    hallucination: dict[str, Hallucinated]
    mitigation: dict[str, Mitigated]


@result
class WholeResults(Results):
    """Like `Results`, but with the own type of every study."""

    studies: Studies  # pyright: ignore[reportIncompatibleVariableOverride]


def results_schema() -> dict[str, Any]:
    """The JSON schema of results.json, draft 2020-12."""
    found = document_schema(WholeResults)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
