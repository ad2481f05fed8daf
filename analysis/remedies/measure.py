"""Judges all finished models of a training, from the folder to the results."""

from collections.abc import Sequence
from pathlib import Path

from analysis.remedies.asking import AllQuestions, Answered, all_questions, answers_of
from analysis.remedies.found import CONTRAST, PLAIN, Judged, Remedied
from analysis.remedies.held_out import held_out, tokens_seen, training_scenes
from analysis.remedies.measures import measured
from analysis.remedies.over_seeds import LEAST_SEEDS, MARGIN, Rows, against_plain, shared_seeds
from analysis.remedies.trained import FinishedModel, Training, finished_models, read_training
from analysis.run.results import versions
from data_prep.errors import UserError
from data_prep.scene_data import SceneData
from data_prep.sources import open_data
from data_prep.terminal.progress import Progress

_RENDER_SEED = 1


def measured_remedies(
    folder: Path,
    *,
    n_scenes: int,
    about: Sequence[str],
    trained_on: Path | None,
    device: str,
    level: float,
) -> Remedied:
    """Asks every finished model in the folder, and compares arms.

    UserError for a folder without finished models or without plain ones, for models that differ
    beyond their weights, for too few scenes and for scenes that models were trained on.
    """
    training = read_training(folder)
    models, begun = finished_models(folder)
    data = open_data("bundled")
    asked = all_questions(data, n_scenes=n_scenes, about=about)
    scenes = training_scenes(
        trained_on or folder.resolve().parent / training.data, training,
        with_copies=any(model.arm == CONTRAST for model in models),
    )  # fmt: skip
    if scenes is None and trained_on is not None:
        raise UserError(
            f"--trained-on must be the folder {training.data!r} of the training, got "
            f"{str(trained_on)!r}: name that folder or leave it out"
        )
    apart = held_out(asked.scenes, training, scenes)
    n_tokens = tokens_seen(models, training, scenes)
    judged: list[Judged] = []
    rows: dict[tuple[str, int], Rows] = {}
    for model in Progress(models, what="models", unit="model", leave=False):
        answered = _answered(model, data, asked, device)
        found = measured(answered, asked, level=level)
        judged.append(
            Judged(
                trained=model.trained(training, n_tokens.get(model.name)),
                measures={name: each.interval for name, each in found.items()},
                bare_no=float(answered.bare_no.mean()),
            )
        )
        rows[model.arm, model.seed] = {name: each.rows for name, each in found.items()}
    return Remedied(
        about=tuple(each.name for each in asked.premises),
        n_scenes=len(asked.scenes),
        n_premises=len(asked.premise_groups),
        n_premise_groups=len(set(asked.premise_groups)),
        n_existence=len(asked.existence.items),
        n_existence_groups=asked.existence.n_groups,
        questions=asked.digest,
        data=data.name,
        data_fingerprint=data.fingerprint,
        start=training.start,
        held_out=apart,
        models=tuple(judged),
        against_plain=against_plain(rows, level=level),
        margin=MARGIN,
        level=level,
        notes=tuple(_notes(models, begun)),
        versions=versions(),
        commands=_commands(training, n_scenes, asked),
    )


def _answered(model: FinishedModel, data: SceneData, asked: AllQuestions, device: str) -> Answered:
    """Loads a model and asks it everything; it is let go of before the next is loaded."""
    from probes import load_vlm

    return answers_of(load_vlm(model.folder, device=device), data, asked, name=model.name)


def _notes(models: Sequence[FinishedModel], begun: Sequence[str]) -> list[str]:
    notes = []
    if begun:
        notes.append(f"left out, for their training has not ended: {', '.join(begun)}")
    shared = shared_seeds([(each.arm, each.seed) for each in models])
    alone = [each.name for each in models
             if each.arm != PLAIN and each.seed not in shared.get(each.arm, ())]  # fmt: skip
    if alone:
        notes.append(f"not compared, for {PLAIN} lacks their seed: {', '.join(alone)}")
    few = [arm for arm, seeds in shared.items() if len(seeds) < LEAST_SEEDS]
    if few:
        notes.append(f"nothing is claimed over seeds, for there is one: {', '.join(few)}")
    return notes


def _commands(training: Training, n_scenes: int, asked: AllQuestions) -> tuple[str, ...]:
    """The commands that make the models and the results, as from an empty folder runs."""
    scenes, split, data = training.scenes, training.split, f"runs/{training.data}"
    plan = " ".join(
        f"--language.{name.replace('_', '-')} {value}" for name, value in training.language.items()
    )
    return (
        f"python -m data_prep.render --out {data} --split {split} --scenes {scenes} --seed "
        f"{_RENDER_SEED} --owners",
        f"python -m probes.bundled.remedies.removed --data {data} --out {data}-removed --split "
        f"{split} --scenes {scenes}",
        f"python -m probes.bundled.remedies --data {data} --out runs/remedies --split {split} "
        f"--scenes {scenes} {plan}",
        f"python -m analysis.remedies --models runs/remedies --scenes {n_scenes} --about "
        f"{' '.join(each.name for each in asked.premises)}",
    )
