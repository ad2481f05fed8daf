"""Answers by decoding methods: next-token logits at the nodes of the answers, changed by a
method."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.mitigation.passes.parts import Part
from probes.answers.scores import by_tree, log_probs_of_logits, place_of
from probes.unembedding import Unembedding

_BLOCK_LOGITS = 2**25
"""Logits that are held at a time, over all layers."""
_NOT_SAID = 1000.0
"""Nats by which a token that a method does not say lies below what it would have without it."""
Last = Float[Tensor, "item place d_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLogits:
    """Everything that a method may look at where one token of an answer is chosen. Every state is
    normed by its own statistics."""

    final: Float[Tensor, "item vocab"]
    """The model's own logits."""
    layers: Float[Tensor, "item layer vocab"]
    """Logits of layers 0 to L - 1 through the same head."""
    references: Mapping[str, Float[Tensor, "item vocab"]]
    """Logits of other passes: without the image, with another one, and so on."""
    among: Int[Tensor, " child"]
    """The tokens with which the answers go on here."""


Method = Callable[[NodeLogits], Float[Tensor, "item vocab"]]


def scored(
    part: Part,
    unembedding: Unembedding,
    methods: Mapping[str, Method],
    references: Mapping[str, Last],
) -> dict[str, Float[ndarray, "item answer"]]:
    """log2 of the answers' probabilities among each other under every method, of each item.

    At each node where answers differ a method gives logits over the vocabulary, of which those of
    the node's children are taken. A child that the method does not say at all (-inf) comes after
    all that it says, and among such children the plain logits decide, so that items can still be
    ranked by them; where it says none of the children, the plain logits hold. `references` are last
    residuals at the nodes of the part.
    """
    passes = part.passes("real")
    out = {name: np.empty((len(part), len(passes.answers))) for name in methods}
    stored, nodes = passes.rows.nodes, part.nodes
    for tree, items in by_tree(passes.trees):
        rows = passes.rows.select(items)
        for where, states in _blocks(rows, unembedding.n_vocab):
            found: dict[str, dict] = {name: {} for name in methods}
            chosen = [items[number] for number in range(len(items))[where]]
            for path, place in place_of(tree, tree.parting, nodes).items():
                children = sorted(tree.children[path])
                own_states = states[:, stored.index(nodes[place])]
                logits = _at_node(own_states, unembedding, children, {
                    name: each[chosen][:, place] for name, each in references.items()
                })  # fmt: skip
                for name, method in methods.items():
                    own = _of_children(method(logits), logits)
                    found[name][path] = dict(zip(children, own.unbind(-1), strict=True))
            for name, given in found.items():
                out[name][chosen] = log_probs_of_logits(tree, given)
    return out


def _of_children(
    scores: Float[Tensor, "item vocab"], logits: NodeLogits
) -> Float[Tensor, "item child"]:
    # In float64, for beside the distance of what is not said float32 rounds items to ties.
    own, plain = (each[:, logits.among].double() for each in (scores, logits.final))
    said = own.isfinite()
    none = ~said.any(-1, keepdim=True)
    return torch.where(said, own, plain - torch.where(none, 0.0, _NOT_SAID))


def _at_node(
    states: Float[Tensor, "item layer d_model"],
    unembedding: Unembedding,
    children: Sequence[int],
    references: Mapping[str, Float[Tensor, "item d_model"]],
) -> NodeLogits:
    logits = _logits(states, unembedding)
    return NodeLogits(
        final=logits[:, -1],
        layers=logits[:, :-1],
        references={name: _logits(each, unembedding) for name, each in references.items()},
        among=torch.tensor(children, device=logits.device),
    )


@torch.no_grad()
def _logits(
    states: Float[Tensor, "*batch d_model"], unembedding: Unembedding
) -> Float[Tensor, "*batch vocab"]:
    logits = unembedding.logits(states.to(unembedding.head.device))
    # Rows of the head that no token uses may hold anything.
    return torch.where(logits.isnan(), -torch.inf, logits)


def _blocks(rows, n_vocab: int) -> Iterator[tuple[slice, Tensor]]:
    """The passes in blocks whose logits over all layers are bounded."""
    size = max(1, _BLOCK_LOGITS // (n_vocab * rows.store.spec.n_stored_layers))
    for start in range(0, len(rows), size):
        where = slice(start, min(start + size, len(rows)))
        chosen = rows.select(list(range(len(rows))[where]))
        yield where, torch.cat([block for _, block in chosen.place_blocks()])
