"""A tuned lens for a model: trained, judged on held-out scenes, and written for others to use.

    python -m analysis.tuned_lens
    python -m analysis.tuned_lens --run runs/my-study --seeds 5 --export FOLDER

Trains translators on the answer positions of the train scenes of a run (captured if they are not
there yet), chooses on the validation scenes, and compares them with the logit lens on the test
scenes. Writes the lens, quality.json and the figure into the run; a killed one goes on.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from analysis.estimation.lens_comparison import compare_lenses
from analysis.reporting.lens_report import lens_table, save_lens_figure
from analysis.runs.measure import items_of, logit_lens_readings
from analysis.runs.run_folder import Run, claim
from analysis.runs.study import Study
from data_prep.attributes import ATTRIBUTES, attribute
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.sources import SceneData, open_data
from probes.durable import write_durably
from probes.identity import known_revision
from probes.translators.recipe import Recipe

if TYPE_CHECKING:
    from probes.translators import ResidualRows, TrainedLens
    from probes.unembedding import Unembedding
    from probes.vlm import VLM

READOUT = "tuned_lens"
_COMMAND = "python -m analysis.tuned_lens"
_QUALITY, _CHECKPOINTS = "quality.json", "checkpoints"
_STREAM, _N_STREAMS = 4, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedLensStudy:
    """Train a tuned lens and compare it with the logit lens on held-out scenes."""

    attr: tuple[str, ...] = ("color", "shape", "material")
    """Attributes whose questions give the answer positions: color, shape, material, size, count."""
    run: Path | None = None
    """Folder of the run; default: one named after model, data and study, under runs/."""
    seeds: int = 3
    """Trainings, each with an order of its own; the first is kept, the others show the spread."""
    export: Path | None = None
    """Also write the lens into this folder in the format of the tuned-lens package."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda, mps."""
    recipe: Recipe = field(default_factory=Recipe)
    plan: Annotated[Study, tyro.conf.arg(name="")] = field(default_factory=Study)

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UserError(f"seeds must be at least 1, got {self.seeds}")
        if not self.attr:
            raise UserError(f"--attr needs at least one of {', '.join(ATTRIBUTES)}")
        for name in self.attr:
            attribute(name)


def main(config: TunedLensStudy) -> None:
    """Trains and judges the lens, or reads what is there, and prints what it found."""
    study, data = config.plan, open_data(config.plan.data)

    @cache
    def load_model() -> "VLM":
        from probes import load_vlm

        return load_vlm(
            study.model, device=config.device, dtype=study.dtype, revision=study.revision
        )

    revision = known_revision(study.model, study.revision) or load_model().revision
    run = claim(config.run, study, model_revision=revision, data_fingerprint=data.fingerprint)
    folder = run.readouts(READOUT)
    asked = {
        "attributes": list(dict.fromkeys(config.attr)),
        "recipe": json.loads(json.dumps(asdict(config.recipe))),
        "seeds": config.seeds,
    }
    found = _known(folder, asked)
    if found is None:
        found = _study(run, data, load_model, config, revision) | {"made_from": asked}
        content = json.dumps(found, indent=1, allow_nan=False)
        write_durably(folder / _QUALITY, content.encode())
        for checkpoint in (folder / _CHECKPOINTS).glob("seed-*.safetensors"):
            checkpoint.unlink()
    print(lens_table(found))
    if config.export is not None:
        from probes import TunedLens

        TunedLens.load(folder).to_tuned_lens_format(config.export)
        print(f"tuned-lens format: {config.export}")
    figures = save_lens_figure(found, run.folder)
    print(f"lens: {folder}   figure: {figures[0]}")


def _known(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was found before, if it was asked in the same way."""
    path = folder / _QUALITY
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if found["made_from"] == asked else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run again") from error


def _study(
    run: Run,
    data: SceneData,
    load_model: "Callable[[], VLM]",
    config: TunedLensStudy,
    revision: str,
) -> dict[str, Any]:
    from probes import TunedLens
    from probes.lens_quality import lens_quality
    from probes.translators import require_no_leak, split_by_scene
    from probes.translators.affine import Translators
    from probes.unembedding import Unembedding

    rows, right_tokens = _rows(run, data, load_model, config.attr)
    unembedding = Unembedding.load(run.readouts("logit_lens"))
    sides = split_by_scene(rows)
    require_no_leak(sides)
    trained = _train(run, sides, unembedding, config)
    lens = TunedLens(
        unembedding=unembedding,
        translators=trained[0].translators,
        model=run.study.model,
        revision=revision,
    )
    lens.save(run.readouts(READOUT))
    in_test = set(sides["test"].scene_ids)
    right = [
        tokens
        for tokens, scene in zip(right_tokens, rows.scene_ids, strict=True)
        if scene in in_test
    ]
    nothing = Translators.zero(rows.n_layers, rows.d_model)
    qualities = [
        lens_quality(sides["test"], translators, unembedding, right)
        for translators in (nothing, *(each.translators for each in trained))
    ]
    found = compare_lenses(
        qualities[0],
        qualities[1:],
        sides["test"].scene_ids,
        rngs=[run.study.rng(_STREAM, purpose) for purpose in range(_N_STREAMS)],
        level=run.study.level,
        n_resamples=run.study.n_resamples,
    )
    for row, kept in zip(found["layers"], (*trained[0].kept, "model"), strict=True):
        row["kept"] = kept
    return found | {
        "n_scenes_by_side": {side: len(set(each.scene_ids)) for side, each in sides.items()},
        "study_hash": run.study_hash,
        "model": run.study.model,
        "model_revision": revision,
    }


def _rows(
    run: Run, data: SceneData, load_model: "Callable[[], VLM]", names: Sequence[str]
) -> "tuple[ResidualRows, list[tuple[int, ...]]]":
    """Residuals of the items' own images, with the tokens of each one's right answer."""
    from probes.store import ResidualStore
    from probes.translators import ResidualRows

    parts, right_tokens = [], []
    for name in dict.fromkeys(names):
        logit_lens_readings(run, data, name, load_model)  # captures what is not there
        items = items_of(run, data, name)
        store = ResidualStore.open(run.residuals(name))
        row_ids = [f"real:{item}" for item in items["item_id"]]
        parts.append(
            ResidualRows.of_store(store, dict(zip(row_ids, items["scene_id"], strict=True)))
        )
        file = run.readouts("logit_lens") / f"{name}.json"
        tokens = json.loads(file.read_text(encoding="utf-8"))["token_ids"]
        answer_of = dict(zip(row_ids, items["answer"], strict=True))
        right_tokens += [
            tuple(tokens[answer_of[row_id]]) for row_id in store.row_ids if row_id in answer_of
        ]
    return ResidualRows.joined(parts), right_tokens


def _train(
    run: Run,
    sides: "Mapping[str, ResidualRows]",
    unembedding: "Unembedding",
    config: TunedLensStudy,
) -> "list[TrainedLens]":
    from tqdm import tqdm

    from probes.translators import train_tuned_lens

    folder = run.readouts(READOUT) / _CHECKPOINTS
    total = config.seeds * config.recipe.steps
    trained = []
    with tqdm(total=total, desc="train tuned lens", unit="step", disable=None) as bar:
        for seed in range(config.seeds):
            trained.append(
                train_tuned_lens(
                    sides["train"],
                    sides["validation"],
                    unembedding,
                    recipe=config.recipe,
                    seed=1000 * run.study.seed + seed,
                    checkpoint=folder / f"seed-{seed}.safetensors",
                    progress=bar.update,
                )
            )
    return trained


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(TunedLensStudy, command=_COMMAND, arguments=sys.argv[1:]))
