"""How a tuned lens is trained: rows, closed-form start, refinement, checkpoints."""

from probes.translators.recipe import Recipe
from probes.translators.rows import ResidualRows, require_no_leak, split_by_scene
from probes.translators.training import TrainedLens, train_tuned_lens

__all__ = [
    "Recipe",
    "ResidualRows",
    "TrainedLens",
    "require_no_leak",
    "split_by_scene",
    "train_tuned_lens",
]
