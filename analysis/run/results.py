"""results.json: what a study found, what it was made from, and the schema that it keeps."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from analysis.run.folder import Run
from data_prep.errors import UserError
from probes.durable import write_durably
from stats import adjusted_p

FILE_NAME = "results.json"
_VERSIONS = ("onset", "torch", "transformers", "numpy", "scipy", "pillow")


def schema() -> dict[str, Any]:
    """The JSON schema of results.json."""
    text = files("analysis.run").joinpath("results.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def versions() -> dict[str, str]:
    """Of what results are made with."""
    return {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()}


def read_results(run: Run) -> dict[str, Any] | None:
    """The results in a run's folder; None if there are none. UserError if they are damaged."""
    path = run.folder / FILE_NAME
    if not path.exists():
        return None
    results = load_results(path)
    if results["study_hash"] != run.study_hash:
        raise UserError(f"{path} was made by another study: delete it and run again")
    return results


def load_results(path: Path) -> dict[str, Any]:
    """Results from a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["study_hash"]
        for found in content["attributes"].values():
            found["readouts"].keys()
        content["studies"].keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run again") from error
    return content


def add_finding(
    run: Run, attribute: str, readout: str, found: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Puts one attribute's emergence under one readout into the file; gives the whole content."""
    results = _begun(run, about)
    readouts = results["attributes"].setdefault(attribute, {"readouts": {}})["readouts"]
    readouts[readout] = dict(found)
    _adjust_over_run(results)
    return _written(run, results)


def add_study(
    run: Run, study: str, found: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Puts what another study found into the file, under its name; gives the whole content."""
    results = _begun(run, about)
    results["studies"][study] = dict(found)
    return _written(run, results)


def study_result(results: Mapping[str, Any] | None, study: str) -> dict[str, Any]:
    """What a study found; empty if it has not been run."""
    return dict((results or {"studies": {}})["studies"].get(study, {}))


def finding_of(run: Run, attribute: str, readout: str) -> dict[str, Any]:
    """One attribute's emergence under one readout. UserError if it has not been measured."""
    attributes = (read_results(run) or {"attributes": {}})["attributes"]
    found = attributes.get(attribute, {"readouts": {}})["readouts"].get(readout)
    if found is None:
        raise UserError(
            f"{run.folder} has no {attribute} under {readout}: run python -m analysis.emergence "
            f"--attr {attribute} --readout {readout} on it first"
        )
    return found


def _adjust_over_run(results: dict[str, Any]) -> None:
    """Holm's adjustment over all findings of the run of each one's largest p.

    A finding must pass both controls, over all layers and on the plateau, so the largest is its p.
    """
    findings = [
        found
        for attribute in results["attributes"].values()
        for found in attribute["readouts"].values()
    ]
    largest = [max(*one["omnibus_p"].values(), *one["plateau_p"].values()) for one in findings]
    for found, p in zip(findings, adjusted_p(np.array(largest)).tolist(), strict=True):
        found["omnibus_p_holm"] = p


def _begun(run: Run, about: Mapping[str, Any]) -> dict[str, Any]:
    return (read_results(run) or {"attributes": {}, "studies": {}}) | {
        "study_hash": run.study_hash,
        "seed": run.study.seed,
        "versions": versions(),
        **about,
    }


def _written(run: Run, results: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(results, indent=1, allow_nan=False)
    write_durably(run.folder / FILE_NAME, content.encode())
    return results
