"""results.json as a whole: what a run and its studies have found, and what it was made from."""

from typing import Any

from analysis.effects.found import Finding
from analysis.typed import result


@result
class ByReadout:
    """What was found of one attribute."""

    readouts: dict[str, Finding]


@result
class Results:
    """Everything that a run has found."""

    attributes: dict[str, ByReadout]
    """In the order in which they were measured."""
    studies: dict[str, dict[str, Any]]
    """What each further study found, under its name; it reads its own part as its own types."""
    study_hash: str
    """Of the declared plan, the model and the data."""
    seed: int
    versions: dict[str, str]
    """Of the software that wrote it last."""
    model: str
    model_revision: str
    data: str
    data_fingerprint: str

    @property
    def n_findings(self) -> int:
        """Of all attributes and readouts."""
        return sum(len(each.readouts) for each in self.attributes.values())

    def of_attribute(self, attribute: str) -> dict[str, Finding]:
        """Its emergence by readout; empty if it has not been measured."""
        found = self.attributes.get(attribute)
        return {} if found is None else found.readouts

    def by_attribute(self, readout: str) -> dict[str, Finding]:
        """What a readout found of every attribute that it was applied to."""
        return {
            name: found.readouts[readout]
            for name, found in self.attributes.items()
            if readout in found.readouts
        }
