"""Finds the finished models of a training with several arms."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.remedies.found import PLAIN, Trained
from data_prep.errors import UserError
from data_prep.files.bounded import open_file, read_file
from probes.loading.identity import folder_identity

DECLARED, _OWN, _MODEL = "remedies.json", "training.json", "model"
_VOLATILE = ("dtype", "torch_dtype", "transformers_version", "_name_or_path")
_TRAIN = "train some with python -m probes.bundled.remedies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What all models of a folder have in common."""

    start: str
    """Identity of the model that all are trained on from."""
    data: str
    """Name of the folder of training scenes."""
    split: str
    scenes: int
    language: Mapping[str, Any]
    """Steps, batches and rate."""

    def shown(self, what: str) -> int:
        """How many images, or exchanges, a model was shown in all."""
        plan = self.language
        steps = int(plan["steps"])
        of_captions = steps // int(plan["caption_every"])
        each = {
            "images": (1, 1),
            "exchanges": (
                plan["referring"] + plan["plain"] + plan["descriptions"],
                plan["captions"],
            ),
        }[what]
        return int(plan["batch"]) * ((steps - of_captions) * each[0] + of_captions * each[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedModel:
    """One model, whose training has ended."""

    arm: str
    seed: int
    folder: Path
    """The folder that `load_vlm` takes."""

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.seed}"

    def trained(self, training: Training, tokens_seen: int | None) -> Trained:
        """How the model came about, and what it is."""
        with open_file(self.folder / "model.safetensors") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
        return Trained(
            arm=self.arm,
            seed=self.seed,
            steps=int(training.language["steps"]),
            images_seen=training.shown("images"),
            exchanges_seen=training.shown("exchanges"),
            tokens_seen=tokens_seen,
            weights=weights,
            model=folder_identity(self.folder),
        )


def read_training(folder: Path) -> Training:
    """What the training in a folder has declared. UserError for a folder without one."""
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r} of trained models: {_TRAIN}")
    content = _json(folder / DECLARED)
    try:
        return Training(**{name: content[name] for name in Training.__dataclass_fields__})
    except KeyError as error:
        raise UserError(f"{str(folder / DECLARED)!r} does not say {error}: {_TRAIN}") from error


def finished_models(folder: Path) -> tuple[tuple[FinishedModel, ...], tuple[str, ...]]:
    """The finished models of a folder by arm and seed, plain first; and the names of those whose
    training has not ended.

    UserError if none is finished, none of them is plain, or one has another architecture.
    """
    found, begun = [], []
    for own in sorted(folder.glob(f"*/{_OWN}")):
        content = _json(own)
        try:
            arm, seed = str(content["arm"]), int(content["seed"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{str(own)!r} does not say arm and seed ({error}): {_TRAIN}"
            ) from error
        model = FinishedModel(arm=arm, seed=seed, folder=own.parent / _MODEL)
        if own.parent.name != model.name:
            raise UserError(
                f"{str(own)!r} must stand in {model.name}, got {own.parent.name!r}: move it back"
            )
        if model.folder.is_dir():
            found.append(model)
        else:
            begun.append(model.name)
    if not found:
        raise UserError(f"{str(folder)!r} holds no finished model (ARM-SEED/model): {_TRAIN}")
    if not any(each.arm == PLAIN for each in found):
        names = ", ".join(each.name for each in found)
        raise UserError(
            f"models are compared with those of {PLAIN}, got only {names} in {str(folder)!r}: "
            f"{_TRAIN} --arms {PLAIN}"
        )
    ordered = sorted(found, key=lambda each: (_place(each.arm), each.arm, each.seed))
    _require_alike(ordered)
    return tuple(ordered), tuple(begun)


def _place(arm: str) -> int:
    """Where an arm is shown: in the order in which they are trained."""
    from probes.bundled.remedies.arms import ARMS  # imports torch

    names: list[str] = list(ARMS)
    return names.index(arm) if arm in names else len(names)


def _require_alike(models: list[FinishedModel]) -> None:
    """UserError unless all models have the architecture of the first."""
    first = models[0]
    wanted = _architecture(first)
    for each in models[1:]:
        own = _architecture(each)
        for name in sorted({*wanted, *own}):
            if own.get(name) != wanted.get(name):
                raise UserError(
                    f"models must have one architecture to be compared, but {name} is "
                    f"{own.get(name)} in {each.name} and {wanted.get(name)} in {first.name}: take "
                    "one of them out of the folder"
                )


def _architecture(model: FinishedModel) -> dict[str, Any]:
    """What the configuration says of parts and sizes, one level deep."""
    flat: dict[str, Any] = {}
    for name, value in _json(model.folder / "config.json").items():
        parts = value.items() if isinstance(value, dict) else ()
        flat |= {f"{name}.{part}": each for part, each in parts if part not in _VOLATILE}
        if not isinstance(value, dict) and name not in _VOLATILE:
            flat[name] = value
    return flat


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_file(file))
    except FileNotFoundError:
        raise UserError(
            f"{str(file.parent)!r} has no {file.name}, so it is not of a training with arms: "
            f"{_TRAIN}"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{str(file)!r} cannot be read ({error}): {_TRAIN} anew") from error
    if not isinstance(content, dict):
        raise UserError(f"{str(file)!r} must hold a JSON object: {_TRAIN} anew")
    return content
