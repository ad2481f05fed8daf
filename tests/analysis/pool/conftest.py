"""Planted runs of several models with several attributes, and the command as a user types it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.emergence.estimates import estimate
from analysis.emergence.tables import effect_rows, score_rows
from analysis.pool.__main__ import COMMAND, PoolModels, main
from analysis.pool.folder import pool_schema
from analysis.run.folder import claim
from analysis.run.results import add_finding
from analysis.run.study import Study
from data_prep.command_line import from_command_line
from tests.analysis.planted import planted
from tests.analysis.planted_runs import OTHER_DATA, SAME_DATA, rising
from tests.commands import Ended, run_command
from tests.schemas import require_valid

QUICK = ("--n-resamples", "300")


def write_models_run(
    folder: Path,
    depths: Mapping[str, float | None],
    *,
    seed: int,
    n_layers: int = 9,
    data: str = SAME_DATA,
) -> Path:
    """A run of a model of its own, in which each attribute rises at a depth, or not at all."""
    study = Study(n_resamples=800, model=f"planted/{folder.name}")
    about: dict[str, Any] = {"model_revision": f"planted {seed}", "data_fingerprint": data}
    run = claim(folder, study, **about)
    for place, (name, depth) in enumerate(depths.items()):
        height = 0.0 if depth is None else 4.0
        strength = rising(n_layers, depth or 0.5, height=height)
        readings = planted(list(strength), seed=100 * seed + place)
        items = readings.items.assign(attribute=name)
        items["item_id"] = items["item_id"].str.replace("color", name)
        readings = replace(readings, items=items)
        found = estimate(readings, study, key=place)
        keys = ["attribute", "readout"]
        run.replace_rows("scores", score_rows(found, readings, "logit_lens"), key=keys)
        run.replace_rows("effects", effect_rows(found, readings, "logit_lens"), key=keys)
        add_finding(
            run, name, "logit_lens", found.results,
            {"model": study.model, "data": study.data, **about},
        )  # fmt: skip
    return folder


@pytest.fixture
def pool(capsys):
    """Runs `python -m analysis.pool` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        typed = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(from_command_line(PoolModels, command=COMMAND, arguments=typed))
        )

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Color at .3 and shape at .6 of the depth with four models, and what differs from that."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "one": ({"color": 0.30, "shape": 0.62}, {"seed": 1}),
        "two": ({"color": 0.34, "shape": 0.60}, {"seed": 2, "n_layers": 13}),
        "three": ({"color": 0.28, "shape": 0.66}, {"seed": 3}),
        "elsewhere": ({"color": 0.31, "shape": 0.60}, {"seed": 4, "data": OTHER_DATA}),
        "blind": ({"color": 0.31, "shape": None}, {"seed": 5}),
        "only color": ({"color": 0.31}, {"seed": 6}),
    }
    return {
        name: write_models_run(folder / name, depths, **options)
        for name, (depths, options) in made.items()
    }


@pytest.fixture
def of(pool, models, tmp_path):
    """pool.json of some planted models, with what was printed."""

    def run(*names: str, options: tuple[str, ...] = ()) -> tuple[dict, str]:
        out = tmp_path / "-".join(names)
        ended = pool(*(models[name] for name in names), *QUICK, "--out", out, *options)
        assert ended.code == 0, ended.err
        found = json.loads((out / "pool.json").read_text())
        require_valid(found, pool_schema)
        return found, ended.out

    return run
