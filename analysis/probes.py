"""What can a linear probe read at each layer, and is it the residual stream or the probe?

    python -m analysis.probes --attr shape
    python -m analysis.probes --attr all --model FOLDER --data clevr:FOLDER:val

Fits probes cross-fitted by scene, with control task, description length and baselines; shares
the run folder, items and residuals with analysis.emergence. Prints a table per attribute and
writes probes.json, probe_scores.parquet, the probes themselves and a figure per attribute.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from analysis.reporting.probe_report import probe_table, save_probe_figure
from analysis.runs.run_folder import Run, claim
from analysis.runs.study import Study
from data_prep.attributes import ATTRIBUTES, attribute
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.sources import SceneData, open_data
from probes.durable import write_durably
from probes.identity import known_revision

if TYPE_CHECKING:  # a finished run needs neither torch nor the model
    from probes.vlm import VLM

FILE_NAME = "probes.json"
_COMMAND = "python -m analysis.probes"
_CODE_STREAM = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What can a linear probe read at each layer, and is it the residual stream or the probe?"""

    attr: tuple[str, ...] = ("color", "shape", "material")
    """Attributes: color, shape, material, size, count, or all."""
    run: Path | None = None
    """Folder of the run; default: one named after model, data and study, under runs/."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda, mps."""
    plan: Annotated[Study, tyro.conf.arg(name="")] = field(default_factory=Study)


def main(config: Probes) -> None:
    """Fits what is not fitted yet, and prints what it found."""
    if not config.attr:
        raise UserError(f"--attr needs at least one of {', '.join(ATTRIBUTES)}, or all")
    names = ATTRIBUTES if "all" in config.attr else tuple(dict.fromkeys(config.attr))
    for name in names:
        attribute(name)
    study, data = config.plan, open_data(config.plan.data)

    @cache
    def load_model() -> "VLM":
        from probes import load_vlm

        return load_vlm(
            study.model, device=config.device, dtype=study.dtype, revision=study.revision
        )

    revision = known_revision(study.model, study.revision) or load_model().revision
    run = claim(config.run, study, model_revision=revision, data_fingerprint=data.fingerprint)
    found = _known(run)
    for name in names:
        if name not in found:
            found[name] = _measure(run, data, name, load_model)
            content = {"study_hash": run.study_hash, "attributes": found}
            text = json.dumps(content, indent=1, allow_nan=False)
            write_durably(run.folder / FILE_NAME, text.encode())
        print(probe_table(name, found[name]))
        figure = save_probe_figure(name, found[name], run.folder)[0]
        print(f"results: {run.folder / FILE_NAME}   figure: {figure}\n")


def _known(run: Run) -> dict[str, Any]:
    """What the run has found so far, by attribute."""
    path = run.folder / FILE_NAME
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["attributes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run again") from error


def _measure(
    run: Run, data: SceneData, name: str, load_model: "Callable[[], VLM]"
) -> dict[str, Any]:
    # Here, because these import torch.
    from tqdm import tqdm

    from analysis.estimation.probe_estimates import probe_results, score_rows
    from analysis.estimation.probe_readings import comparisons, linear_probe_readings
    from analysis.runs.residuals import residuals_of
    from probes.linear_probe import online_code
    from probes.scores import item_scores

    readings = linear_probe_readings(run, data, name, load_model)
    residuals = residuals_of(run, data, readings.items, load_model)
    scores = item_scores(readings.real, readings.answer_index)
    each = comparisons(run, data, readings, residuals, load_model())
    compared = list(tqdm(each, desc=f"probes {name}", unit="baseline", disable=None))
    length = online_code(
        residuals.real,
        readings.answer_index,
        scenes=readings.items["scene_id"].tolist(),
        answers=readings.answers,
        rng=run.study.rng(_CODE_STREAM, ATTRIBUTES.index(name)),
    )
    rows = score_rows(readings, scores, compared)
    run.replace_rows("probe_scores", rows, key=["attribute"])
    return probe_results(readings, scores, compared, length, run.study)


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(Probes, command=_COMMAND, arguments=sys.argv[1:]))
