"""A tuned lens for a model: trained, judged on held-out scenes, and written for others to use.

    python -m analysis.tuned_lens
    python -m analysis.tuned_lens --run runs/my-study --seeds 5 --export FOLDER

Trains translators on the train scenes of a run (captured if they are not there yet), at the
answer position and at tokens of text and image, chooses on the validation scenes, and compares
them with the logit lens on the test scenes, position by position. Writes the lens and the figure
into the run; a killed one goes on.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from analysis.commands.options import RunOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_study, read_results, study_result
from analysis.tuned_lens.estimates import compare_lenses
from analysis.tuned_lens.found import ComparedLenses, JudgedLens, MadeFrom
from analysis.tuned_lens.report import draw_kl_by_layer, lens_table, save_lens_figure
from analysis.typed import read_back, written
from data_prep.errors import one_line_errors
from data_prep.files.output import require_output_folder
from data_prep.option_rules import Filled, Within
from data_prep.terminal.progress import Progress
from probes.translators.cost import DEFAULT_MEMORY_GIB
from probes.translators.recipe import Recipe

if TYPE_CHECKING:
    from analysis.readouts.lens_rows import LensRows
    from probes.translators import ResidualRows, TrainedLens
    from probes.translators.affine import Translators
    from probes.unembedding import Unembedding

STUDY = "tuned_lens"
COMMAND = "python -m analysis.tuned_lens"
POSITIONS = ("answer", "text", "image")
_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedLensStudy(RunOptions):
    """Train a tuned lens and compare it with the logit lens on held-out scenes."""

    runs_more: ClassVar[bool] = True

    positions: Annotated[
        tuple[Literal["answer", "text", "image"], ...],
        Filled(f"at least one of {', '.join(POSITIONS)}"),
    ] = POSITIONS
    """Where it is trained and judged: the answer position, tokens of the text, of the image."""
    tokens_per_item: Annotated[int, Within(1, 4096)] = 4
    """Tokens of text, and of the image, that are drawn from each item's prompt."""
    seeds: Annotated[int, Within(1, 100)] = 3
    """Trainings, each with an order of its own; the first is kept, the others show the spread."""
    export: Path | None = None
    """Also write the lens into this folder in the format of the tuned-lens package."""
    memory_gib: Annotated[float, Within(0.25, 65_536)] = DEFAULT_MEMORY_GIB
    """Host memory for training, in GiB. Layers that do not fit together are trained group after
    group, to the same lens."""
    recipe: Recipe = field(default_factory=Recipe)

    def captures(self, opened: OpenRun) -> tuple[tuple[str, Literal["answer"]], ...]:
        return tuple((name, "answer") for name in opened.lens_attributes)


def main(options: TunedLensStudy, say: Say = print) -> StudyResult[JudgedLens]:
    """Trains and judges the lens, or reads what is there, and says what it found."""
    if options.export is not None:
        require_output_folder(options.export, "--export")
    opened = open_run(options)
    run = opened.run
    asked = MadeFrom(
        positions=tuple(dict.fromkeys(options.positions)),
        tokens_per_item=options.tokens_per_item,
        recipe=json.loads(json.dumps(asdict(options.recipe))),
        seeds=options.seeds,
    )
    folder = run.readouts(STUDY)
    known = study_result(read_results(run), STUDY)
    found = read_back(JudgedLens, known, f"{FILE_NAME} of {run.folder}") if known else None
    if (
        found is None
        or not _alike(found.made_from, asked)
        or not (folder / "tuned_lens.json").exists()
    ):
        found = _study(opened, options, folder, asked)
        add_study(run, STUDY, written(found), opened.about)
        for checkpoint in (folder / _CHECKPOINTS).glob("seed-*.safetensors"):
            checkpoint.unlink()
    if options.export is not None:
        from probes import TunedLens

        TunedLens.load(folder).to_tuned_lens_format(options.export)
    figures = save_lens_figure(found, run.folder)
    for position in found.positions:
        say(lens_table(found, position))
    if options.export is not None:
        say(f"tuned-lens format: {options.export}")
    say(f"lens: {folder}   figure: {figures[0]}")
    pictures = {name: picture(draw_kl_by_layer, each) for name, each in found.positions.items()}
    return StudyResult(found=found, folder=run.folder, pictures=pictures)


run = study_function(TunedLensStudy, main, command=COMMAND)


def _alike(made_from: MadeFrom, asked: MadeFrom) -> bool:
    """Whether the same is asked for as before; a field that recipes have had since counts as what
    it is by default."""
    defaults = json.loads(json.dumps(asdict(Recipe())))
    before = replace(made_from, recipe={**defaults, **made_from.recipe})
    return before == asked


def _study(opened: OpenRun, options: TunedLensStudy, folder: Path, asked: MadeFrom) -> JudgedLens:
    from analysis.capture.output_map import output_map
    from analysis.readouts.lens_rows import lens_rows
    from probes import TunedLens
    from probes.translators import ResidualRows, require_no_leak, split_by_scene

    read = {
        position: lens_rows(opened, position, options.tokens_per_item)
        for position in dict.fromkeys(options.positions)
    }
    sides = split_by_scene(ResidualRows.joined([each.rows for each in read.values()]))
    require_no_leak(sides)
    unembedding = output_map(opened)
    trained = _train(opened, sides, unembedding, options, folder / _CHECKPOINTS)
    TunedLens(
        unembedding=unembedding,
        translators=trained[0].translators,
        model=str(opened.about["model"]),
        revision=str(opened.about["model_revision"]),
    ).save(folder)
    lenses = [each.translators for each in trained]
    return JudgedLens(
        positions={
            position: _judged(opened, each, lenses, unembedding, number)
            for number, (position, each) in enumerate(read.items())
        },
        kept=(*trained[0].kept, "model"),
        n_scenes_by_side={side: len(set(rows.scene_ids)) for side, rows in sides.items()},
        n_rows_by_side={side: len(rows) for side, rows in sides.items()},
        made_from=asked,
    )


def _judged(
    opened: OpenRun,
    read: "LensRows",
    lenses: "list[Translators]",
    unembedding: "Unembedding",
    number: int,
) -> ComparedLenses:
    """The lenses against the logit lens on the test scenes of one position."""
    from probes.lens_quality import lens_quality
    from probes.translators import split_by_scene
    from probes.translators.affine import Translators

    rows = read.rows
    test = split_by_scene(rows)["test"]
    right = None
    if read.right_tokens is not None:
        in_test = set(test.scene_ids)
        pairs = zip(read.right_tokens, rows.scene_ids, strict=True)
        right = [tokens for tokens, scene in pairs if scene in in_test]
    nothing = Translators.zero(rows.n_layers, rows.d_model)
    logit_lens, *tuned = (
        lens_quality(test, translators, unembedding, right) for translators in (nothing, *lenses)
    )
    study = opened.run.study
    return compare_lenses(
        logit_lens,
        tuned,
        test.scene_ids,
        rng=lambda stream: study.rng(stream, number),
        level=study.level,
        n_resamples=study.n_resamples,
    )


def _train(
    opened: OpenRun,
    sides: "Mapping[str, ResidualRows]",
    unembedding: "Unembedding",
    options: TunedLensStudy,
    folder: Path,
) -> "list[TrainedLens]":

    from probes.translators import train_tuned_lens

    total = options.seeds * options.recipe.steps
    with Progress(total=total, what="train tuned lens", unit="step") as bar:
        return [
            train_tuned_lens(
                sides["train"],
                sides["validation"],
                unembedding,
                recipe=options.recipe,
                seed=1000 * opened.run.study.seed + seed,
                checkpoint=folder / f"seed-{seed}.safetensors",
                progress=bar.update,
                memory_gib=options.memory_gib,
            )
            for seed in range(options.seeds)
        ]


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(TunedLensStudy, command=COMMAND, arguments=sys.argv[1:]))
