"""What decides how translators are trained; hashed into their checkpoints."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from data_prep.errors import UserError
from data_prep.option_rules import Within, require_rules

# A vocabulary of this many times the sampled tokens costs enough to sample from it.
_WORTH_SAMPLING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A closed-form start, then some steps of Muon; see `training` for what is kept of either."""

    ridge: Annotated[tuple[float, ...], Within(0, 1e9)] = (1e-4, 1e-2, 1.0)
    """Strengths tried for the start, as share of the inputs' mean variance; () for none."""
    steps: Annotated[int, Within(0, 1_000_000)] = 40
    """Most steps of refinement; 0 keeps the start."""
    batch_size: Annotated[int, Within(1, 10_000_000)] = 2048
    """Rows in a step (fewer if there are fewer)."""
    learning_rate: Annotated[float, Within(0, 1000)] = 0.05
    """Spectral norm of a step in whitened coordinates, as share of the root mean square of what
    the start puts out. Decays linearly to 0 over `steps`."""
    momentum: Annotated[float, Within(0, 1)] = 0.95
    warm_up: Annotated[float, Within(0, 1)] = 0.05
    """Share of the steps over which the learning rate rises."""
    rank: Annotated[int | None, Within(1, 1_000_000, remedy="leave it out for full rank")] = None
    """Rank of the translators' matrices; None: full."""
    evaluate_every: Annotated[int, Within(1, 1_000_000)] = 5
    """Steps between two looks at the validation rows, each followed by a checkpoint."""
    patience: Annotated[int, Within(1, 1_000_000)] = 4
    """Looks, one after the other, at which every layer is worse than at the look before, after
    which refinement stops."""
    guard_rows: Annotated[int, Within(1, 100_000_000)] = 8192
    """Training rows, evenly spaced, on which nothing may be kept that is worse than what it
    replaces; also the most validation rows looked at."""
    # Not in what it prints, which stands for trainings that it has no part in, too.
    sampled_tokens: Annotated[int, Within(0, 10_000_000)] = field(default=4096, repr=False)
    """Tokens that a step of refinement reads at each layer: the likely ones, and a weighted sample
    of the rest. A vocabulary of less than four times as many is read whole; 0 reads all whole. What
    is kept is decided over the whole vocabulary either way."""
    products: Literal["float32", "bfloat16"] = "float32"
    """Number format of the products with the head during refinement. bfloat16 is faster where
    the processor has it; what is kept is decided in float32 either way."""

    def samples(self, n_vocab: int) -> bool:
        """Whether steps read only a sample of a vocabulary of this size.

        >>> Recipe().samples(561), Recipe().samples(32_064)
        (False, True)
        """
        return bool(self.sampled_tokens) and n_vocab >= _WORTH_SAMPLING * self.sampled_tokens

    def declared(self, n_vocab: int) -> dict[str, Any]:
        """The fields that decide about a training with this vocabulary: what it follows from.

        >>> "sampled_tokens" in Recipe().declared(561), Recipe().declared(32_064)["sampled_tokens"]
        (False, 4096)
        """
        fields = asdict(self)
        if not self.samples(n_vocab):
            del fields["sampled_tokens"]
        return fields

    def __post_init__(self) -> None:
        require_rules(self, typed=False)
        if not self.learning_rate > 0 or not all(strength > 0 for strength in self.ridge):
            raise UserError(
                "learning_rate and ridge strengths must be above 0, got "
                f"{self.learning_rate} and {list(self.ridge)}"
            )
        for name in ("momentum", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
