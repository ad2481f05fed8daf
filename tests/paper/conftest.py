"""A finished run, its report built once, and the command as a user types it."""

import copy
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import cloudpickle
import pytest

from analysis.results import Results
from analysis.typed import read_back, written
from data_prep.command_line import from_command_line
from paper.build import Build, main
from paper.evidence.record import Record, RunRecord, read_record
from paper.output import floats
from paper.output.floats import Table
from paper.output.latex import HOW_TO_INSTALL, tex_version
from paper.sections import Section
from tests.commands import Ended, run_command
from tests.paper.made_up import write_run, write_validation

needs_tex = pytest.mark.skipif(
    tex_version() is None or shutil.which("pdftotext") is None,
    reason=f"needs TeX and poppler-utils: {HOW_TO_INSTALL}",
)


@pytest.fixture
def paper_build(capsys) -> Callable[..., Ended]:
    """Runs `python -m paper.build` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        typed = words(arguments)
        return run_command(
            capsys, lambda: main(from_command_line(Build, command="build", arguments=typed))
        )

    return run


@pytest.fixture
def refused(paper_build) -> Callable[..., str]:
    """Runs a command that must be refused: in one line, with code 2. Gives the line."""

    def run(*arguments: str | Path) -> str:
        return paper_build(*arguments).refusal

    return run


@pytest.fixture(scope="session", autouse=True)
def drawn_once():
    """A figure that one report had is not drawn again for the next one. It is the same if its texts
    and everything that its function holds are, to the last number."""
    kept: dict[bytes, dict[str, bytes]] = {}

    def drawn(figure: floats.Figure, form: floats.FigureFormat) -> dict[str, bytes]:
        key = cloudpickle.dumps((figure, form))
        if key not in kept:
            kept[key] = floats.drawn(figure, form)
        return dict(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("paper.assemble.drawn", drawn)
        yield


@pytest.fixture
def drawn_anew(monkeypatch) -> None:
    """All figures are drawn, whether others have had them or not."""
    monkeypatch.setattr("paper.assemble.drawn", floats.drawn)


@pytest.fixture
def without_tex(monkeypatch) -> None:
    """A machine on which TeX was never installed."""
    for module in ("paper.manifest", "paper.assemble"):
        monkeypatch.setattr(f"{module}.tex_version", lambda: None)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory) -> Path:
    """A run that holds every study."""
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def record(run_folder) -> RunRecord:
    """That run as the paper reads it."""
    return read_record(run_folder, "run")


@pytest.fixture(scope="session")
def validation_file(tmp_path_factory) -> Path:
    return write_validation(tmp_path_factory.mktemp("validation"))


@pytest.fixture(scope="session")
def built(tmp_path_factory, run_folder, validation_file) -> Path:
    """The report of that run; do not write into it."""
    out = tmp_path_factory.mktemp("built") / "report"
    arguments = words([run_folder, "--out", out, "--validation", validation_file])
    assert main(from_command_line(Build, command="build", arguments=arguments)) == 0
    return out


def changed_record(record: RunRecord, change: Callable[[dict], None]) -> RunRecord:
    """The record as it were with other results."""
    content = copy.deepcopy(written(record.results))
    change(content)
    results = read_back(Results, content, "changed results")
    return RunRecord(key=record.key, folder=record.folder, plan=record.plan, results=results)


def section_table(section: Section, record: Record, name: str) -> Table:
    """The table of this name that a section makes."""
    (found,) = [one for one in section.tables(record) if one.name == name]
    return found


def words(arguments: Sequence[str | Path]) -> list[str]:
    return [str(each) for each in arguments]


def pdf_words(pdf: Path) -> list[str]:
    """The text of a PDF, word by word."""
    return shown_by("pdftotext", "-layout", pdf, "-").split()


def shown_by(*command: str | Path) -> str:
    """What a command prints."""
    ended = subprocess.run(
        words(command),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return ended.stdout


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
