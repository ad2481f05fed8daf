"""A linear probe per layer: what a linear map, fitted on labels, can read from the residual stream.

Alain & Bengio (2017), arXiv:1610.01644. Its scores are of the same kind as a lens's: log2
probabilities over the answer set, so the same controls and statistics apply to both.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_vouched, sealed_json
from data_prep.splits import split_of
from probes.linear_probe.labels import (
    require_apart,
    require_data,
    require_every_answer,
    require_finite,
)
from probes.linear_probe.solver import fit_path
from probes.linear_probe.standardised import layer_blocks, moments, standardised

INVERSE_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""C of the L2 penalty |weights|^2 / (2 C), from strong to weak."""
CHOOSING_TOLERANCE = 1e-4
"""Tolerance of the gradient for fits that are compared or counted only. Against 1e-6, one guess in
2000 and one choice of C in 25, between penalties that do equally well, came out otherwise."""
_INNER = {"fit": 0.8, "choose": 0.2}
_WEIGHTS_FILE, _DESCRIPTION_FILE = "probe.safetensors", "probe.json"
_TENSORS = ("mean", "deviation", "weight", "bias", "class_means", "inverse_penalty")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearProbe:
    """Multinomial logistic regression with intercept on standardised residuals, layer by layer."""

    answers: tuple[str, ...]
    """The answer axis."""
    mean: Float[Tensor, "layer d_model"]
    deviation: Float[Tensor, "layer d_model"]
    """Standard deviation over the training items; infinite for a feature that did not vary."""
    weight: Float[Tensor, "layer answer d_model"]
    """Weights per standard deviation of each feature; over the answers they add up to 0."""
    bias: Float[Tensor, "layer answer"]
    class_means: Float[Tensor, "layer answer d_model"]
    """Mean raw residual of each answer's training items: with `directions`, what an intervention
    on the residual stream needs."""
    inverse_penalty: Float[Tensor, " layer"]
    """C, as chosen on scenes inside the training side."""
    training_scenes: tuple[str, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    """What it was made from: model, revision, position and the like."""

    @classmethod
    def joined(cls, parts: Sequence["LinearProbe"]) -> "LinearProbe":
        """Probes of neighbouring layers, fitted on the same items, as one."""
        tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS}
        return replace(parts[0], **tensors)

    @property
    def directions(self) -> Float[Tensor, "layer answer d_model"]:
        """Gradient of each answer's logit in the raw residual: the directions that are read."""
        return self.weight / self.deviation[:, None]

    def log_probs(
        self, residuals: Float[Tensor, "item layer d_model"], *, scenes: Sequence[str] | None
    ) -> Float[ndarray, "item layer answer"]:
        """log2 probability of each answer, in float32.

        `scenes` name the scene that each residual shows; None where none does (blank images).
        UserError for a scene of the training side, and for residuals of another model.
        """
        if tuple(residuals.shape[1:]) != tuple(self.mean.shape):
            raise UserError(
                f"this probe reads {self.mean.shape[0]} layers of width {self.mean.shape[1]}, got "
                f"{residuals.shape[1]} of width {residuals.shape[2]}: use residuals of the model "
                "that it was fitted on"
            )
        if scenes is not None:
            require_apart(self.training_scenes, scenes)
        require_finite(residuals)
        parts = []
        for layers in layer_blocks(residuals):
            features = standardised(residuals[:, layers], self.mean[layers], self.deviation[layers])
            logits = features @ self.weight[layers].mT + self.bias[layers][:, None]
            parts.append(logits.log_softmax(-1) / math.log(2))
        return torch.cat(parts).transpose(0, 1).cpu().numpy()

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and description (JSON) into a folder, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: getattr(self, name).cpu().contiguous() for name in _TENSORS}
        content = save(tensors)
        description = {
            "answers": self.answers,
            "training_scenes": self.training_scenes,
            "about": dict(self.about),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        # The description last: it vouches for the weights.
        write_durably(folder / _WEIGHTS_FILE, content)
        write_durably(folder / _DESCRIPTION_FILE, sealed_json(description))

    @classmethod
    def load(cls, folder: Path) -> "LinearProbe":
        """Read what `save` wrote; UserError if it is missing or damaged."""
        try:
            description, content = read_vouched(folder / _DESCRIPTION_FILE, folder / _WEIGHTS_FILE)
            tensors = load(content)
            return cls(
                answers=tuple(description["answers"]),
                training_scenes=tuple(description["training_scenes"]),
                about=dict(description["about"]),
                **{name: tensors[name] for name in _TENSORS},
            )
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(
                f"no usable linear probe in {folder} ({error}): copy it again or fit it anew"
            ) from error


def fit_probe(
    residuals: Float[Tensor, "item layer d_model"],
    answer: Int[ndarray, " item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
    about: Mapping[str, str] | None = None,
) -> LinearProbe:
    """Fit a probe for each layer; all items that are given are for training.

    The penalty is chosen per layer: the whole path is fitted on four fifths of the scenes, the C
    with the least log-loss on the other fifth is taken (the strongest among equals), and the
    probe fitted again on all. UserError for data that cannot be fitted: see `require_data`, and
    an answer that does not occur on the four fifths.

    >>> answer, scenes = np.arange(40) % 2, [str(item) for item in range(40)]
    >>> residuals = torch.from_numpy(answer).float().view(40, 1, 1)  # a layer that tells the answer
    >>> probe = fit_probe(residuals, answer, scenes=scenes, answers=["no", "yes"])
    >>> probe.log_probs(residuals[:4], scenes=None).argmax(-1)[:, 0].tolist()
    [0, 1, 0, 1]
    """
    require_data(residuals, answer, scenes, answers)
    grid = torch.tensor(sorted(inverse_penalties), dtype=torch.float32)
    if not len(grid) or not (grid > 0).all() or not torch.isfinite(grid).all():
        raise UserError(
            f"inverse penalties (C) must be positive numbers, got {list(inverse_penalties)}: "
            "0.001 to 10 is usual"
        )
    labels = torch.from_numpy(answer.astype(np.int64)).to(residuals.device)
    blocks = [
        _fit_block(residuals[:, layers], labels, list(scenes), answers, grid)
        for layers in layer_blocks(residuals)
    ]
    tensors = {name: torch.cat([block[name] for block in blocks]) for name in _TENSORS}
    return LinearProbe(
        answers=tuple(answers),
        training_scenes=tuple(sorted(set(scenes))),
        about=dict(about or {}),
        **tensors,
    )


def _fit_block(
    residuals: Float[Tensor, "item layer d_model"],
    labels: Int[Tensor, " item"],
    scenes: list[str],
    answers: Sequence[str],
    grid: Float[Tensor, " penalty"],
) -> dict[str, Tensor]:
    chosen = chosen_penalties(residuals, labels[None], scenes=scenes, answers=answers, grid=grid)
    mean, deviation = moments(residuals)
    fit = fit_path(
        standardised(residuals, mean, deviation),
        labels,
        n_answers=len(answers),
        inverse_penalties=chosen,
    )
    class_means = [residuals[labels == index].float().mean(0) for index in range(len(answers))]
    return {
        "mean": mean,
        "deviation": deviation,
        "weight": fit.weight[:, 0],
        "bias": fit.bias[:, 0],
        "class_means": torch.stack(class_means, dim=1),
        "inverse_penalty": chosen[:, 0],
    }


def chosen_penalties(
    residuals: Float[Tensor, "item layer d_model"],
    labels: Int[Tensor, "labelling item"],
    *,
    scenes: Sequence[str],
    answers: Sequence[str],
    grid: Float[Tensor, " penalty"],
) -> Float[Tensor, "layer labelling"]:
    """C with the least log-loss on scenes that its path was not fitted on, per layer and labelling.

    Labellings of the same items share the features and each pass over them. UserError where an
    answer of one does not occur among the scenes that the penalty is fitted on.

    >>> labels = torch.arange(40) % 2
    >>> residuals = labels.float().view(40, 1, 1)  # told without noise, so the weak penalty is best
    >>> scenes, grid = [str(item) for item in range(40)], torch.tensor([0.01, 10.0])
    >>> chosen_penalties(residuals, labels[None], scenes=scenes, answers=["no", "yes"], grid=grid)
    tensor([[10.]])
    """
    n_layers, n_labellings = residuals.shape[1], len(labels)
    if len(grid) == 1:
        return grid.expand(n_layers, n_labellings).clone()
    inner = np.array(penalty_sides(scenes))
    fitted, held_out = (torch.from_numpy(inner == side) for side in _INNER)
    for row in labels[:, fitted].cpu().numpy():
        require_every_answer(row, answers, where="the scenes that the penalty is fitted on")
    if not held_out.any():
        raise UserError(
            f"choosing the penalty needs scenes to choose on, none of {len(set(scenes))} is left: "
            "use more scenes or give one penalty only"
        )
    mean, deviation = moments(residuals[fitted])
    each = labels.repeat_interleave(len(grid), dim=0)
    path = fit_path(
        standardised(residuals[fitted], mean, deviation),
        each[:, fitted],
        n_answers=len(answers),
        inverse_penalties=grid.repeat(n_labellings).expand(n_layers, len(each)),
        tolerance=CHOOSING_TOLERANCE,
    )
    features = standardised(residuals[held_out], mean, deviation)
    losses = path.losses(features, each[:, held_out]).sum(-1)
    return grid[losses.unflatten(1, (n_labellings, len(grid))).argmin(-1).cpu()]


def penalty_sides(scenes: Sequence[str]) -> list[str]:
    """The side of each item: on "fit" all penalties are fitted, on "choose" one is chosen.

    >>> sides = penalty_sides(["scene 1", "scene 2", "scene 1"])
    >>> sides[0] == sides[2], set(sides) <= {"fit", "choose"}
    (True, True)
    """
    # Another salt than that of the outer split, which would leave one side of this one empty.
    return [split_of(scene, fractions=_INNER, salt="penalty") for scene in scenes]
