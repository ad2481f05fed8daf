"""Runs swaps on a model: which rows are replaced at which layer, and what is then answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from PIL import Image
from torch import Tensor

from analysis.causes.swaps import Swap, Swapped
from data_prep.errors import UserError
from probes.answers.scores import answer_log_probs
from probes.answers.tree import AnswerTree, Node, places_of
from probes.interventions.directions import distance_from_natural
from probes.interventions.edit import Change, replace_rows
from probes.interventions.pass_on import Intervened
from probes.vlm import VLM

_LEAST_NATURAL = 4

Where = Mapping[str, tuple[Bool[Tensor, "item token"], Sequence[int]]]
"""Positions of a batch by their kind, each with the layers at which their rows are swapped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A model, the way to the images, and how answers are read after each question."""

    vlm: VLM
    open_image: Callable[[str], Image.Image]
    trees: Mapping[str, AnswerTree]
    """The answer tree of every question."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """A few swaps, with the passes of their recipients, which can be gone on with."""

    swaps: Sequence[Swap]
    recipient: Intervened
    donor: Intervened
    trees: Sequence[AnswerTree]
    nodes: tuple[Node, ...]

    def flipped(self) -> "Batch":
        """The same swaps, but it is the donors' passes that are gone on with."""
        return replace(self, recipient=self.donor, donor=self.recipient)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The prepared inputs of the recipients."""
        return self.recipient.inputs


def begun(asked: Asked, swaps: Sequence[Swap], *, tails: bool = True) -> Batch:
    """The plain passes of a few swaps.

    Of a recipient's pass only what follows the first row that is swapped is run again, unless
    `tails` says otherwise, as it must where attention is cut.

    UserError if recipient and donor of a swap do not have the same tokens, as images of other sizes
    may have, for then a row of one has no place in the other.
    """
    texts = [each.question for each in swaps]
    trees = [asked.trees[text] for text in texts]
    vlm = asked.vlm
    inputs = [
        vlm.prepare([asked.open_image(key) for key in keys], texts)
        for keys in ([each.recipient for each in swaps], [each.donor for each in swaps])
    ]
    _require_same_tokens(swaps, *inputs)
    recipient, donor = Intervened(vlm, inputs[0], tails=tails), Intervened(vlm, inputs[1])
    return Batch(swaps=swaps, recipient=recipient, donor=donor, trees=trees, nodes=places_of(trees))


def swapped(batch: Batch, where: Where) -> Swapped:
    """Puts the donors' rows into the recipients' passes, one kind of positions and one layer at a
    time.

    What follows from the construction is not run: text tokens are the same in both, so at layer 0
    their rows are, too; at the last layer nothing but the answer position is read.
    """
    own, other = plain_odds(batch)
    n_layers = len(batch.recipient.streams) - 1
    # In the last batch there may be too few to tell how far apart natural states lie.
    natural = batch.recipient.last if len(batch.swaps) >= _LEAST_NATURAL else None
    patched: dict[str, ndarray] = {}
    distance: dict[str, ndarray] = {}
    for kind, (mask, layers) in where.items():
        patched[kind] = np.full((len(batch.swaps), n_layers + 1), np.nan, dtype=np.float32)
        distance[kind] = np.full_like(patched[kind], np.nan)
        for layer in layers:
            change = replace_rows(mask, batch.donor.streams[layer])
            last = after(batch, layer, change)
            patched[kind][:, layer] = odds(batch, last)
            if natural is not None:
                distance[kind][:, layer] = distance_from_natural(last[:, 0], natural).cpu().numpy()
    return Swapped(
        recipient=own[0], donor=other[0], right=own[1], patched=patched, distance=distance
    )


def after(batch: Batch, layer: int, change: Change) -> Float[Tensor, "item node d_model"]:
    """The last residuals of the recipients' passes when a layer's stream is changed."""
    return batch.recipient.at_nodes(layer, change, batch.nodes)


def last_of(
    one: Intervened, layer: int, nodes: tuple[Node, ...]
) -> Float[Tensor, "item node d_model"]:
    """The last residuals of a pass that goes on from one of its own layers, unchanged: where
    nothing else changes the model meanwhile, those of the plain pass.

    Forced tokens are so read as after a swap.
    """
    return one.at_nodes(layer, lambda stream: stream, nodes)


def odds(batch: Batch, last: Float[Tensor, "item node d_model"]) -> Float[ndarray, " item"]:
    """log2 odds of `towards` against `away` that these last residuals give, whole answers."""
    return _odds(batch, _log_probs(batch, last))


def plain_odds(
    batch: Batch,
) -> tuple[tuple[ndarray, ndarray], tuple[ndarray, ndarray]]:
    """The odds in the recipients' own passes and in the donors', each with whether `away` (for a
    donor `towards`) is the answer that is preferred to all others."""
    found = []
    for one, name in ((batch.recipient, "away"), (batch.donor, "towards")):
        last = last_of(one, len(one.streams) - 1, batch.nodes)
        scores = _log_probs(batch, last)
        said = scores.argmax(axis=-1)
        named = [getattr(each, name) for each in batch.swaps]
        right = [
            tree.answers[answer] == wanted
            for tree, answer, wanted in zip(batch.trees, said, named, strict=True)
        ]
        found.append((_odds(batch, scores), np.array(right, dtype=np.float32)))
    return found[0], found[1]


def _log_probs(
    batch: Batch, last: Float[Tensor, "item node d_model"]
) -> Float[ndarray, "item answer"]:
    vlm = batch.recipient.vlm
    return answer_log_probs(last[:, :, None], vlm.unembedding, batch.trees, batch.nodes)[:, 0]


def _odds(batch: Batch, scores: Float[ndarray, "item answer"]) -> Float[ndarray, " item"]:
    towards, away = (
        [
            row[tree.answers.index(getattr(swap, name))]
            for swap, tree, row in zip(batch.swaps, batch.trees, scores, strict=True)
        ]
        for name in ("towards", "away")
    )
    return np.array(towards, dtype=np.float32) - np.array(away, dtype=np.float32)


def _require_same_tokens(
    swaps: Sequence[Swap], inputs: Mapping[str, Any], others: Mapping[str, Any]
) -> None:
    ids, other_ids = inputs["input_ids"], others["input_ids"]
    same = ids.shape == other_ids.shape
    differ = [] if same else [0]
    if same:
        differ = (ids != other_ids).any(1).nonzero()[:, 0].tolist()
    if differ:
        swap = swaps[differ[0]]
        raise UserError(
            f"both images of {swap.pair_id!r} must give the same tokens, {swap.recipient!r} and "
            f"{swap.donor!r} do not (images of other sizes have other numbers of tokens): pair "
            "images of one size"
        )
