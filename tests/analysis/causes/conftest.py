"""Pictures, models that carry what they see in one block, and the command as a user types it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from analysis.causes.__main__ import COMMAND, Causes, main
from analysis.commands.options import parse_options
from tests.analysis.causes.planted_models import (
    BUNDLED,
    QUESTION,
    answering,
    with_one_mover,
    write_pictures,
)
from tests.commands import Ended, run_command
from tests.probes.families.small import save


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a family's small random model; "bundled": of the bundled one."""

    def folder(family: str) -> Path:
        return BUNDLED if family == "bundled" else save(family, tmp_path_factory.mktemp(family))

    return cache(folder)


@pytest.fixture(scope="session")
def one_mover(tmp_path_factory, plain_model, pictures) -> Callable[[str, int], Path]:
    """A model of a family of which only one block moves anything between positions."""

    def folder(family: str, block: int) -> Path:
        to = tmp_path_factory.mktemp("planted") / f"{family}-{block}"
        return with_one_mover(plain_model(family), to, block, pictures)

    return cache(folder)


@pytest.fixture(scope="session")
def answering_llava(tmp_path_factory, pictures) -> Path:
    """A random LLaVA that names the colors of the pictures."""
    return answering(tmp_path_factory.mktemp("answering"), "llava", pictures)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, answering_llava, pictures) -> Path:
    """A finished run, which nothing may change."""
    run = tmp_path_factory.mktemp("finished") / "run"
    line = [str(each) for each in asked(answering_llava, pictures, run)]
    main(parse_options(Causes, command=COMMAND, arguments=line))
    return run


@pytest.fixture
def causes(capsys) -> Callable[..., Ended]:
    """Runs `python -m analysis.causes` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        line = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(parse_options(Causes, command=COMMAND, arguments=line))
        )

    return run


def asked(model: Path, pictures: Path, run: Path) -> list[str | Path]:
    """The command line of a study of pictures in folders that takes seconds."""
    return [
        *("--model", model, "--data", f"images:{pictures}", "--ask", f"label={QUESTION}"),
        *("--run", run, "--n-resamples", "800", "--pairs", "matched"),
        # 48 swaps make several batches.
        *("--batch-size", "10"),
    ]
