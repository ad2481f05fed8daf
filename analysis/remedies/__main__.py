"""Do trainings against hallucination help, what do they cost, and is it more than chance?

    python -m analysis.remedies --models runs/remedies
    python -m analysis.remedies --models runs/remedies --scenes 800 --about color shape material
    python -m analysis.remedies --models runs/remedies --out analysis/remedies/results.json

Asks every finished model of `python -m probes.bundled.remedies` the same matched questions about
the bundled evaluation scenes: what things look like that may not be there, with none scored among
the answers, and whether things are there. Compares each arm with plain, seed by seed and over
seeds. Prints tables and sentences, writes them as JSON, and draws a figure beside the models.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from transformers.utils import logging as transformers_logging

from analysis.remedies.drawing import save_remedies_figure
from analysis.remedies.found import Remedied
from analysis.remedies.report import remedies_text
from analysis.remedies.trained import finished_models, read_training
from analysis.typed import read_back, written
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.bounded import read_file
from data_prep.files.durable import write_durably
from data_prep.option_rules import MOST_SCENES, Between, Within

COMMAND = "python -m analysis.remedies"
FILE_NAME = "judged.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """Do trainings against hallucination help, and what do they cost?"""

    models: Path
    """Folder of python -m probes.bundled.remedies; models that are not finished are left out."""
    scenes: Annotated[int, Within(40, MOST_SCENES)] = 400
    """Use the first so many of the bundled evaluation scenes. Each is asked whether things are
    there, and for one of the attributes under a premise."""
    about: tuple[str, ...] = ("color", "shape", "material")
    """Attributes that are asked for under a premise: among size, color, material and shape."""
    trained_on: Path | None = None
    """Folder of the training scenes, to check that none of them is asked about, and to count
    tokens; default: the one beside the models, if it is there."""
    out: Path | None = None
    """File for the results; default: judged.json beside the models."""
    device: str = "auto"
    """Where models run: cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else the CPU."""
    level: Annotated[float, Between(0.5, 1)] = 0.95
    """Of intervals; tests are at 1 - level."""


def main(options: Remedies) -> None:
    """Asks all finished models, prints what was found, and writes it."""
    out = options.out or options.models / FILE_NAME
    read_training(options.models)
    finished_models(options.models)
    _require_ours(out)
    # Here, because it imports torch.
    from analysis.remedies.measure import measured_remedies

    found = measured_remedies(
        options.models, n_scenes=options.scenes, about=options.about,
        trained_on=options.trained_on, device=options.device, level=options.level,
    )  # fmt: skip
    text = json.dumps(written(found), indent=1, allow_nan=False) + "\n"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_durably(out, text.encode())
        figure = save_remedies_figure(found, options.models)[0]
    except OSError as error:
        raise UserError(
            f"cannot write {str(out)!r} or beside the models ({error.strerror}): choose another "
            "--out"
        ) from error
    print(remedies_text(found))
    print(f"\nresults: {out}   figure: {figure}")


def _require_ours(out: Path) -> None:
    """UserError if the file exists and holds something else, such as the plan of the training."""
    if out.is_dir():
        raise UserError(f"--out must be a file, got the folder {str(out)!r}: add a name")
    if not out.exists():
        return
    try:
        read_back(Remedied, json.loads(read_file(out)), str(out))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(out)!r} holds something else than results of {COMMAND}: choose another --out, "
            "or delete it"
        ) from error


if __name__ == "__main__":
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    with one_line_errors():
        main(from_command_line(Remedies, command=COMMAND, arguments=sys.argv[1:]))
