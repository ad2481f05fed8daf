"""A run of a small random model on a few noise images, opened for methods."""

import pytest

from analysis.absence.options import AbsenceOptions
from analysis.absence.questions import questions_of
from analysis.commands.options import open_run, parse_options
from analysis.mitigation.passes.parts import two_parts


@pytest.fixture(scope="session")
def arguments(clevr, model_folder) -> list[str]:
    """Arguments of a study that takes seconds."""
    line = ["--model", model_folder, "--data", f"clevr:{clevr}", "--min-scenes-per-text", "5",
            "--n-resamples", "800", "--most", "60"]  # fmt: skip
    return [str(each) for each in line]


@pytest.fixture(scope="session")
def opened(tmp_path_factory, arguments):
    line = [*arguments, "--run", str(tmp_path_factory.mktemp("mitigation") / "run")]
    return open_run(parse_options(AbsenceOptions, command="python -m it", arguments=line))


@pytest.fixture(scope="session")
def parts(opened):
    """The items to tune on, and those to judge by."""
    return two_parts(opened, questions_of(opened, "exist", most=60))
