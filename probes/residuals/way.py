"""How a model reads forced tokens: found by comparing with what it does when it generates."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from probes.answers.tree import ANSWER_NODE, Node
from probes.residuals.forced import Way, residuals_at_nodes
from probes.trial import QUESTIONS, tolerance_of, trial_images
from probes.unembedding import GateError
from probes.view import View

_WAYS: tuple[Way, ...] = ("cache", "passes")
_REFUSED = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


def way_of(vlm: View) -> Way:
    """How a model reads forced tokens: "cache" where that gives what it generates, else "passes".

    From its cache a model goes on where the prompt ends; by passes each path is read together with
    the prompt. Both are tried on a small built-in batch, alone and padded. GateError if neither
    does as the model.

    >>> way_of(vlm)
    'cache'
    """
    differ: list[str] = []
    for way in _WAYS:
        try:
            worst = _difference(vlm, way)
        except _REFUSED as error:
            differ.append(f"{way}: {str(error).partition(chr(10))[0][:120]}")
            continue
        if worst <= 1:
            return way
        differ.append(f"{way}: {worst:.2g} times the difference that is allowed")
    raise GateError(
        f"{type(vlm.model).__name__} cannot be read after forced tokens as it generates them "
        f"({'; '.join(differ)}): give answers that are one token each"
    )


def _difference(vlm: View, way: Way) -> float:
    """The largest difference to what is generated, as a share of what is allowed."""
    tolerance = tolerance_of(vlm)
    images = trial_images()
    said = [_generated(vlm, *pair) for pair in zip(images, QUESTIONS, strict=True)]
    own = torch.stack([logits for _, logits in said])
    # Two more nodes each: one that merges with the prompt's end, one on a path begun before.
    first = [token for token, _ in said]
    nodes = dict.fromkeys([ANSWER_NODE, *(Node(forced=(token,)) for token in first)])
    nodes |= dict.fromkeys(
        [*(Node(forced=(token, token)) for token in first), Node(back=1, forced=(first[0],))]
    )
    places = [list(nodes).index(Node(forced=(token,))) for token in first]
    pairs = zip(images, QUESTIONS, places, strict=True)
    alone = [_read(vlm, [image], [text], list(nodes), way)[0, at] for image, text, at in pairs]
    together = _read(vlm, images, QUESTIONS, list(nodes), way)[range(len(images)), places]
    shares = _share(torch.stack(alone), own), _share(together, own)
    return max(shares[0] / tolerance.same, shares[1] / tolerance.batch)


def _share(got: Float[Tensor, "item vocab"], wanted: Float[Tensor, "item vocab"]) -> float:
    share = (got - wanted).abs().amax() / wanted.abs().amax()
    return float(torch.nan_to_num(share, nan=torch.inf))


def _generated(vlm: View, image: Image.Image, question: str) -> tuple[int, Float[Tensor, " vocab"]]:
    """The first token that the model says, and its logits for the second."""
    model = cast(Any, vlm.model)
    with torch.no_grad():
        found = model.generate(
            **vlm.prepare([image], [question]),
            do_sample=False,
            min_new_tokens=2,
            max_new_tokens=2,
            output_logits=True,
            return_dict_in_generate=True,
        )
    return int(found.sequences[0, -2]), found.logits[1][0].float()


def _read(
    vlm: View,
    images: Sequence[Image.Image],
    questions: Sequence[str],
    nodes: Sequence[Node],
    way: Way,
) -> Float[Tensor, "item node vocab"]:
    """The lens at the last layer."""
    buffer = vlm.new_buffer(len(images) * len(nodes))
    residuals_at_nodes(vlm, vlm.prepare(images, questions), nodes, buffer, way=way)
    return vlm.unembed(buffer.unflatten(0, (len(images), -1))[:, :, -1])
