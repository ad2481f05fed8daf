"""What a model computes by itself: no hook in its blocks, no padding, one item at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class Untouched:
    """Plain forward passes, read at the answer position."""

    states: Float[Tensor, "item layer d_model"]
    """The hidden states as the library returns them; the last one is what its decoder ends with,
    normed."""
    logits: Float[Tensor, "item vocab"]


def untouched_passes(
    vlm: VLM,
    images: Sequence[Image.Image],
    questions: Sequence[str],
    after_each: Callable[[], None] = lambda: None,
) -> Untouched:
    """Plain passes of a model over images and questions, one by one.

    >>> from PIL import Image
    >>> own = untouched_passes(vlm, [Image.new("RGB", (64, 64))], ["What is this?"])
    >>> own.states.shape[1] == vlm.n_layers + 1
    True
    """
    states, logits = [], []
    for image, question in zip(images, questions, strict=True):
        inputs = vlm.prepare([image], [question])
        with _last_states(vlm) as last, torch.no_grad():
            output = vlm.model(**inputs, use_cache=False, output_hidden_states=True)
        below = [state[0, -1] for state in output.hidden_states[:-1]]
        own = [*below, last[0][0, -1]]
        # Spread over devices, each layer's state lies on its own.
        states.append(torch.stack([state.to(vlm.device) for state in own]))
        logits.append(output.logits[0, -1])
        after_each()
    return Untouched(states=torch.stack(states), logits=torch.stack(logits))


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
