"""results.json as a whole: what a run and its studies have found, and what that was made from."""

from typing import Any

from analysis.effects.found import Finding
from analysis.typed import result


@result
class ByReadout:
    """What was found about one attribute, by readout."""

    readouts: dict[str, Finding]


@result
class Results:
    """Everything that a run has found."""

    attributes: dict[str, ByReadout]
    """What was found about each attribute, in the order in which they were measured."""
    studies: dict[str, dict[str, Any]]
    """What each further study found, under the study's name. Every study reads its own part into
    types of its own."""
    study_hash: str
    """Hash of the declared plan, the model and the data."""
    seed: int
    versions: dict[str, str]
    """Versions of the software that wrote the file last, by the software's name."""
    model: str
    model_revision: str
    data: str
    data_fingerprint: str

    @property
    def n_findings(self) -> int:
        """The number of findings, over all attributes and readouts."""
        return sum(len(each.readouts) for each in self.attributes.values())

    def of_attribute(self, attribute: str) -> dict[str, Finding]:
        """The findings about one attribute, by readout; empty if it has not been measured."""
        found = self.attributes.get(attribute)
        return {} if found is None else found.readouts

    def by_attribute(self, readout: str) -> dict[str, Finding]:
        """The findings of one readout, by attribute; those attributes are left out that it has not
        measured."""
        return {
            name: found.readouts[readout]
            for name, found in self.attributes.items()
            if readout in found.readouts
        }
