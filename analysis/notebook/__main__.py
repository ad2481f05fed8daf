"""Writes a study as a notebook, for Colab or Jupyter: install, data, look first, ask, see.

    python -m analysis.notebook --study llava-1.5-7b-coco
    python -m analysis.notebook --study my-study.toml --out my-study.ipynb

The notebook installs Onset where it is not there, and holds the study file that it was made from.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.commands.shipped_studies import study_named
from analysis.notebook.cells import study_cells
from analysis.notebook.ipynb import notebook_json
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.durable import write_durably
from data_prep.files.output import require_output_file

COMMAND = "python -m analysis.notebook"
_ENDING = ".ipynb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """Writes a study as a notebook that can be run in Colab or Jupyter."""

    study: Path
    """Study file, which the notebook will hold, or the name of a shipped study."""
    out: Path | None = None
    """File to write; default: the study's name with .ipynb, in the working folder."""


def main(options: Notebook) -> None:
    """Writes the notebook and says where it is."""
    study = study_named(options.study)
    shipped = study.file.name != options.study.name or not options.study.exists()
    name = str(options.study) if shipped else options.study.name
    out = options.out or Path(f"{options.study.stem if not shipped else name}{_ENDING}")
    if out.suffix != _ENDING:
        raise UserError(f"--out must end with {_ENDING}, got {str(out)!r}: notebooks do")
    require_output_file(out, "--out")
    write_durably(out, notebook_json(study_cells(study, name, shipped=shipped)).encode())
    print(f"notebook: {out}")


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(Notebook, command=COMMAND, arguments=sys.argv[1:]))
