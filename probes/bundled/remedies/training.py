"""One arm with one seed: trains on from the start model, and survives interruption to the byte."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration

from data_prep.errors import UserError
from probes.bundled.architecture import GRID
from probes.bundled.corpus import pack, prefix_ids
from probes.bundled.language import LanguagePlan, packed_loss
from probes.bundled.packed_attention import PACKED
from probes.bundled.remedies.arms import Arm, draw_batch
from probes.bundled.remedies.material import Material
from probes.bundled.schedule import Progress, one_cycle
from probes.native_products import quick_products

CHECKPOINT_EVERY = 100
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTraining:
    """What is trained, and the file from which it goes on."""

    arm: Arm
    seed: int
    plan: LanguagePlan
    checkpoint: Path
    """File of weights and optimizer; its folder exists."""


def train_arm(
    model: LlavaForConditionalGeneration, material: Material, training: ArmTraining
) -> None:
    """Trains projector and language model of `model` in place, from the last checkpoint on.

    The optimizer and the rates are those of the bundled model's language stage, from the warm-up
    on. Each step draws its batch from a generator of its own.
    """
    plan, trained = training.plan, _trained(model)
    optimizer = torch.optim.AdamW(
        trained.values(), lr=plan.peak_rate, betas=(0.9, 0.98), weight_decay=0.05
    )
    first_step = _resume(training.checkpoint, trained, optimizer)
    loss_of = _loss_of(model, material, training)
    progress = Progress(f"{training.arm}-{training.seed}")
    for step in range(first_step, plan.steps):
        optimizer.param_groups[0]["lr"] = plan.peak_rate * one_cycle(step, plan.steps)
        loss, right = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimizer.step()
        progress.report(step, plan.steps, loss=loss.item(), right=right.item())
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == plan.steps:
            _save(training.checkpoint, step + 1, trained, optimizer)


def _loss_of(
    model: LlavaForConditionalGeneration, material: Material, training: ArmTraining
) -> Callable[[int], tuple[Float[Tensor, ""], Float[Tensor, ""]]]:
    """A function from the number of a step to its loss and the share of targets on top."""
    prefix = prefix_ids(material.tokenizer, GRID * GRID)
    pad_id = model.config.get_text_config().pad_token_id
    model.model.language_model.set_attn_implementation(PACKED)

    def loss_of(step: int) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        batch = draw_batch(training.arm, material, training.plan, seed=training.seed, step=step)
        features = material.features[batch.scenes, batch.views]
        with quick_products(torch.device("cpu")):
            return packed_loss(model, features, prefix, pack(batch.exchanges, pad_id=pad_id))

    return loss_of


def _trained(model: LlavaForConditionalGeneration) -> dict[str, nn.Parameter]:
    """What the language stage trains, by name. The head is tied to the embeddings."""
    parts = {
        "projector": model.model.multi_modal_projector,
        "language": model.model.language_model,
    }
    return {
        f"{part}.{name}": parameter
        for part, module in parts.items()
        for name, parameter in module.named_parameters()
    }


def _save(
    file: Path, step: int, trained: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    tensors = {f"weight/{name}": each.detach() for name, each in trained.items()}
    for name, each in trained.items():
        tensors |= {f"{kind}/{name}": optimizer.state[each][kind] for kind in _MOMENTS}
    part = file.with_suffix(".part")
    try:
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, part, metadata={"step": str(step)})
        os.replace(part, file)
    except OSError as error:
        raise UserError(
            f"cannot write {str(file)!r} ({error.strerror or error}): free space and run again; "
            "the last checkpoint is kept"
        ) from error


def _resume(file: Path, trained: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> int:
    """Restores weights and optimizer, and returns the step to go on with: 0 without a file."""
    if not file.exists():
        return 0
    with safe_open(file, framework="pt") as saved, torch.no_grad():
        for name, each in trained.items():
            each.copy_(saved.get_tensor(f"weight/{name}"))
            optimizer.state[each] = {kind: saved.get_tensor(f"{kind}/{name}") for kind in _MOMENTS}
        return int(saved.metadata()["step"])
