"""Finds out whether an order of attributes was declared before anything was measured.

A study file may fix it: attr = ["color", "shape"] in its table [order]. It counts as declared if
the run was begun with that file: then it is written into identity.json, once, before there is a
result, with a hash that binds it to the run. An order that is typed later, or written into the file
later, is only given.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.commands.shipped_studies import study_named
from analysis.run.folder import Run, recorded_identity
from data_prep.errors import UserError
from data_prep.scene_data import SceneData

_KEY = "declared_order"


def declared_order(file: Path | None, data: SceneData, study_hash: str) -> dict[str, Any]:
    """The part of a new run's identity that holds the order which the study file fixes.

    Empty if it fixes none: "usual" and "all" leave the order to the data. UserError for attributes
    that the data does not have.
    """
    if file is None:
        return {}
    names = study_named(file).options.get("order", {}).get("attr")
    if names is None:
        return {}
    if not (isinstance(names, list) and all(isinstance(each, str) for each in names)):
        raise UserError(
            f"attr in [order] of {file} must be a list of attributes, got {names!r}: name them in "
            "their order"
        )
    if list(data.chosen(names)) != names or len(names) < 2:
        return {}
    return {_KEY: {"attr": names, "sha256": _seal(names, study_hash)}}


def recorded_order(run: Run) -> tuple[str, ...] | None:
    """The order that was fixed when the run was begun; None if none was.

    UserError if the record was changed afterwards.
    """
    recorded = (recorded_identity(run.folder) or {}).get(_KEY)
    if recorded is None:
        return None
    try:
        names, seal = tuple(map(str, recorded["attr"])), recorded["sha256"]
    except (KeyError, TypeError):
        names, seal = (), ""
    if seal != _seal(names, run.study_hash):
        raise UserError(
            f"the order declared in {run.folder / 'identity.json'} was edited after the run was "
            "begun: restore it, or measure in a new folder"
        )
    return names


def order_given(run: Run, names: Sequence[str]) -> dict[str, Any]:
    """Whether the order of `names` was declared, and on what evidence, as results.json holds it.

    Only the declared order as a whole counts: a part of it would be another claim.
    """
    fixed = recorded_order(run)
    if fixed is None:
        basis = "no study file fixed an order when the run was begun"
    elif tuple(names) != fixed:
        basis = f"the study file that the run was begun with fixed another ({', '.join(fixed)})"
    else:
        basis = "fixed by the study file that the run was begun with, before any result"
    return {"declared": fixed == tuple(names), "rests_on": basis}


def _seal(names: Sequence[str], study_hash: str) -> str:
    content = json.dumps([study_hash, *names])
    return hashlib.sha256(content.encode()).hexdigest()
