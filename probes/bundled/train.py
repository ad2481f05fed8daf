"""Trains the bundled model from rendered scenes, in stages that survive interruption.

    python -m data_prep.render --out runs/scenes --split train --scenes 5376 --seed 1 --owners
    python -m probes.bundled.train --data runs/scenes --out runs/bundled-model

Stage one teaches the vision tower patch by patch, stage two the projector and the language model
with the tower frozen; between them image tokens are aligned with words. Afterwards `--out` holds a
model folder in Hugging Face's form. With `--start` such a folder is trained on: stage two only,
with its tower and its words.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import MOST_SEED, MOST_STEPS, MOST_THREADS, Within, require_rules
from probes.bundled.alignment import align_projector, attend_by_similarity
from probes.bundled.architecture import GRID, new_model, train_tokenizer
from probes.bundled.corpus import lessons, mirrored, prefix_ids, texts_for_tokenizer
from probes.bundled.declaration import declare, require_same
from probes.bundled.language import LanguagePlan, all_features, standardize_input, train_language
from probes.bundled.model_folder import load_trained, save_trained
from probes.bundled.scenes import TrainingScenes, read_training_scenes
from probes.bundled.schedule import Progress
from probes.bundled.tower import train_tower
from probes.loading.identity import folder_identity

_TOWER_STREAM, _LESSON_STREAM, _TOKENIZER_STREAM, _ALIGNMENT_STREAM = 1, 3, 4, 5
_SCENES_FOR_TOKENIZER = 500
_CHECKPOINT_EVERY = 250
_DECLARATION = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Trains the bundled model."""

    data: Path
    """Folder that `python -m data_prep.render --owners` wrote."""
    out: Path
    """Folder for checkpoints and, in the end, the model."""
    split: str = "train"
    """Split of the data."""
    start: Path | None = None
    """Model folder of an earlier training, to train on: its tower and its words stay."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Of initialisation and of all draws."""
    tower_steps: Annotated[int, Within(1, MOST_STEPS)] = 1500
    """Batches of the first stage, which there is only without --start."""
    alignment_steps: Annotated[int, Within(1, MOST_STEPS)] = 600
    """Batches of the alignment between the stages."""
    language: LanguagePlan = field(default_factory=lambda: LanguagePlan(steps=2800))
    """Second stage."""
    threads: Annotated[int, Within(1, MOST_THREADS)] = 1
    """Of torch; more help only on an idle machine."""


def train(config: Train) -> None:
    """Runs both stages, or what is left of them, and writes the model folder."""
    require_rules(config, typed=True)
    torch.set_num_threads(config.threads)
    file, declared = config.out / _DECLARATION, _declared(config)
    require_same(file, declared)
    data = read_training_scenes(config.data, config.split)
    declared["scenes"] = len(data.scenes)
    if config.start is None:
        words = texts_for_tokenizer(
            data.scenes[:_SCENES_FOR_TOKENIZER], _rng(config, _TOKENIZER_STREAM)
        )
        tokenizer = train_tokenizer(words)
        model = new_model(tokenizer, seed=config.seed)
        declare(file, declared)
        _first_stage(config, model, data)
    else:
        model, tokenizer = load_trained(config.start)
        declare(file, declared)
    _second_stage(config, model, tokenizer, data)
    save_trained(model, tokenizer, config.out / "model")


def _first_stage(config: Train, model: LlavaForConditionalGeneration, data: TrainingScenes) -> None:
    tower, done = model.model.vision_tower, config.out / "tower.safetensors"
    if not done.exists():
        train_tower(
            tower,
            data,
            steps=config.tower_steps,
            rng=_rng(config, _TOWER_STREAM),
            progress=Progress("tower"),
        )
        _save_tensors(tower.state_dict(), done)
    tower.load_state_dict(load_file(done))


def _second_stage(
    config: Train,
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    data: TrainingScenes,
) -> None:
    state_file = config.out / "language.pt"
    state = torch.load(state_file, weights_only=True) if state_file.exists() else None
    if state is not None:
        model.load_state_dict(state["model"])

    def checkpoint(step: int, optimizer: torch.optim.Optimizer) -> None:
        if step % _CHECKPOINT_EVERY and step != config.language.steps:
            return
        part = state_file.with_suffix(".part")
        content = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(content, part)
        os.replace(part, state_file)

    features = all_features(model, data.images)
    if state is None and config.start is None:
        standardize_input(model, features)
        attend_by_similarity(model)
        align_projector(
            model,
            features,
            data,
            tokenizer,
            steps=config.alignment_steps,
            rng=_rng(config, _ALIGNMENT_STREAM),
            progress=Progress("alignment"),
        )
    rng = _rng(config, _LESSON_STREAM)
    train_language(
        model,
        features,
        (
            [lessons(scene, tokenizer, rng) for scene in data.scenes],
            [lessons(mirrored(scene), tokenizer, rng) for scene in data.scenes],
        ),
        prefix_ids(tokenizer, GRID * GRID),
        config.language,
        seed=config.seed,
        progress=Progress("language"),
        checkpoint=checkpoint,
        first_step=0 if state is None else state["step"],
        optimizer_state=None if state is None else state["optimizer"],
    )


def _declared(config: Train) -> dict[str, Any]:
    """What decides the weights, but for the number of scenes. Folders may be moved: of the data
    only the name counts, and of the start what it holds."""
    declared = asdict(config) | {"data": config.data.resolve().name}
    ignored = ["out", "threads", "start"]
    if config.start is not None:
        if not config.start.is_dir():
            raise UserError(f"--start must be a model folder, got {str(config.start)!r}: give one")
        declared["trained_on_from"] = folder_identity(config.start)
        ignored += ["tower_steps", "alignment_steps"]
    return {key: value for key, value in declared.items() if key not in ignored}


def _rng(config: Train, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(stream,)))


def _save_tensors(tensors: dict[str, torch.Tensor], file: Path) -> None:
    part = file.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
    os.replace(part, file)


if __name__ == "__main__":
    with one_line_errors():
        train(from_command_line(Train, command="python -m probes.bundled.train"))
