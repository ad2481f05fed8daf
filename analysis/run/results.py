"""results.json: what a study found, and what it was made from."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from analysis.effects.found import Finding
from analysis.results import ByReadout, Results
from analysis.run.folder import Run
from analysis.typed import read_back, written
from data_prep.attributes import ATTRIBUTES
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json

FILE_NAME = "results.json"
Found = TypeVar("Found")
_VERSIONS = ("onset", "torch", "transformers", "numpy", "scipy", "pillow")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that results are made with, by name."""
    return {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()}


def read_results(run: Run) -> Results | None:
    """The results in a run's folder; None if there are none. UserError if they are damaged."""
    path = run.folder / FILE_NAME
    if not path.exists():
        return None
    results = load_results(path)
    if results.study_hash != run.study_hash:
        raise UserError(f"{path} was made by another study: delete it and run again")
    return results


def load_results(path: Path) -> Results:
    """Results from a file. UserError if it is damaged, or was written by another version."""
    try:
        content = read_sealed_json(path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged ({error}): copy it again from its source, or delete it and run "
            "again"
        ) from error
    return read_back(Results, content, str(path))


def add_finding(
    run: Run, attribute: str, readout: str, found: Finding, about: Mapping[str, Any]
) -> Results:
    """Puts one attribute's emergence under one readout into results.json; gives the file's whole
    content."""
    with run.turn():
        results = _begun(run, about)
        readouts = results.of_attribute(attribute) | {readout: found}
        attributes = _ordered(results.attributes | {attribute: ByReadout(readouts=readouts)})
        return _kept(run, replace(results, attributes=_adjusted_over_run(attributes)))


def add_study(run: Run, study: str, found: Mapping[str, Any], about: Mapping[str, Any]) -> Results:
    """Puts what another study found into results.json, under its name; gives the file's whole
    content. A file that holds the same of the study is left as it is."""
    known = read_results(run)
    if known is not None and study in known.studies and _same(known.studies[study], found):
        return known
    with run.turn():
        results = _begun(run, about)
        studies = results.studies | {study: dict(found)}
        return _kept(run, replace(results, studies=dict(sorted(studies.items()))))


def add_part(
    run: Run, study: str, names: Sequence[str], found: Any, about: Mapping[str, Any]
) -> Results:
    """Puts a part of what another study found into results.json, as of one attribute, beside the
    parts that are there; gives the file's whole content. `names` lead to the part from the study
    down. A study's parts may be measured by several processes at once."""
    with run.turn():
        whole = study_result(read_results(run), study)
        return add_study(run, study, _with_part(whole, names, found), about)


def study_result(results: Results | None, study: str) -> dict[str, Any]:
    """What a study found; empty if it has not been run."""
    return {} if results is None else dict(results.studies.get(study, {}))


def kept_or_measured(
    run: Run,
    study: str,
    attribute: str,
    kind: type[Found],
    *,
    same: Callable[[Found], bool],
    measure: Callable[[], Found],
    about: Mapping[str, Any],
) -> Found:
    """What a study found of an attribute: from the run, if the same was asked there, or measured
    now and put into results.json."""
    known = study_result(read_results(run), study)
    if attribute in known:
        old = read_back(kind, known[attribute], f"{FILE_NAME} of {run.folder}")
        if same(old):
            return old
    run.require_free()  # before the work, not after it
    found = measure()
    add_part(run, study, [attribute], written(found), about)
    return found


def finding_of(run: Run, attribute: str, readout: str) -> Finding:
    """One attribute's emergence under one readout. UserError if it has not been measured."""
    results = read_results(run)
    found = None if results is None else results.of_attribute(attribute).get(readout)
    if found is None:
        raise UserError(
            f"{run.folder} has no {attribute} under {readout}: run python -m analysis.emergence "
            f"--attr {attribute} --readout {readout} on it first"
        )
    return found


def _adjusted_over_run(attributes: Mapping[str, ByReadout]) -> dict[str, ByReadout]:
    """The same findings with adjusted p-values: the largest p of each finding, adjusted by Holm's
    method over all findings of the run."""
    largest = [found.largest_p for each in attributes.values() for found in each.readouts.values()]
    # Here, because who only reads results does not wait for the statistics.
    from stats import adjusted_p

    adjusted = iter(adjusted_p(np.array(largest)).tolist())
    return {
        attribute: ByReadout(
            readouts={
                readout: replace(found, omnibus_p_holm=next(adjusted))
                for readout, found in each.readouts.items()
            }
        )
        for attribute, each in attributes.items()
    }


def _with_part(whole: Mapping[str, Any], names: Sequence[str], found: Any) -> dict[str, Any]:
    first, *rest = names
    part = _with_part(whole.get(first, {}), rest, found) if rest else found
    return _ordered({**whole, first: part})


def _ordered(parts: Mapping[str, Found]) -> dict[str, Found]:
    """The same with the attributes of CLEVR in the order of the tables, whichever was measured
    first; other names keep their place after them."""
    last = len(ATTRIBUTES)
    places = {name: place for place, name in enumerate(ATTRIBUTES)}
    return dict(sorted(parts.items(), key=lambda part: places.get(part[0], last)))


def _begun(run: Run, about: Mapping[str, Any]) -> Results:
    made_from: dict[str, Any] = {
        "study_hash": run.study_hash,
        "seed": run.study.seed,
        "versions": versions(),
        **about,
    }
    results = read_results(run)
    if results is None:
        return Results(attributes={}, studies={}, **made_from)
    return replace(results, **made_from)


def _kept(run: Run, results: Results) -> Results:
    write_durably(run.folder / FILE_NAME, sealed_json(written(results)))
    return results


def _same(kept: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether two contents are written alike."""
    return json.dumps(kept) == json.dumps(dict(found))
