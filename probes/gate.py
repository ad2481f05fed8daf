"""The gate: what the view reads from a model must be what the model computes.

Run on every load, on a small built-in batch. A lens that is wrong at the last layer (norm
applied twice, cap forgotten, a random head) or that reads a padded position gives smooth,
believable curves: nothing later would notice. The same holds of each later use of the output map:
in chunks, of chosen tokens, kept, translated, saved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from probes.families import head_is_tied
from probes.gate_fit import running
from probes.gate_uses import CHECKED_ROWS, logits_by_use
from probes.trial import QUESTIONS, tolerance_of, trial_images
from probes.unembedding import GateError
from probes.vlm import VLM

# What products rounded to bfloat16 may differ by, as a share of the largest logit. They are used
# for the steps of a training alone, so that a model is not to be refused for their rounding.
_BFLOAT16_PRODUCTS = 5e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Untouched:
    """A plain forward pass, one item at a time, no hook, no padding, at the answer position."""

    states: Float[Tensor, "item layer d_model"]
    """The hidden states as the library returns them; the last one is what its decoder ends with,
    normed."""
    logits: Float[Tensor, "item vocab"]


def check_gate(vlm: VLM) -> None:
    """Check that what is read from a model is what the model computes itself.

    Raises GateError that says which part differs from the model's own computation, and by how much.

    >>> check_gate(vlm)  # says nothing, for the bundled model is read faithfully
    """
    _check_finite(vlm)
    _check_tied(vlm)
    with running(vlm):
        _check_readings(vlm)


def _check_readings(vlm: VLM) -> None:
    tolerance, images = tolerance_of(vlm), trial_images()
    untouched = _untouched(vlm, images)
    alone = torch.cat([vlm.capture([i], [q]) for i, q in zip(images, QUESTIONS, strict=True)])
    _compare(
        "the captured residuals differ from an untouched forward pass",
        alone[:, :-1],
        untouched.states[:, :-1],
        tolerance.same,
    )
    _check_norm(vlm, alone, untouched, tolerance.same)
    _check_head(vlm, alone, untouched, tolerance.same)
    _check_uses(vlm, alone, untouched, tolerance.same)
    _compare(
        "residuals of a padded batch differ from those of its items alone",
        vlm.capture(images, QUESTIONS, batch_size=len(images)),
        alone,
        tolerance.batch,
    )
    if torch.equal(alone[0], alone[2]):
        raise GateError(
            "two different images give the same residuals at the answer position: the image does "
            "not reach it (has the prompt an image token, and after what place?)"
        )


def _check_finite(vlm: VLM) -> None:
    """GateError for a head with a row that is not finite.

    Such a row, be it one that no token uses, makes every probability NaN.
    """
    # By sums, which need no second table of the size of the head; in float32, lest they overflow.
    sums = vlm.unembedding.head.sum(-1, dtype=torch.float32)
    rows = torch.nonzero(~torch.isfinite(sums)).flatten().tolist()
    if not rows:
        return
    first, last, n_tokens = rows[0], rows[-1], len(vlm.tokenizer)
    value = "NaN" if bool(vlm.unembedding.head[first].isnan().any()) else "infinite"
    if len(rows) == 1:
        which = f"row {first} of the head is"
    elif last - first + 1 == len(rows):
        which = f"rows {first} to {last} of the head are"
    else:
        which = f"{len(rows):,} rows of the head, {first} to {last}, are"
    whose = (
        f"no token has them, the tokenizer ends at {n_tokens - 1}"
        if first >= n_tokens
        else f"the first is that of the token {vlm.tokenizer.convert_ids_to_tokens(first)!r}"
    )
    raise GateError(
        f"{which} not finite ({value}): {whose}; every probability over the vocabulary would be "
        "NaN. Fill such rows with numbers, as with the mean of the others "
        "(model.resize_token_embeddings does so for rows that it adds), and save the model again"
    )


def _check_tied(vlm: VLM) -> None:
    embeddings: Any = vlm.model.get_input_embeddings()
    if not head_is_tied(vlm.model.config) or embeddings is None:
        return
    head, table = vlm.unembedding.head, embeddings.weight
    if head.shape != table.shape:
        raise GateError(
            f"the configuration ties head and embeddings, but their shapes are "
            f"{tuple(head.shape)} and {tuple(table.shape)}"
        )
    _compare("the head is not tied to the embeddings", head[None], table[None], 0.0, along="row")


def _check_norm(
    vlm: VLM, alone: Float[Tensor, "item layer d_model"], untouched: _Untouched, allowed: float
) -> None:
    norm = vlm.unembedding.norm
    _compare(
        "the final norm of the raw last residual differs from the model's own",
        norm(alone[:, -1:]),
        untouched.states[:, -1:],
        allowed,
    )
    with torch.no_grad():
        one_by_one = torch.stack(
            [vlm.norm(alone[:, layer]) for layer in range(alone.shape[1])], dim=1
        )
    _compare("layers are not normed with their own statistics", norm(alone), one_by_one, allowed)


def _check_head(
    vlm: VLM, alone: Float[Tensor, "item layer d_model"], untouched: _Untouched, allowed: float
) -> None:
    parts = vlm.unembedding.vocabulary_chunks(untouched.states[:, -1], CHECKED_ROWS)
    from_normed = torch.cat([logits for _, logits in parts], dim=-1)
    own = untouched.logits[:, None]
    _compare(
        "head, logit scale or soft cap differ from the model's own",
        from_normed[:, None],
        own,
        allowed,
    )
    lens = vlm.unembed(alone[:, -1])
    _compare(
        "the lens at the last layer differs from the model's logits", lens[:, None], own, allowed
    )


def _check_uses(
    vlm: VLM, alone: Float[Tensor, "item layer d_model"], untouched: _Untouched, allowed: float
) -> None:
    """Compare the last layer's logits by every way in which the output map is used later."""
    for what, got, tokens in logits_by_use(vlm.unembedding, alone[:, -1]):
        wanted = untouched.logits.to(got.device)
        most = max(allowed, _BFLOAT16_PRODUCTS) if "bfloat16" in what else allowed
        _compare(
            f"the lens at the last layer, {what}, differs from the model's logits",
            got[:, None],
            wanted[:, None, tokens],
            most,
            size_of=wanted[:, None],
        )


def _compare(
    what: str,
    got: Float[Tensor, "item layer unit"],
    wanted: Float[Tensor, "item layer unit"],
    allowed: float,
    along: str = "layer",
    size_of: Float[Tensor, "item layer all_units"] | None = None,
) -> None:
    """GateError if two results differ by too much at some layer, measured by that layer's values.

    They are compared layer by layer, since early layers can be a hundredth as large as late ones.
    `along` is what the second axis is called where it holds something else. `size_of` has the
    units that a difference is measured by where `wanted` holds some of them only.
    """
    if got.shape != wanted.shape:
        raise GateError(f"{what}: shape {tuple(got.shape)} instead of {tuple(wanted.shape)}")
    difference = (got.float() - wanted.float()).abs().amax(dim=(0, 2))
    whole = wanted if size_of is None else size_of
    size = whole.float().abs().amax(dim=(0, 2)).clamp(min=torch.finfo(torch.float32).tiny)
    share = torch.nan_to_num(difference / size, nan=torch.inf)
    worst = int(share.argmax())
    if share[worst] > allowed:
        at = f" at {along} {worst}" if len(share) > 1 else ""
        raise GateError(
            f"{what}{at}: by {share[worst]:.2g} of the largest value, allowed {allowed:.0e}; this "
            "model is not read faithfully and is not loaded"
        )


def _untouched(vlm: VLM, images: list[Image.Image]) -> _Untouched:
    states, logits = [], []
    for image, question in zip(images, QUESTIONS, strict=True):
        inputs = vlm.prepare([image], [question])
        with _last_states(vlm) as last, torch.no_grad():
            output = vlm.model(**inputs, use_cache=False, output_hidden_states=True)
        below = [state[0, -1] for state in output.hidden_states[:-1]]
        states.append(torch.stack([*below, last[0][0, -1].to(below[0].device)]))
        logits.append(output.logits[0, -1])
    return _Untouched(states=torch.stack(states), logits=torch.stack(logits))


@contextmanager
def _last_states(vlm: VLM) -> Iterator[list[Tensor]]:
    """The `last_hidden_state` of the decoder in each forward pass while it lasts.

    The last of its `hidden_states` need not be the same: a configuration can ask for it raw
    (tie_last_hidden_states).
    """
    found: list[Tensor] = []
    decoder: Any = vlm.model.get_decoder()
    hook = decoder.register_forward_hook(lambda *passed: found.append(passed[2][0]))
    try:
        yield found
    finally:
        hook.remove()
