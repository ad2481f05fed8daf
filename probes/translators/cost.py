"""What training a tuned lens takes: memory, by which layers are taken in groups, and work."""

from dataclasses import dataclass
from itertools import pairwise

from data_prep.errors import UserError
from probes.translators.output_map import BLOCK_ROWS
from probes.translators.recipe import Recipe

DEFAULT_MEMORY_GIB = 4.0
_GIB = 2**30
_FLOAT = 4
# Matrices [d_model, d_model] in float32 for each layer of a group: four are the two moments, in
# float64, the others the start's maps, or the state of the refinement with what a step makes of it.
_MATRICES_A_LAYER = 10
# For one layer at a time: Muon's products, or an equation that is solved in float64.
_MATRICES_IN_PASSING = 10
# Blocks of rows, in float32, for each layer: read, centred and weighted, or else translated, normed
# and pulled.
_BLOCKS_A_LAYER = 6
# Logits of a block and a chunk of the vocabulary: those of the last layer, those of another.
_CHUNKS = 4
_CHUNK_TOKENS = 4096
# Matrix products [d_model, d_model] x [d_model, d_model] of a step: 15 of Muon, 4 of coordinates.
_PRODUCTS_A_STEP = 19
# Shares of an exact pass in which nothing is learnt: each start, the guards, the looks.
_GUARDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LensCost:
    """What a tuned lens takes to train, estimated before anything is read."""

    bytes_peak: int
    """Host memory at its peak, beside what torch and the rows' files take."""
    bytes_kept: int
    """Of the translators on disk, of all folds."""
    n_groups: int
    """Groups of layers, trained one after the other."""
    flops: float
    """Floating-point operations of all folds, each a multiplication or an addition."""

    def seconds(self, flops_per_second: float) -> float:
        """How long that takes a machine; a core of a CPU makes 3e10 to 1e11 a second."""
        return self.flops / flops_per_second


def layer_groups(
    n_layers: int, d_model: int, n_vocab: int, *, n_rows: int, memory_gib: float
) -> tuple[range, ...]:
    """Layers that are trained together, as many as fit into that memory, in groups of like size.

    At least two are together, if there are two. UserError if these do not fit.

    >>> layer_groups(4, 64, 1000, n_rows=500, memory_gib=4.0)
    (range(0, 4),)
    >>> [len(group) for group in layer_groups(32, 4096, 32_064, n_rows=1020, memory_gib=4.0)]
    [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    """
    fixed, layer = _fixed_bytes(d_model, n_vocab, n_rows), _layer_bytes(d_model, n_vocab)
    # A single matrix is multiplied by another routine, whose rounding differs.
    least = min(2, n_layers)
    fits = int((memory_gib * _GIB - fixed) // layer)
    if fits < least:
        needed = (fixed + least * layer) / _GIB
        raise UserError(
            f"a tuned lens for width {d_model} and {n_vocab:,} tokens needs {needed:.1f} GiB of "
            f"memory, at most {memory_gib:g} GiB are allowed: allow more (--memory-gib)"
        )
    n_groups = -(-n_layers // min(fits, n_layers))
    n_groups = min(n_groups, max(1, n_layers // least))
    ends = [n_layers * number // n_groups for number in range(n_groups + 1)]
    return tuple(range(start, end) for start, end in pairwise(ends))


def tuned_lens_cost(
    n_layers: int,
    d_model: int,
    vocab: int,
    rows: int,
    folds: int,
    *,
    recipe: Recipe | None = None,
    memory_gib: float = DEFAULT_MEMORY_GIB,
) -> LensCost:
    """The memory and work of tuned lenses cross-fitted over `folds` (1: a single one on all rows).

    UserError if two layers do not fit into the memory that is allowed.

    >>> found = tuned_lens_cost(32, 4096, 32_064, 1020, 5)
    >>> found.n_groups, found.bytes_peak < 4 * 2**30
    (11, True)
    """
    recipe = recipe or Recipe()
    training = rows * (folds - 1) // folds if folds > 1 else rows
    groups = layer_groups(n_layers, d_model, vocab, n_rows=training, memory_gib=memory_gib)
    largest = max(map(len, groups))
    peak = _fixed_bytes(d_model, vocab, training) + largest * _layer_bytes(d_model, vocab)
    kept = _FLOAT * folds * n_layers * d_model * (d_model + 1)
    return LensCost(
        bytes_peak=int(peak),
        bytes_kept=kept,
        n_groups=len(groups),
        flops=folds * _flops(n_layers, d_model, vocab, training, len(groups), recipe),
    )


def _fixed_bytes(d_model: int, n_vocab: int, n_rows: int) -> float:
    """Of what does not grow with the layers: the head, as it is kept and in float32, and rows."""
    head = 1.5 * _FLOAT * n_vocab * d_model
    rows = _FLOAT * d_model * min(n_rows, 2**17)
    chunk = _CHUNKS * _FLOAT * BLOCK_ROWS * _CHUNK_TOKENS
    return float(head + rows + chunk + _MATRICES_IN_PASSING * _FLOAT * d_model**2)


def _layer_bytes(d_model: int, n_vocab: int) -> float:
    matrices = _MATRICES_A_LAYER * _FLOAT * d_model**2
    blocks = _BLOCKS_A_LAYER * _FLOAT * BLOCK_ROWS * d_model
    return float(matrices + blocks + 2 * _FLOAT * n_vocab)


def _flops(
    n_layers: int, d_model: int, vocab: int, rows: int, n_groups: int, recipe: Recipe
) -> float:
    """Of one training: steps over all or a sample of the vocabulary, and exact passes between."""
    fitted, chosen = 0.85 * rows, 0.15 * rows
    guard, looked = min(fitted, recipe.guard_rows), min(chosen, recipe.guard_rows)
    product = 2.0 * vocab * d_model  # a row's logits
    n_looks = 1 + len(recipe.ridge) + recipe.steps / recipe.evaluate_every
    exact = (_GUARDS * guard + n_looks * looked) * product * (n_layers + 2 * n_groups)
    batch = min(recipe.batch_size, fitted)
    if recipe.samples(vocab):
        step = batch * 4.0 * recipe.sampled_tokens * d_model * n_layers
        exact += n_groups * 3 * fitted * product + 2 * min(fitted, 256) * product * n_layers
    else:
        step = batch * product * (2 * n_layers + 3 * n_groups)
    inputs = min(d_model, fitted) if recipe.samples(vocab) else d_model
    matrices = 2.0 * _PRODUCTS_A_STEP * inputs * d_model * min(inputs, d_model) * n_layers
    moments = 4.0 * fitted * d_model**2 * n_layers
    solved = 2 * (1 + len(recipe.ridge)) * 2.7 * d_model**3 * n_layers
    return exact + recipe.steps * (step + matrices) + moments + solved
