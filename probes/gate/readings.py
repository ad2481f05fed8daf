"""The checks of what is read from a model, each against what the model computes by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from probes.gate.check import Check, compared
from probes.gate.prompt import checked_prompt
from probes.gate.untouched import Untouched, untouched_passes
from probes.gate.uses import CHECKED_ROWS, logits_by_use
from probes.trial import QUESTIONS, Tolerance, tolerance_of, trial_images
from probes.vlm import VLM

# What products rounded to bfloat16 may differ by, as a share of the largest logit. They are used
# for the steps of a training alone, so that a model is not to be refused for their rounding.
_BFLOAT16_PRODUCTS = 5e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A model, its own passes over the items, and what is captured from them one by one."""

    vlm: VLM
    untouched: Untouched
    alone: Float[Tensor, "item layer d_model"]
    tolerance: Tolerance


def checked_readings(
    vlm: VLM, n_items: int, after_each: Callable[[], None] = lambda: None
) -> Iterator[Check]:
    """The checks on the first items of the built-in batch, one after the other.

    With fewer than all items, those that compare items with each other are left out. `after_each`
    is called after every forward pass.

    >>> all(check.passed for check in checked_readings(vlm, 1))
    True
    """
    images, questions = trial_images()[:n_items], QUESTIONS[:n_items]
    yield checked_prompt(vlm, images[0], questions[0])
    untouched = untouched_passes(vlm, images, questions, after_each)
    captured = []
    for image, question in zip(images, questions, strict=True):
        captured.append(vlm.capture([image], [question]))
        after_each()
    read = _Read(
        vlm=vlm, untouched=untouched, alone=torch.cat(captured), tolerance=tolerance_of(vlm)
    )
    yield compared(
        "residuals against an untouched pass",
        "the captured residuals differ from an untouched forward pass",
        read.alone[:, :-1],
        untouched.states[:, :-1],
        read.tolerance.same,
    )
    yield from _norms(read)
    yield from _logits(read)
    yield from _uses(read)
    if n_items == len(QUESTIONS):
        yield _padded(read, images)
        after_each()
        yield _image_arrives(read)


def _norms(read: _Read) -> Iterator[Check]:
    vlm, alone, norm = read.vlm, read.alone, read.vlm.unembedding.norm
    yield compared(
        "final norm of the raw last residual",
        "the final norm of the raw last residual differs from the model's own",
        norm(alone[:, -1:]),
        read.untouched.states[:, -1:],
        read.tolerance.same,
    )
    with torch.no_grad():
        one_by_one = torch.stack(
            [vlm.norm(alone[:, layer]) for layer in range(alone.shape[1])], dim=1
        )
    yield compared(
        "every layer normed by its own statistics",
        "layers are not normed with their own statistics",
        norm(alone),
        one_by_one,
        read.tolerance.same,
    )


def _logits(read: _Read) -> Iterator[Check]:
    unembedding, untouched = read.vlm.unembedding, read.untouched
    parts = unembedding.vocabulary_chunks(untouched.states[:, -1], CHECKED_ROWS)
    from_normed = torch.cat([logits for _, logits in parts], dim=-1)
    own = untouched.logits[:, None].to(from_normed.device)
    yield compared(
        "head, logit scale and soft cap",
        "head, logit scale or soft cap differ from the model's own",
        from_normed[:, None],
        own,
        read.tolerance.same,
    )
    yield compared(
        "logits of the last layer",
        "the lens at the last layer differs from the model's logits",
        read.vlm.unembed(read.alone[:, -1])[:, None],
        own,
        read.tolerance.same,
    )


def _uses(read: _Read) -> Iterator[Check]:
    """The last layer's logits by every way in which the output map is used later."""
    for what, got, tokens in logits_by_use(read.vlm.unembedding, read.alone[:, -1]):
        wanted = read.untouched.logits.to(got.device)
        allowed = read.tolerance.same
        yield compared(
            f"logits of the last layer, {what}",
            f"the lens at the last layer, {what}, differs from the model's logits",
            got[:, None],
            wanted[:, None, tokens],
            max(allowed, _BFLOAT16_PRODUCTS) if "bfloat16" in what else allowed,
            size_of=wanted[:, None],
        )


def _padded(read: _Read, images: list[Image.Image]) -> Check:
    return compared(
        "residuals of a padded batch",
        "residuals of a padded batch differ from those of its items alone",
        read.vlm.capture(images, QUESTIONS, batch_size=len(images)),
        read.alone,
        read.tolerance.batch,
    )


def _image_arrives(read: _Read) -> Check:
    """The first and the last item share their question: what differs is the image's doing."""
    first, other = read.alone[0].float(), read.alone[-1].float()
    arrives = not torch.equal(first, other)
    share = (first - other).abs().amax() / first.abs().amax().clamp(min=torch.finfo().tiny)
    return Check(
        name="the image reaches the answer position (must differ)",
        passed=arrives,
        difference=float(share),
        fault=""
        if arrives
        else "two different images give the same residuals at the answer position: the image does "
        "not reach it",
        remedy="" if arrives else " (has the prompt an image token, and after what place?)",
    )
