"""At which layer does a model know an attribute of what it sees, and how sure is that?

    python -m analysis.emergence --attr color
    python -m analysis.emergence --attr all --model FOLDER --data clevr:FOLDER:val

Measures what is not measured yet, prints a table and a sentence for each attribute, and writes
the files of the run: items, residuals, readouts, scores, results.json and the figure.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from analysis.estimation.estimates import estimate, score_rows
from analysis.reporting.figures import save_emergence_figure
from analysis.reporting.report_text import attribute_table, sentence
from analysis.runs.measure import logit_lens_readings
from analysis.runs.results import add_result, read_results
from analysis.runs.run_folder import Run, claim
from analysis.runs.study import Study, read_study
from data_prep.attributes import ATTRIBUTES, attribute
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.sources import SceneData, open_data
from probes.identity import known_revision

if TYPE_CHECKING:
    from probes.vlm import VLM

READOUT = "logit_lens"
_COMMAND = "python -m analysis.emergence"
_DEFAULT_ATTRIBUTES = ("color", "shape", "material")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence:
    """At which layer does a model know an attribute of what it sees, and how sure is that?"""

    attr: tuple[str, ...] = _DEFAULT_ATTRIBUTES
    """Attributes: color, shape, material, size, count, or all."""
    run: Path | None = None
    """Folder of the run; default: one named after model, data and study, under runs/."""
    study: Path | None = None
    """Study file to start from; what else is given here replaces what it says."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda, mps."""
    plan: Annotated[Study, tyro.conf.arg(name="")] = field(default_factory=Study)


def main(config: Emergence) -> None:
    """Runs the study, or what is left of it, and prints what it found."""
    names = _attributes(config.attr)
    study, data = config.plan, open_data(config.plan.data)
    load_model = cache(partial(_load, study, config.device))
    revision = known_revision(study.model, study.revision) or load_model().revision
    run = claim(config.run, study, model_revision=revision, data_fingerprint=data.fingerprint)
    about = {
        "model": study.model,
        "model_revision": revision,
        "data": data.name,
        "data_fingerprint": data.fingerprint,
    }
    results = read_results(run)
    for name in names:
        if (
            results is None
            or READOUT not in results["attributes"].get(name, {"readouts": {}})["readouts"]
        ):
            results = _measure(run, data, name, load_model, about)
        print(attribute_table(name, _readouts(results, name)[READOUT]))
    chosen = {name: _readouts(results or {}, name)[READOUT] for name in names}
    for name, found in chosen.items():
        print(sentence(name, found))
    figures = save_emergence_figure(chosen, run.folder)
    print(f"\nresults: {run.folder / 'results.json'}   figure: {figures[0]}")


def _measure(
    run: Run,
    data: SceneData,
    name: str,
    load_model: "Callable[[], VLM]",
    about: dict[str, Any],
) -> dict[str, Any]:
    readings = logit_lens_readings(run, data, name, load_model)
    found, scores = estimate(readings, run.study, key=ATTRIBUTES.index(name))
    rows = score_rows(scores, readings, READOUT)
    run.replace_rows("scores", rows, key=["attribute", "readout"])
    return add_result(run, name, READOUT, found, about)


def _readouts(results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return results["attributes"].get(name, {"readouts": {}})["readouts"]


def _attributes(asked: tuple[str, ...]) -> tuple[str, ...]:
    if not asked:
        raise UserError(f"--attr needs at least one of {', '.join(ATTRIBUTES)}, or all")
    names = ATTRIBUTES if "all" in asked else tuple(dict.fromkeys(asked))
    for name in names:
        attribute(name)
    return names


def _load(study: Study, device: str) -> "VLM":
    from probes import load_vlm

    return load_vlm(study.model, device=device, dtype=study.dtype, revision=study.revision)


def _configuration(arguments: list[str]) -> Emergence:
    """The command line, on top of the study file if one is named there."""
    parse = partial(from_command_line, Emergence, command=_COMMAND, arguments=arguments)
    # Only the two together need make a plan: a level in one may ask for resamples in the other.
    chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    chooser.add_argument("--study", type=Path)
    try:
        file = chooser.parse_known_args(arguments)[0].study
    except argparse.ArgumentError:
        return parse()  # raises: says what is wrong with it
    return parse() if file is None else parse(default=Emergence(plan=read_study(file)))


if __name__ == "__main__":
    with one_line_errors():
        main(_configuration(sys.argv[1:]))
