"""Planted runs and small real ones to compare, and the command as a user types it."""

import json
from pathlib import Path

import pytest

from analysis.commands.options import parse_options
from analysis.compare.__main__ import COMMAND, Compare, main
from analysis.compare.folder import compare_schema
from analysis.emergence import __main__ as emergence
from data_prep.command_line import from_command_line
from tests.analysis.planted_runs import OTHER_DATA, rising, write_planted_run
from tests.commands import Ended, run_command
from tests.probes.families.small import save
from tests.schemas import require_valid

QUICK = ("--n-resamples", "800")


@pytest.fixture
def compare(capsys):
    """Runs `python -m analysis.compare` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        typed = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(from_command_line(Compare, command=COMMAND, arguments=typed))
        )

    return run


@pytest.fixture
def refused(compare):
    """Runs a comparison that must be refused: in one line, with code 2. Gives the line."""

    def run(*arguments: str | Path) -> str:
        return compare(*arguments).refusal

    return run


@pytest.fixture(scope="session")
def planted_runs(tmp_path_factory) -> dict[str, Path]:
    """A model that knows at half its depth, and others that differ from it in one thing."""
    folder = tmp_path_factory.mktemp("planted")
    return {
        "half": write_planted_run(folder / "half", rising(9, 0.5)),
        "deep": write_planted_run(folder / "deep", rising(17, 0.5), seed=1),
        "late": write_planted_run(folder / "late", rising(9, 0.75), seed=2),
        "none": write_planted_run(folder / "none", rising(9, 0.5, height=0.0), seed=3),
        "other": write_planted_run(
            folder / "other", rising(9, 0.5), seed=4, data=OTHER_DATA, n_scenes=120
        ),
        "bump": write_planted_run(folder / "bump", [0, 3, 3, 0, 0, 3, 3, 3, 3], seed=6),
        "soon after": write_planted_run(
            folder / "soon after", rising(9, 0.58), seed=6, n_scenes=200
        ),
        "more": write_planted_run(folder / "more", rising(9, 0.5), seed=5, n_scenes=200),
    }


@pytest.fixture
def of(compare, planted_runs, tmp_path):
    """compare.json of some planted runs, with what was printed."""

    def run(*names: str, **options: str) -> tuple[dict, str]:
        out = tmp_path / "-".join(names)
        given = [word for name, value in options.items() for word in (f"--{name}", value)]
        ended = compare(*(planted_runs[name] for name in names), *QUICK, "--out", out, *given)
        assert ended.code == 0, ended.err
        found = json.loads((out / "compare.json").read_text())
        require_valid(found, compare_schema)
        return found, ended.out

    return run


@pytest.fixture(scope="session")
def small_runs(clevr, model_folder, tmp_path_factory) -> dict[str, Path]:
    """Two prompts to a small random LLaVA, and a small random Qwen2-VL, on the same scenes."""
    folder = tmp_path_factory.mktemp("small")
    qwen = save("qwen2_vl", folder / "models" / "qwen")
    made = {
        "card": (model_folder, "card"), "bare": (model_folder, "bare"), "qwen": (qwen, "card"),
    }  # fmt: skip
    for name, (model, style) in made.items():
        arguments = [
            *("--model", str(model), "--data", f"clevr:{clevr}", "--run", str(folder / name)),
            *("--min-scenes-per-text", "5", "--n-resamples", "800", "--attr", "size", "shape"),
            *("--prompt-style", style),
        ]
        options = parse_options(emergence.Emergence, command=emergence.COMMAND, arguments=arguments)
        emergence.main(options)
    return {name: folder / name for name in made}
