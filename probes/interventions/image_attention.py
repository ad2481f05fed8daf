"""How much the answer position looks at the image, and making it look more: PAI.

Liu et al. (2024), arXiv:2407.21771 (ECCV), and their code, github.com/LALBJ/PAI.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.interventions.attention_calls import (
    AttentionCall,
    Result,
    attending,
    attention_through,
)
from probes.interventions.cached import cached_tokens
from probes.trial import tolerance_of
from probes.unembedding import GateError
from probes.vlm import VLM

Shares = Float[Tensor, "item block"]
Positions = Bool[Tensor, "item token"]


def attention_to_image(vlm: VLM, inputs: Mapping[str, Any], *, back: int = 0) -> Shares:
    """The share of its attention that the answer position puts on the image, in every block.

    It is the sum over image positions of the weights after the softmax, averaged over heads: from
    0 to 1, in float32. How many image positions there are counts: weights that are all alike give
    their share of the tokens. One pass; errors and NaN as `recorded_image_attention`.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> shares = attention_to_image(vlm, inputs)
    >>> shares.shape == (1, vlm.n_layers), bool((shares > 0).all() and (shares < 1).all())
    (True, True)
    """
    with recorded_image_attention(vlm, inputs, back=back) as shares:
        vlm.run(inputs)
    return shares


@contextmanager
def recorded_image_attention(
    vlm: VLM, inputs: Mapping[str, Any], *, back: int = 0
) -> Iterator[Shares]:
    """While it lasts, a pass over these inputs leaves the shares of `attention_to_image` behind.

    The pass itself (`run`, `residuals_into`, `residuals_at`) stays bit for bit what it was. A
    share is read by the model's own function: called once more in float32 for the answer position
    alone, with values that are 1 at the image's positions and 0 at all others. So what the family
    does to its scores is in it, and a boost or a cut that lasts as well. Of several passes the
    last over the answer position counts; forced tokens after the prompt are not looked at. Where
    answers begin some tokens before the prompt's end (`AnswerTree.back`), `back` says how many.

    NaN in blocks without self attention over the sequence (linear attention, cross attention).
    UserError for a model without image positions, for an implementation of attention that takes no
    explicit mask, for other inputs than these, and if no pass was made.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> buffer = vlm.new_buffer(1)
    >>> with recorded_image_attention(vlm, inputs) as shares:
    ...     vlm.residuals_into(inputs, buffer)
    >>> torch.equal(shares, attention_to_image(vlm, inputs))
    True
    """
    image = image_tokens(vlm, inputs)
    answer = _answer_place(image, back)
    modules = {
        number: attending(block, number)
        for number, block in enumerate(vlm.blocks, 1)
        if hasattr(block, "self_attn")
    }
    shares = torch.full((len(image), vlm.n_layers), math.nan, device=vlm.device)
    seen: set[int] = set()
    with cached_tokens(vlm) as before:

        def record(call: AttentionCall) -> Result:
            if before.left_alone:
                return call.whole()
            n_before, there = _keys(image, call, before.now)
            place = answer - n_before
            if 0 <= place < call.query.shape[2]:
                values = there[:, None, :, None].to(call.value).expand(call.value.shape)
                found, _ = call.of(slice(place, place + 1), values=values.contiguous())
                shares[:, call.block - 1] = found[:, 0, :, 0].mean(1)
                seen.add(call.block)
            return call.whole()

        with attention_through(modules, record):
            yield shares
    if seen != modules.keys():
        raise UserError(
            "attention is recorded in a pass over whole prompts through every block, got none: "
            "run the inputs while it lasts"
        )


@contextmanager
def image_attention_boosted(
    vlm: VLM,
    inputs: Mapping[str, Any],
    *,
    strength: float,
    blocks: tuple[int, int],
    back: int = 0,
) -> Iterator[None]:
    """While it lasts, the answer position looks more at the image in blocks first..last.

    Before the softmax a score a of an image position becomes a + strength * |a| (PAI), in every
    head, after scale and soft cap. Only queries at the prompt's last token, and at forced tokens
    after it, are changed; what others look at stays (though where a prompt looks ahead, as
    PaliGemma's, its tokens see what the last one has become). So it is in the authors' code: the
    last query of every call, which is the prompt's last token and then each one said, in blocks
    3..32 of LLaMA's 32 (`--start-layer 2`, counted from 0), with strength 0.2 unless told
    otherwise. They also contrast with a prompt without the image, which is no part of this.

    `back` tokens before the prompt's last one are changed too, where answers begin there. Strength
    0 does nothing at all, and a negative one lowers the scores. What the changed queries attend to
    is found by the model's own function, in float32. Works with a recording and with caches.

    UserError for blocks that the model does not have or without self attention, for a strength
    that is not finite, and as `recorded_image_attention`; GateError for a family whose scores are
    more than query times key, scaled and capped.

    >>> from PIL import Image
    >>> inputs = vlm.prepare([Image.new("RGB", (96, 96))], ["What is this?"])
    >>> plain = attention_to_image(vlm, inputs)
    >>> with image_attention_boosted(vlm, inputs, strength=0.5, blocks=(3, vlm.n_layers)):
    ...     more = attention_to_image(vlm, inputs)
    >>> torch.equal(more[:, :2], plain[:, :2]), bool(more[0, 2] > plain[0, 2])
    (True, True)
    """
    first, last = blocks
    if not 1 <= first <= last <= vlm.n_layers:
        raise UserError(
            f"blocks must be first..last among 1..{vlm.n_layers}, got {first}..{last}: block 1 is "
            "the first, and both ends are boosted"
        )
    if not math.isfinite(strength):
        raise UserError(f"a strength must be finite, got {strength}: 0 changes nothing")
    image = image_tokens(vlm, inputs)
    answer = _answer_place(image, back)
    modules = {
        number: attending(vlm.blocks[number - 1], number) for number in range(first, last + 1)
    }
    if strength == 0:
        yield
        return
    with cached_tokens(vlm) as before:

        def boost(call: AttentionCall) -> Result:
            if before.left_alone:
                return call.whole()
            n_before, there = _keys(image, call, before.now)
            return _boosted(vlm, call, there, max(answer - n_before, 0), strength)

        with attention_through(modules, boost):
            yield


def _answer_place(image: Positions, back: int) -> int:
    """The token after which the answer comes, counted from the left of the padded prompts."""
    n_tokens = image.shape[1]
    if not 0 <= back < n_tokens:
        raise UserError(
            f"answers begin 0..{n_tokens - 1} tokens before the prompt's end, got {back}: give the "
            "`back` of their tree"
        )
    return n_tokens - 1 - back


def _boosted(
    vlm: VLM, call: AttentionCall, there: Bool[Tensor, "item key"], start: int, strength: float
) -> Result:
    """What a call gives when its queries from `start` on look more at the image."""
    attended, weights = call.whole()
    queries = slice(start, call.query.shape[2])
    if start >= call.query.shape[2]:
        return attended, weights
    _require_scores(vlm, call, queries, attended[:, queries])
    more = strength * call.scores(queries).abs() * there[:, None, None]
    changed, seen = call.of(queries, more=more)
    if weights is not None and seen is not None:
        weights = torch.cat([weights[:, :, :start], seen.to(weights)], dim=2)
    return torch.cat([attended[:, :start], changed.to(attended)], dim=1), weights


def _require_scores(
    vlm: VLM, call: AttentionCall, queries: slice, own: Float[Tensor, "item query head unit"]
) -> None:
    """GateError if the scores, as we know them, do not give what the model's function gave."""
    error, largest = (call.by_scores(queries) - own).abs().max(), own.abs().max()
    if not error <= tolerance_of(vlm).same * largest:
        raise GateError(
            f"image attention cannot be boosted in block {call.block}: its scores must be query "
            f"times key, scaled, capped and masked, and what they give differs from the model's "
            f"own by {float(error / largest):.2g} of its largest value: take another family"
        )


def _keys(
    image: Positions, call: AttentionCall, n_before: int
) -> tuple[int, Bool[Tensor, "item key"]]:
    """How many tokens lie before the queries of a call, and which of its keys are of the image.

    `n_before` is what the model's own cache holds: a pass that goes on from a layer, beside keys
    and values of ours, says 0 and shows it by its keys alone.
    """
    n_before = n_before or call.cached
    n_items, n_keys = len(call.key), call.key.shape[2]
    n_tokens = n_before + call.query.shape[2]
    if len(image) != n_items or n_keys > n_tokens:
        raise UserError(
            f"attention to the image is looked at for {len(image)} prompts, got {n_items} with "
            f"{n_keys} keys for {n_tokens} tokens: run the inputs that it was asked for, with a "
            "cache that holds no more than the tokens before"
        )
    # None of the forced tokens after the prompt is of the image, and a sliding window's cache has
    # forgotten the first tokens.
    longer = pad(image, (0, max(n_tokens - image.shape[1], 0)))[:, :n_tokens]
    return n_before, longer[:, n_tokens - n_keys :].to(call.key.device)
