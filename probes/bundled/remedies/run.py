"""Runs all arms with all seeds, or what is left of them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.files.durable import write_durably
from data_prep.option_rules import (
    MOST_SCENES,
    MOST_SEED,
    MOST_THREADS,
    Filled,
    Within,
    require_rules,
)
from probes.bundled.declaration import declare, require_same
from probes.bundled.language import LanguagePlan
from probes.bundled.model_folder import load_trained, save_trained
from probes.bundled.remedies.arms import ARMS, Arm, false_premises_of, require_room
from probes.bundled.remedies.material import Material, read_material
from probes.bundled.remedies.quick_check import Asked, bundled_questions, said
from probes.bundled.remedies.training import ArmTraining, train_arm
from probes.loading.identity import BUNDLED_FOLDER, folder_identity

_COMMON, _OWN, _LOOK = "remedies.json", "training.json", "check.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """Trains the bundled model on in several arms."""

    data: Path
    """Folder that `python -m data_prep.render --owners` wrote."""
    out: Path
    """Folder for checkpoints and models: <arm>-<seed>/model."""
    removed: Path | None = None
    """Folder that `python -m probes.bundled.remedies.removed` wrote; by default the name of the
    data with -removed. Only contrast reads it."""
    split: str = "train"
    """Split of the data."""
    scenes: Annotated[int, Within(1, MOST_SCENES)] = 2400
    """Number of scenes to train on, the first so many."""
    arms: Annotated[tuple[Arm, ...], Filled("at least one arm")] = ARMS
    """What to train."""
    seeds: Annotated[tuple[int, ...], Filled("at least one seed"), Within(0, MOST_SEED)] = (0, 1, 2)
    """Of the order of batches and of all draws. One seed of every arm is trained before the
    next."""
    language: LanguagePlan = field(
        default_factory=lambda: LanguagePlan(steps=600, peak_rate=3.6e-4)
    )
    """Steps and batches, the same in every arm."""
    threads: Annotated[int, Within(1, MOST_THREADS)] = 1
    """Of torch; more help only on an idle machine."""

    def folder(self, arm: Arm, seed: int) -> Path:
        """The folder of one arm and seed; its model is `model` in there."""
        return self.out / f"{arm}-{seed}"


def run(config: Remedies) -> None:
    """Trains what is not finished. Finished models are not made again."""
    _check(config)
    torch.set_num_threads(config.threads)
    require_same(config.out / _COMMON, _declared(config))
    left: list[tuple[Arm, int]] = [
        (arm, seed)
        for seed in config.seeds
        for arm in config.arms
        if not (config.folder(arm, seed) / "model").exists()
    ]
    if not left:
        return
    model, tokenizer = load_trained(BUNDLED_FOLDER)
    removed = config.removed or config.data.with_name(f"{config.data.name}-removed")
    material = read_material(
        model,
        tokenizer,
        config.data,
        removed if any(arm == "contrast" for arm, _ in left) else None,
        split=config.split,
        n_scenes=config.scenes,
    )
    asked = bundled_questions(tokenizer)
    declare(config.out / _COMMON, _declared(config))
    if not (config.out / _LOOK).exists():
        _look(model, tokenizer, asked, config.out)
    for arm, seed in left:
        _train(config, material, asked, arm, seed)


def _train(config: Remedies, material: Material, asked: Asked, arm: Arm, seed: int) -> None:
    """Trains one arm with one seed, checks it, and gives its model folder the final name last."""
    folder = config.folder(arm, seed)
    own: dict[str, Any] = {
        "arm": arm,
        "seed": seed,
        "false_premises_per_batch": false_premises_of(arm, config.language),
        "pairs": len(material.removals) if arm == "contrast" else 0,
    }
    declare(folder / _OWN, own)
    model, tokenizer = load_trained(BUNDLED_FOLDER)
    training = ArmTraining(
        arm=arm, seed=seed, plan=config.language, checkpoint=folder / "checkpoint.safetensors"
    )
    train_arm(model, material, training)
    _look(model.half().float(), tokenizer, asked, folder)
    save_trained(model, tokenizer, folder / "model")
    training.checkpoint.unlink(missing_ok=True)


def _look(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    asked: Asked,
    folder: Path,
) -> None:
    """Prints and writes what a model says; the start model's is in the folder of all arms."""
    found = asdict(said(model, tokenizer, asked))
    write_durably(folder / _LOOK, json.dumps(found, indent=2).encode())
    shown = "  ".join(f"{name} {share:.3f}" for name, share in found.items())
    print(f"{folder.name}: {shown}", flush=True)


def _check(config: Remedies) -> None:
    require_rules(config, typed=True)
    for arm in config.arms:
        require_room(arm, config.language)


def _declared(config: Remedies) -> dict[str, Any]:
    """What all arms have in common and what decides their weights. Folders may be moved: of the
    data only the name counts."""
    return {
        "start": folder_identity(BUNDLED_FOLDER),
        "data": config.data.resolve().name,
        "split": config.split,
        "scenes": config.scenes,
        "language": asdict(config.language),
    }
