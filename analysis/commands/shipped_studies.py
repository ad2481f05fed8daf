"""Study files that come with the package: what people ran before, as declared plans."""

from importlib.resources import as_file, files
from pathlib import Path

from analysis.commands.study_file import StudyFile, read_study
from data_prep.errors import UserError
from data_prep.option_texts import shown

_FOLDER = "analysis.commands.studies"


def study_names() -> tuple[str, ...]:
    """The names of the studies that come with the package."""
    found = (Path(each.name) for each in files(_FOLDER).iterdir())
    return tuple(sorted(each.stem for each in found if each.suffix == ".toml"))


def study_named(file: Path) -> StudyFile:
    """What a study file declares, or the shipped study of that name. UserError if there is
    neither."""
    exists = _exists(file)
    if exists or str(file) not in study_names():
        if not exists and file.suffix != ".toml" and len(file.parts) == 1:
            raise UserError(
                f"no study file {shown(file)}, and no study of that name is shipped: choose from "
                f"{', '.join(study_names())}"
            )
        return read_study(file)
    with as_file(files(_FOLDER).joinpath(f"{file}.toml")) as shipped:
        return read_study(shipped)


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # such as a name that is too long; reading it says so
        return False
